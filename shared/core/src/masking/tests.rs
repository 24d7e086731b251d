use proptest::prelude::*;

use super::*;
use crate::label::tests::labels;

pub(super) struct Plain;

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
    assert!(released.places.is_empty());
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
    assert_eq!(masked.places.names(), expected);
    assert_eq!(masked.released, None);
}

#[test]
fn what_amounts_to_more_together_does_not_show_together() {
    let mut person = person();
    let masked = mask(&mut person, Clearance(PERSONAL), &Plain);
    assert_eq!(masked.places.names(), ["born", "number", "postcode"]);
    assert_eq!(
        (person.name.as_str(), person.born.as_str()),
        ("Ann Other", "1984")
    );
}

#[test]
fn what_goes_out_together_is_told_together() {
    let mut known = Person {
        number: String::new(),
        ..person()
    };
    let told = |person: &mut Person| mask(person, Clearance(SECRET), &Plain).released;
    assert_eq!(told(&mut known), Some(SECRET));
    known.born.clear();
    assert_eq!(told(&mut known), None);
}

#[test]
fn what_may_be_absent_is_named_and_leaves_nothing() {
    const SHORT: Value = value("short", PERSONAL, 0, Mask::Initial);
    const WHOLE: Value = value("whole", PERSONAL, 0, Mask::Redact);
    let mut masking = Masking::new::<Person>(Clearance::default(), Some(&Plain));
    let mut texts = [Some("Ann".to_owned()), Some(String::new()), None];
    masking.optional(&SHORT, &mut texts[0]);
    masking.optional(&WHOLE, &mut texts[1]);
    masking.optional(&WHOLE, &mut texts[2]);
    assert_eq!(texts, [Some("A***".to_owned()), None, None]);
    let mut text = "Ann".to_owned();
    assert!(!masking.chosen_text(&SHORT, &mut text));
    assert_eq!(text, "A***");
    assert!(masking.chosen_text(&WHOLE, &mut text));
    assert!(masking.chosen(&WHOLE));
    assert_eq!(masking.done().places.names(), ["short", "whole"]);
    let mut cleared = Masking::new::<Person>(Clearance(SECRET), Some(&Plain));
    assert!(!cleared.chosen(&WHOLE) && !cleared.chosen_text(&WHOLE, &mut text));
}

#[test]
fn what_is_only_looked_at_stays() {
    let mut seen = person();
    assert_eq!(
        beyond(&mut seen, Clearance(PERSONAL)),
        ["born", "number", "postcode"]
    );
    assert_eq!(seen, person());
    // One of what amounts to more together is only what it is.
    let mut half = Person {
        born: String::new(),
        ..person()
    };
    assert_eq!(beyond(&mut half, Clearance(PERSONAL)), ["number"]);
    assert!(beyond(&mut seen, Clearance(SECRET)).is_empty());
    assert!(beyond(&mut Person::default(), Clearance::default()).is_empty());
}

#[test]
fn a_place_is_named_whether_or_not_there_is_a_value() {
    let mut nobody = Person::default();
    let masked = mask(&mut nobody, Clearance(PERSONAL), &Plain);
    assert_eq!(masked.places.names(), ["born", "number", "postcode"]);
    assert_eq!(nobody, Person::default());
    let all = mask(&mut nobody, Clearance(SECRET), &Plain);
    assert_eq!(all, Masked::default());
}

proptest! {
    /// A hop after the other shows what both may see, whichever came first, and no more of a value
    /// that one of them masks than that one shows.
    #[test]
    fn two_hops_show_what_both_may_see(person in people(), one in labels(), other in labels()) {
        let (one, other) = (Clearance(one), Clearance(other));
        let after = |clearances: &[Clearance]| {
            let mut masked = person.clone();
            for clearance in clearances {
                mask(&mut masked, *clearance, &Plain);
            }
            masked
        };
        let both = after(&[one, other]);
        prop_assert_eq!(&both, &after(&[other, one]));
        prop_assert_eq!(&both, &after(&[one.narrowed_to(other)]));
        prop_assert_eq!(after(&[one]), after(&[one, one]));
        if one.covers(SECRET) {
            prop_assert_eq!(after(&[one]), person);
        }
    }

    /// In a request is refused what is there and beyond, and nothing else; and in an answer that is
    /// masked.
    #[test]
    fn what_is_masked_is_beyond(person in people(), clearance in labels()) {
        let clearance = Clearance(clearance);
        let mut masked = person.clone();
        let places = mask(&mut masked, clearance, &Plain).places.names();
        let found = beyond(&mut person.clone(), clearance);
        prop_assert_eq!(&found, &refused(&person, clearance));
        prop_assert!(found.iter().all(|place| places.contains(place)));
        // Half of a combination is masked in an answer: whether the rest is there is not told.
        prop_assert!(!found.is_empty() || alone(&masked) == alone(&person));
    }
}

/// What of a person must not be sent on, by hand: the combination counts when all of it is there.
fn refused(person: &Person, Clearance(clearance): Clearance) -> Vec<String> {
    let all: Vec<_> = [person].into_iter().chain(&person.friends).collect();
    let together = all.iter().any(|one| !one.born.is_empty())
        && all.iter().any(|one| !one.postcode.is_empty());
    let (personal, secret) = (!clearance.covers(PERSONAL), !clearance.covers(SECRET));
    let mut places = std::collections::BTreeSet::new();
    for (at, one) in all.iter().enumerate() {
        let path = if at == 0 { "" } else { "friends." };
        for (name, is_beyond) in [
            ("name", personal && !one.name.is_empty()),
            ("points", personal && one.points != 0),
            ("number", secret && !one.number.is_empty()),
            (
                "born",
                (personal || secret && together) && !one.born.is_empty(),
            ),
            (
                "postcode",
                (personal || secret && together) && !one.postcode.is_empty(),
            ),
        ] {
            if is_beyond {
                places.insert(format!("{path}{name}"));
            }
        }
    }
    places.into_iter().collect()
}

/// A person without what counts in a combination.
fn alone(person: &Person) -> Person {
    Person {
        born: String::new(),
        postcode: String::new(),
        friends: person.friends.iter().map(alone).collect(),
        ..person.clone()
    }
}

fn people() -> impl Strategy<Value = Person> {
    let texts = (
        ".{0,12}",
        "[A-Z]{1,2}[0-9]{1,2} [0-9][A-Z]{2}",
        ".{0,4}|[0-9]{4}-[0-9]{2}-[0-9]{2}",
    );
    let alone =
        (texts, ".{0,10}", 0..3_u32).prop_map(|((name, postcode, born), number, points)| Person {
            name,
            postcode,
            born,
            number,
            points,
            friends: Vec::new(),
        });
    (alone.clone(), prop::collection::vec(alone, 0..3))
        .prop_map(|(person, friends)| Person { friends, ..person })
}
