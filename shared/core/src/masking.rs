//! What becomes of a value in front of whoever may not hold it. Codegen writes a [`Classified`] for
//! every message, from the labels of its contract; whatever encodes an answer takes no other.
//!
//! Masking shows less and never more: masked twice is masked once, whichever of two clearances came
//! first.

use std::collections::HashSet;

use crate::label::{Categories, Category, Clearance, Label, Sensitivity};

/// What is left of a masked text.
const HIDDEN: &str = "***";

/// A text as short as this would be shown almost whole by its last four characters.
const SHORT: usize = 8;

/// A message whose contract labels every value of it.
pub trait Classified {
    /// The most a message of this type can be: the join of its values, raised by the combination
    /// rules of the estate.
    const LABEL: Label;

    /// What some of its values together amount to, beyond what each is.
    const COMBINATIONS: &'static [Combination];

    /// Asks about each of its values.
    fn visit(&mut self, masking: &mut Masking<'_>);
}

impl<T: Classified> Classified for Box<T> {
    const LABEL: Label = T::LABEL;
    const COMBINATIONS: &'static [Combination] = T::COMBINATIONS;

    fn visit(&mut self, masking: &mut Masking<'_>) {
        (**self).visit(masking);
    }
}

/// Values that say more together than each alone (the mosaic effect).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Combination {
    /// What they amount to.
    pub label: Label,
    /// The kinds of value, a bit each; the bits are the generated code's own.
    pub kinds: u64,
}

/// What is shown instead of a value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mask {
    /// Nothing.
    #[default]
    Redact,
    /// The last four characters, of a text that has more than twice as many.
    LastFour,
    /// The first character.
    Initial,
    /// The domain of an e-mail address.
    Domain,
    /// The year of a date (ISO 8601).
    Year,
    /// The area of a postal code: what stands before its space, or its first two characters.
    Area,
    /// A token: the same for the same value within an environment, and no way back.
    Token,
}

/// A value of a message, as its contract describes it.
#[derive(Clone, Copy, Debug)]
pub struct Value {
    /// Its name in JSON.
    pub json: &'static str,
    /// What it is.
    pub label: Label,
    /// What kind of value it is; may be empty.
    pub kind: &'static str,
    /// Its kind's bit, when a [`Combination`] counts it.
    pub bit: u64,
    /// What is shown instead of it.
    pub mask: Mask,
}

/// Makes tokens of values.
pub trait Tokens: Send + Sync {
    /// The token of a value of that kind. A token is its own token.
    fn token(&self, kind: &str, value: &str) -> String;
}

/// What came of masking a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Masked {
    /// Where a value was masked, in JSON's names, each place once: `orders.customerId`.
    pub places: Vec<String>,
    /// What of high sensitivity is still in it; none when nothing is.
    pub released: Option<Label>,
}

/// Masks what of a message `clearance` does not cover. When it covers all the type can hold, and that
/// is nothing whose release must be told, the message is not even looked at.
pub fn mask<T: Classified>(message: &mut T, clearance: Clearance, tokens: &dyn Tokens) -> Masked {
    if clearance.covers(T::LABEL) && !T::LABEL.is_released_openly() {
        return Masked::default();
    }
    let mut masking = Masking::new::<T>(clearance, Some(tokens));
    message.visit(&mut masking);
    masking.done()
}

/// Where a message holds what `clearance` does not cover, in JSON's names.
pub fn beyond<T: Classified>(message: &mut T, clearance: Clearance) -> Vec<String> {
    if clearance.covers(T::LABEL) {
        return Vec::new();
    }
    let mut masking = Masking::new::<T>(clearance, None);
    message.visit(&mut masking);
    masking.done().places
}

impl Label {
    /// Whether letting a value of this label out is an event of its own.
    #[must_use]
    pub const fn is_released_openly(self) -> bool {
        matches!(self.sensitivity, Sensitivity::Restricted)
            || self
                .categories
                .contains(Categories::of(&[Category::SpecialCategory]))
    }
}

/// A walk over one message.
pub struct Masking<'a> {
    clearance: Clearance,
    /// Kinds that must not show, because together they amount to more than may be held.
    hidden: u64,
    /// None when values are only looked at.
    tokens: Option<&'a dyn Tokens>,
    path: Vec<&'static str>,
    places: HashSet<Vec<&'static str>>,
    released: Option<Label>,
}

