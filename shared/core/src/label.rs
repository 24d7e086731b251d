//! Data classification: a label is a sensitivity and a set of categories; labels form a lattice.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How much harm disclosure does. Ordered.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Sensitivity {
    /// May be published.
    #[default]
    Public,
    /// For the organisation's own people and workloads.
    Internal,
    /// For those with a stated need.
    Confidential,
    /// Disclosure harms people or breaks the law.
    Restricted,
}

/// What kind of protected data a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// Relates to an identified or identifiable person (GDPR Art. 4(1)).
    Personal,
    /// Special category of personal data (GDPR Art. 9).
    SpecialCategory,
    /// Card or account data.
    Payment,
    /// Grants access: password, token, key.
    Credential,
    /// Where a person or thing is.
    Location,
    /// Relates to a child.
    Child,
}

impl Category {
    /// Every category, in bit order.
    pub const ALL: [Self; 6] = [
        Self::Personal,
        Self::SpecialCategory,
        Self::Payment,
        Self::Credential,
        Self::Location,
        Self::Child,
    ];

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// A set of categories.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "Vec<Category>", into = "Vec<Category>")]
pub struct Categories(u8);

impl Categories {
    /// No category.
    pub const NONE: Self = Self(0);

    /// The set of the given categories.
    #[must_use]
    pub const fn of(categories: &[Category]) -> Self {
        let mut bits = 0;
        let mut rest = categories;
        while let [first, tail @ ..] = rest {
            bits |= first.bit();
            rest = tail;
        }
        Self(bits)
    }

    /// Members of either set.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Members of both sets.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether every member of `other` is in this set.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The members, in bit order.
    pub fn iter(self) -> impl Iterator<Item = Category> {
        Category::ALL
            .into_iter()
            .filter(move |category| self.0 & category.bit() != 0)
    }
}

impl From<Vec<Category>> for Categories {
    fn from(categories: Vec<Category>) -> Self {
        Self::of(&categories)
    }
}

impl From<Categories> for Vec<Category> {
    fn from(categories: Categories) -> Self {
        categories.iter().collect()
    }
}

impl fmt::Debug for Categories {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

/// The classification of a value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Label {
    /// How much harm disclosure does.
    pub sensitivity: Sensitivity,
    /// What kinds of protected data it is.
    #[serde(default)]
    pub categories: Categories,
}

impl Label {
    /// A label.
    #[must_use]
    pub const fn new(sensitivity: Sensitivity, categories: &[Category]) -> Self {
        Self {
            sensitivity,
            categories: Categories::of(categories),
        }
    }

    /// The least label that is at least both: what a message of both values carries.
    #[must_use]
    pub fn join(self, other: Self) -> Self {
        Self {
            sensitivity: self.sensitivity.max(other.sensitivity),
            categories: self.categories.union(other.categories),
        }
    }

    /// Whether this label is at least `other`, in sensitivity and in every category.
    #[must_use]
    pub fn covers(self, other: Self) -> bool {
        self.sensitivity >= other.sensitivity && self.categories.contains(other.categories)
    }
}

/// What a workload or user may hold: every label it covers. The default covers public data only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Clearance(pub Label);

impl Clearance {
    /// Whether a value of this label may be held.
    #[must_use]
    pub fn covers(self, label: Label) -> bool {
        self.0.covers(label)
    }

    /// What both may hold: a hop never widens what the caller may see.
    #[must_use]
    pub fn narrowed_to(self, other: Self) -> Self {
        Self(Label {
            sensitivity: self.0.sensitivity.min(other.0.sensitivity),
            categories: self.0.categories.intersection(other.0.categories),
        })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::{prelude::*, sample::select};

    use super::*;

    /// Any label there is.
    pub(crate) fn labels() -> impl Strategy<Value = Label> {
        let sensitivities = [
            Sensitivity::Public,
            Sensitivity::Internal,
            Sensitivity::Confidential,
            Sensitivity::Restricted,
        ];
        (select(sensitivities.to_vec()), 0..64_u8).prop_map(|(sensitivity, bits)| Label {
            sensitivity,
            categories: Categories(bits),
        })
    }

    proptest! {
        #[test]
        fn join_is_the_least_upper_bound(a in labels(), b in labels(), c in labels()) {
            let joined = a.join(b);
            prop_assert!(joined.covers(a) && joined.covers(b));
            prop_assert!(!(c.covers(a) && c.covers(b)) || c.covers(joined));
            prop_assert_eq!(joined, b.join(a));
            prop_assert_eq!(a.join(b.join(c)), a.join(b).join(c));
            prop_assert_eq!(a.join(a), a);
            prop_assert_eq!(a.join(Label::default()), a);
        }

        #[test]
        fn covering_is_a_partial_order(a in labels(), b in labels(), c in labels()) {
            prop_assert!(a.covers(a) && a.covers(Label::default()));
            prop_assert_eq!(a.covers(b), a.join(b) == a);
            prop_assert_eq!(a.covers(b) && b.covers(a), a == b);
            prop_assert!(!(a.covers(b) && b.covers(c)) || a.covers(c));
        }

        #[test]
        fn narrowing_is_the_greatest_lower_bound(a in labels(), b in labels(), c in labels()) {
            let narrowed = Clearance(a).narrowed_to(Clearance(b));
            prop_assert!(a.covers(narrowed.0) && b.covers(narrowed.0));
            prop_assert_eq!(narrowed.covers(c), a.covers(c) && b.covers(c));
            prop_assert_eq!(narrowed, Clearance(b).narrowed_to(Clearance(a)));
            prop_assert_eq!(Clearance(a.join(b)).narrowed_to(Clearance(a)), Clearance(a));
        }
    }

    #[test]
    fn a_set_shows_its_members_in_bit_order() {
        let both = Categories::of(&[Category::Child, Category::Personal]);
        assert_eq!(format!("{both:?}"), "{Personal, Child}");
        assert_eq!(Vec::from(both), [Category::Personal, Category::Child]);
        assert_eq!(Categories::from(Vec::from(both)), both);
    }

    #[test]
    fn reads_from_toml_shape() {
        let label: Label = serde_json::from_str(
            r#"{"sensitivity":"restricted","categories":["personal","special_category"]}"#,
        )
        .unwrap();
        assert!(label.covers(Label::new(Sensitivity::Internal, &[Category::Personal])));
        assert!(!label.covers(Label::new(Sensitivity::Internal, &[Category::Payment])));
    }
}
