//! What a request may hold at most, value by value: how long a text, how many items. Codegen writes a
//! [`Bounded`] for every message a request can hold, from what the contract states; servers and
//! routes take no other.

use std::fmt::{self, Write as _};

/// A message whose contract bounds every value of it.
pub trait Bounded {
    /// Finds the first value that is longer, or the first list that holds more, than the contract
    /// says.
    ///
    /// # Errors
    /// [`Excess`], which says where it stands and what it may be.
    fn check(&self) -> Result<(), Excess>;

    /// The object that a request names, where its contract says by which field (`resource`): that field,
    /// and the id in it. It is what the audit trail names, as a hash.
    fn resource(&self) -> Option<(&'static str, &str)> {
        None
    }
}

impl<T: Bounded + ?Sized> Bounded for Box<T> {
    fn check(&self) -> Result<(), Excess> {
        (**self).check()
    }

    fn resource(&self) -> Option<(&'static str, &str)> {
        (**self).resource()
    }
}

/// A value beyond its limit. It says nothing of the value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excess {
    /// Innermost first: it is found from within.
    path: Vec<Field>,
    limit: Limit,
}

impl Excess {
    /// Where it stands, by the names of the contract: `lines[2].item_code`.
    #[must_use]
    pub fn path(&self) -> String {
        self.join(|field| field.proto)
    }

    /// Where it stands in the JSON form: `lines[2].itemCode`.
    #[must_use]
    pub fn json_path(&self) -> String {
        self.join(|field| field.json)
    }

    /// What it may be.
    #[must_use]
    pub const fn limit(&self) -> Limit {
        self.limit
    }

    fn join(&self, name: fn(&Field) -> &'static str) -> String {
        let mut path = String::new();
        for field in self.path.iter().rev() {
            if !path.is_empty() {
                path.push('.');
            }
            path.push_str(name(field));
            if let Some(at) = field.at {
                // Writing to a String does not fail.
                let _ = write!(path, "[{at}]");
            }
        }
        path
    }
}

impl fmt::Display for Excess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` {}", self.path(), self.limit)
    }
}

/// The most a value may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// Unicode code points of a text, as `maxLength` of JSON Schema counts them.
    Characters(u32),
    /// Bytes of a value that is no text.
    Bytes(u32),
    /// Items of a list, entries of a map.
    Items(u32),
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (most, of) = match self {
            Self::Characters(most) => (most, "characters"),
            Self::Bytes(most) => (most, "bytes"),
            Self::Items(most) => (most, "items"),
        };
        write!(f, "is too long: send at most {most} {of}")
    }
}

/// A field of a message, and which of its items; generated code asks it about the field's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    proto: &'static str,
    json: &'static str,
    at: Option<usize>,
}

impl Field {
    /// By its name in the contract and in JSON.
    #[must_use]
    pub const fn new(proto: &'static str, json: &'static str) -> Self {
        Self {
            proto,
            json,
            at: None,
        }
    }

    /// The item at that place, from 0.
    #[must_use]
    pub const fn at(self, at: usize) -> Self {
        Self {
            at: Some(at),
            ..self
        }
    }

    /// # Errors
    /// When the text has more than `most` characters.
    pub fn text(self, text: &str, most: u32) -> Result<(), Excess> {
        // No text has more characters than bytes, so most need not be walked.
        let within = text.len() <= most as usize || text.chars().count() <= most as usize;
        self.within(within, Limit::Characters(most))
    }

    /// # Errors
    /// When there are more than `most` bytes.
    pub fn bytes(self, bytes: &[u8], most: u32) -> Result<(), Excess> {
        self.within(bytes.len() <= most as usize, Limit::Bytes(most))
    }

    /// # Errors
    /// When there are more than `most` items.
    pub fn items(self, items: usize, most: u32) -> Result<(), Excess> {
        self.within(items <= most as usize, Limit::Items(most))
    }

    /// # Errors
    /// When the message within has a value beyond its limit.
    pub fn message(self, message: &impl Bounded) -> Result<(), Excess> {
        message.check().map_err(|mut excess| {
            excess.path.push(self);
            excess
        })
    }

    fn within(self, within: bool, limit: Limit) -> Result<(), Excess> {
        if within {
            return Ok(());
        }
        Err(Excess {
            path: vec![self],
            limit,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CODE: Field = Field::new("item_code", "itemCode");
    const LINES: Field = Field::new("lines", "lines");

    struct Line(&'static str);

    impl Bounded for Line {
        fn check(&self) -> Result<(), Excess> {
            CODE.text(self.0, 3)
        }
    }

    #[test]
    fn text_is_counted_in_characters_and_bytes_in_bytes() {
        assert_eq!(CODE.text("äöü", 3), Ok(()));
        let excess = CODE.text("äöüß", 3).unwrap_err();
        assert_eq!(excess.limit(), Limit::Characters(3));
        assert_eq!(CODE.bytes(b"abc", 3), Ok(()));
        let excess = CODE.bytes("äö".as_bytes(), 3).unwrap_err();
        assert_eq!(excess.limit(), Limit::Bytes(3));
        assert_eq!(LINES.items(3, 3), Ok(()));
        assert_eq!(LINES.items(4, 3).unwrap_err().limit(), Limit::Items(3));
    }

    #[test]
    fn what_is_too_long_is_named_in_both_spellings_and_never_shown() {
        assert_eq!(LINES.at(2).message(&Box::new(Line("abc"))), Ok(()));
        let excess = LINES.at(2).message(&Box::new(Line("abcd"))).unwrap_err();
        assert_eq!(excess.path(), "lines[2].item_code");
        assert_eq!(excess.json_path(), "lines[2].itemCode");
        assert_eq!(
            excess.to_string(),
            "`lines[2].item_code` is too long: send at most 3 characters"
        );
    }
}