impl<'a> Masking<'a> {
    fn new<T: Classified>(clearance: Clearance, tokens: Option<&'a dyn Tokens>) -> Self {
        let beyond = T::COMBINATIONS
            .iter()
            .filter(|combination| !clearance.covers(combination.label));
        Self {
            clearance,
            hidden: beyond.fold(0, |kinds, combination| kinds | combination.kinds),
            tokens,
            path: Vec::new(),
            places: HashSet::new(),
            released: None,
        }
    }

    /// A text.
    pub fn text(&mut self, value: &Value, text: &mut String) {
        if self.hides(value, text.is_empty())
            && let Some(tokens) = self.tokens
        {
            masked(value, text, tokens);
        }
    }

    /// Texts: each for itself, or none at all when nothing of them is shown.
    pub fn texts(&mut self, value: &Value, texts: &mut Vec<String>) {
        if !self.hides(value, texts.is_empty()) {
            return;
        }
        let Some(tokens) = self.tokens else { return };
        if value.mask == Mask::Redact {
            texts.clear();
        }
        for text in texts {
            masked(value, text, tokens);
        }
    }

    /// Anything else: it is left empty.
    pub fn other<V: Default + PartialEq>(&mut self, value: &Value, other: &mut V) {
        if self.hides(value, *other == V::default()) && self.tokens.is_some() {
            *other = V::default();
        }
    }

    /// A message within the message.
    pub fn message<T: Classified>(&mut self, json: &'static str, message: &mut T) {
        let is_free = self.hidden == 0 && self.clearance.covers(T::LABEL);
        if is_free && !T::LABEL.is_released_openly() {
            return;
        }
        self.path.push(json);
        message.visit(self);
        self.path.pop();
    }

    fn hides(&mut self, value: &Value, is_empty: bool) -> bool {
        if is_empty {
            return false;
        }
        if self.clearance.covers(value.label) && self.hidden & value.bit == 0 {
            if value.label.is_released_openly() {
                let released = self.released.unwrap_or_default();
                self.released = Some(released.join(value.label));
            }
            return false;
        }
        self.path.push(value.json);
        if !self.places.contains(&self.path) {
            self.places.insert(self.path.clone());
        }
        self.path.pop();
        true
    }

    fn done(self) -> Masked {
        let mut places: Vec<_> = self.places.iter().map(|path| path.join(".")).collect();
        places.sort_unstable();
        Masked {
            places,
            released: self.released,
        }
    }
}

