//! Keys under which a client repeats a write without a second effect.

use strata_core::{Error, ErrorCode};

/// Long enough for every form of random id.
const LONGEST: usize = 64;

/// A checked idempotency key: 1 to 64 visible ASCII characters. It counts for one user, so that
/// nobody finds out another's.
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// Checks a request's `idempotency_key`.
    ///
    /// # Errors
    /// `InvalidArgument` naming the field.
    pub fn new(key: String) -> Result<Self, Error> {
        if (1..=LONGEST).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic()) {
            Ok(Self(key))
        } else {
            Err(Error::new(
                ErrorCode::InvalidArgument,
                "idempotency_key must be 1 to 64 visible ASCII characters: send a fresh random id",
            ))
        }
    }

    /// The key as the store holds it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What a key answers that came before with other content.
    #[must_use]
    pub fn reused() -> Error {
        Error::new(
            ErrorCode::Conflict,
            "idempotency_key was used for another change: send a fresh one",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_required_and_bounded() {
        for good in ["a", "0195c7d2-7e5b-7c3a-9b1e-2f6d1c0a4e11", &"k".repeat(64)] {
            assert_eq!(IdempotencyKey::new(good.to_owned()).unwrap().as_str(), good);
        }
        for bad in ["", "two words", "caf\u{e9}", "tab\t", &"k".repeat(65)] {
            let error = IdempotencyKey::new(bad.to_owned()).err().unwrap();
            assert_eq!(error.code(), ErrorCode::InvalidArgument, "{bad:?}");
        }
    }
}
