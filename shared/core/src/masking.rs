//! What becomes of a value in front of whoever may not hold it. Codegen writes a [`Classified`] for
//! every message, from the labels of its contract; whatever encodes an answer takes no other.
//!
//! Masking shows less and never more: masked twice is masked once, whichever of two clearances came
//! first.

mod places;
mod strategy;

pub use places::Places;
pub use strategy::Mask;

use crate::label::{Categories, Category, Clearance, Label, Sensitivity};

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
    /// Where a value may not be seen. Also where none is: the hop before may have taken it.
    pub places: Places,
    /// What of high sensitivity is still in it; none when nothing is.
    pub released: Option<Label>,
}

/// Whether a message of this type need not even be looked at: `clearance` covers all it can hold, and
/// that is nothing whose release must be told.
#[must_use]
#[inline]
pub fn goes_out_whole<T: Classified>(clearance: Clearance) -> bool {
    clearance.covers(T::LABEL) && !T::LABEL.is_released_openly()
}

/// Masks what of a message `clearance` does not cover. Where the message [`goes_out_whole`] there is no
/// need to ask.
pub fn mask<T: Classified>(message: &mut T, clearance: Clearance, tokens: &dyn Tokens) -> Masked {
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
    if masking.hidden != 0 {
        message.visit(&mut masking);
        // What is not there amounts to nothing together.
        let beyond = masking
            .amounts()
            .filter(|whole| !clearance.covers(whole.label));
        let hidden = kinds(beyond);
        masking = Masking::new::<T>(clearance, None);
        masking.hidden = hidden;
    }
    message.visit(&mut masking);
    masking.done().places.names()
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
    combinations: &'static [Combination],
    /// Kinds that must not show, because together they amount to more than may be held.
    hidden: u64,
    /// Kinds whose release together must be told.
    told: u64,
    /// Kinds that are there; where values are masked, that are still there.
    there: u64,
    /// None when values are only looked at.
    tokens: Option<&'a dyn Tokens>,
    places: Places,
    released: Option<Label>,
}

impl<'a> Masking<'a> {
    fn new<T: Classified>(clearance: Clearance, tokens: Option<&'a dyn Tokens>) -> Self {
        let combinations = T::COMBINATIONS.iter();
        let beyond = combinations
            .clone()
            .filter(|one| !clearance.covers(one.label));
        Self {
            clearance,
            combinations: T::COMBINATIONS,
            hidden: kinds(beyond),
            told: kinds(combinations.filter(|one| one.label.is_released_openly())),
            there: 0,
            tokens,
            places: Places::default(),
            released: None,
        }
    }

    /// A text.
    pub fn text(&mut self, value: &Value, text: &mut String) {
        if self.hides(value, text.is_empty())
            && let Some(tokens) = self.tokens
        {
            value.mask.apply(value.kind, text, tokens);
        }
    }

    /// A text that may be absent.
    pub fn optional(&mut self, value: &Value, text: &mut Option<String>) {
        match text {
            Some(inner) => {
                if self.chosen_text(value, inner) {
                    *text = None;
                }
            }
            None => self.absent(value),
        }
    }

    /// The text that a oneof holds. Gives whether nothing of it may be left, not even that it was
    /// chosen.
    pub fn chosen_text(&mut self, value: &Value, text: &mut String) -> bool {
        let is_hidden = self.chosen(value);
        if let Some(tokens) = self.tokens
            && is_hidden
            && value.mask != Mask::Redact
        {
            value.mask.apply(value.kind, text, tokens);
            return false;
        }
        is_hidden
    }

    /// What else a oneof holds, as above.
    pub fn chosen(&mut self, value: &Value) -> bool {
        self.hides(value, false) && self.tokens.is_some()
    }

    /// A value that is not there.
    pub fn absent(&mut self, value: &Value) {
        self.hides(value, true);
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
            value.mask.apply(value.kind, text, tokens);
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
        if self.hidden | self.told == 0 && goes_out_whole::<T>(self.clearance) {
            return;
        }
        let around = self.places.enter(json);
        message.visit(self);
        self.places.leave(around);
    }

    fn hides(&mut self, value: &Value, is_empty: bool) -> bool {
        // What is only looked at is asked what it holds.
        if is_empty && self.tokens.is_none() {
            return false;
        }
        let is_hidden = !self.clearance.covers(value.label) || self.hidden & value.bit != 0;
        if !is_empty && (!is_hidden || self.tokens.is_none()) {
            self.there |= value.bit;
        }
        if !is_hidden {
            if value.label.is_released_openly() && !is_empty {
                let released = self.released.unwrap_or_default();
                self.released = Some(released.join(value.label));
            }
            return false;
        }
        self.places.add(value.json);
        !is_empty
    }

    /// The combinations that are there whole.
    fn amounts(&self) -> impl Iterator<Item = &'static Combination> {
        let there = self.there;
        let combinations = self.combinations.iter();
        combinations.filter(move |one| there & one.kinds == one.kinds)
    }

    fn done(self) -> Masked {
        let labels = self.amounts().map(|whole| whole.label);
        let openly = labels.filter(|label| label.is_released_openly());
        let released = self.released.into_iter().chain(openly);
        Masked {
            released: released.reduce(Label::join),
            places: self.places,
        }
    }
}

fn kinds<'a>(combinations: impl Iterator<Item = &'a Combination>) -> u64 {
    combinations.fold(0, |kinds, combination| kinds | combination.kinds)
}

#[cfg(test)]
mod tests;