fn masked(value: &Value, text: &mut String, tokens: &dyn Tokens) {
    *text = match value.mask {
        Mask::Redact => String::new(),
        Mask::Token => tokens.token(value.kind, text),
        Mask::Initial => match text.chars().next() {
            Some(first) if text != HIDDEN => format!("{first}{HIDDEN}"),
            _ => HIDDEN.to_owned(),
        },
        Mask::LastFour => match text.char_indices().nth_back(3) {
            Some((at, _)) if text.chars().count() >= SHORT => {
                format!("****{}", text.get(at..).unwrap_or_default())
            }
            _ => HIDDEN.to_owned(),
        },
        Mask::Domain => match text.rsplit_once('@') {
            Some((_, domain)) => format!("{HIDDEN}@{domain}"),
            None => HIDDEN.to_owned(),
        },
        Mask::Year => match text.get(..4) {
            Some(year)
                if year.bytes().all(|digit| digit.is_ascii_digit())
                    && matches!(text.as_bytes().get(4), None | Some(b'-')) =>
            {
                year.to_owned()
            }
            _ => String::new(),
        },
        Mask::Area => {
            let area = match text.split_once(' ') {
                Some((area, _)) => area.to_owned(),
                None => text.chars().take(2).collect(),
            };
            format!("{area} {HIDDEN}")
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Plain;

    impl Tokens for Plain {
        fn token(&self, kind: &str, value: &str) -> String {
            match value.strip_prefix("tok_") {
                Some(_) => value.to_owned(),
                None => format!("tok_{kind}{}", value.len()),
            }
        }
    }

    const PERSONAL: Label = Label::new(Sensitivity::Confidential, &[Category::Personal]);
    const SECRET: Label = Label::new(Sensitivity::Restricted, &[Category::Personal]);
    const AREA: u64 = 1;
    const BORN: u64 = 2;

    #[derive(Clone, Default, PartialEq, Debug)]
    struct Person {
        name: String,
        postcode: String,
        born: String,
        number: String,
        points: u32,
        friends: Vec<Person>,
    }

    const fn value(json: &'static str, label: Label, bit: u64, mask: Mask) -> Value {
        Value {
            json,
            label,
            kind: json,
            bit,
            mask,
        }
    }

    impl Classified for Person {
        const LABEL: Label = SECRET;
        const COMBINATIONS: &'static [Combination] = &[Combination {
            label: SECRET,
            kinds: AREA | BORN,
        }];

        fn visit(&mut self, masking: &mut Masking<'_>) {
            masking.text(
                &const { value("name", PERSONAL, 0, Mask::Initial) },
                &mut self.name,
            );
            masking.text(
                &const { value("postcode", PERSONAL, AREA, Mask::Area) },
                &mut self.postcode,
            );
            masking.text(
                &const { value("born", PERSONAL, BORN, Mask::Year) },
                &mut self.born,
            );
            masking.text(
                &const { value("number", SECRET, 0, Mask::LastFour) },
                &mut self.number,
            );
            masking.other(
                &const { value("points", PERSONAL, 0, Mask::Redact) },
                &mut self.points,
            );
            for friend in &mut self.friends {
                masking.message("friends", friend);
            }
        }
    }

    fn person() -> Person {
        Person {
            name: "Ann Other".to_owned(),
            postcode: "SW1A 1AA".to_owned(),
            born: "1984-02-29".to_owned(),
            number: "AB123456C".to_owned(),
            points: 7,
            friends: Vec::new(),
        }
    }

    #[test]
    fn what_is_covered_stays_and_what_is_not_is_masked_and_named() {
        let mut all = person();
        let released = mask(&mut all, Clearance(SECRET), &Plain);
        assert_eq!(all, person());
        assert_eq!(released.places, Vec::<String>::new());
        assert_eq!(released.released, Some(SECRET));

        let mut none = Person {
            friends: vec![person(), person()],
            ..person()
        };
        let masked = mask(&mut none, Clearance::default(), &Plain);
        assert_eq!(none.name, "A***");
        assert_eq!(none.postcode, "SW1A ***");
        assert_eq!(none.born, "1984");
        assert_eq!(none.number, "****456C");
        assert_eq!(none.points, 0);
        assert_eq!(none.friends[1].name, "A***");
        let friends = ["born", "name", "number", "points", "postcode"];
        let friends = friends.map(|name| format!("friends.{name}"));
        let own = ["name", "number", "points", "postcode"].map(str::to_owned);
        let expected: Vec<_> = ["born".to_owned()]
            .into_iter()
            .chain(friends)
            .chain(own)
            .collect();
        assert_eq!(masked.places, expected);
        assert_eq!(masked.released, None);
    }

    #[test]
    fn what_amounts_to_more_together_does_not_show_together() {
        let mut person = person();
        let masked = mask(&mut person, Clearance(PERSONAL), &Plain);
        assert_eq!(masked.places, ["born", "number", "postcode"]);
        assert_eq!(
            (person.name.as_str(), person.born.as_str()),
            ("Ann Other", "1984")
        );
    }

    #[test]
    fn what_is_only_looked_at_stays() {
        let mut seen = person();
        assert_eq!(
            beyond(&mut seen, Clearance(PERSONAL)),
            ["born", "number", "postcode"]
        );
        assert_eq!(seen, person());
        assert!(beyond(&mut seen, Clearance(SECRET)).is_empty());
        assert!(beyond(&mut Person::default(), Clearance::default()).is_empty());
    }

    #[test]
    fn masked_twice_is_masked_once_and_shows_no_more() {
        let texts = [
            "",
            "a",
            "***",
            "ann@example.com",
            "1984-02-29",
            "19840229",
            "SW1A 1AA",
            "10115",
            "AB123456C",
            "éééééééééééé",
            "tok_1",
            " ",
            "@",
            "12345678",
        ];
        for strategy in [
            Mask::Redact,
            Mask::LastFour,
            Mask::Initial,
            Mask::Domain,
            Mask::Year,
            Mask::Area,
            Mask::Token,
        ] {
            for text in texts {
                let value = value("value", SECRET, 0, strategy);
                let mut once = text.to_owned();
                masked(&value, &mut once, &Plain);
                let mut twice = once.clone();
                masked(&value, &mut twice, &Plain);
                assert_eq!(once, twice, "{strategy:?} {text:?}");
            }
        }
    }
}
