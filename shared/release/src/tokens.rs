//! Tokens in place of values: HMAC-SHA-256 (RFC 2104) by a key every service of an environment has.
//! Within it the same value has the same token, so that answers can be compared and joined; another
//! environment's key makes others.

use aws_lc_rs::{constant_time::verify_slices_are_equal, hmac};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use strata_core::masking::Tokens;
use zeroize::Zeroizing;

/// Bytes of the key, as many as the hash has (RFC 2104, section 3).
const KEY: usize = 32;
/// Bytes of the hash that name the value.
const NAME: usize = 16;
/// Bytes that say the token was made here.
const SEAL: usize = 8;
const PREFIX: &str = "tok_";

/// The key does not decode, or has another length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is no key of 32 bytes in base64: make one with `openssl rand -base64 32`")]
pub struct BadKey;

/// Makes tokens with the key of an environment. It has no `Debug`, so that the key is shown nowhere.
pub struct KeyedTokens(hmac::Key);

impl KeyedTokens {
    /// Of a key file's text: 32 random bytes in base64 (RFC 4648, section 4).
    ///
    /// # Errors
    /// [`BadKey`] when it is something else.
    pub fn parse(text: &[u8]) -> Result<Self, BadKey> {
        let key = STANDARD.decode(text.trim_ascii()).map_err(|_| BadKey)?;
        let key = Zeroizing::new(key);
        if key.len() != KEY {
            return Err(BadKey);
        }
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, &key)))
    }

    /// What is hashed says what it is for, so that a seal is never the name of a value.
    fn hash(&self, purpose: &str, parts: [&[u8]; 2]) -> hmac::Tag {
        let mut context = hmac::Context::with_key(&self.0);
        for part in [purpose.as_bytes(), parts[0], parts[1]] {
            context.update(&part.len().to_be_bytes());
            context.update(part);
        }
        context.sign()
    }

    fn seal(&self, name: &[u8]) -> hmac::Tag {
        self.hash("seal", [name, &[]])
    }

    fn is_token(&self, text: &str) -> bool {
        let bytes = text
            .strip_prefix(PREFIX)
            .and_then(|text| URL_SAFE_NO_PAD.decode(text).ok())
            .unwrap_or_default();
        let Some((name, seal)) = bytes.split_at_checked(NAME) else {
            return false;
        };
        let made = self.seal(name);
        let made = made.as_ref().get(..SEAL).unwrap_or_default();
        verify_slices_are_equal(seal, made).is_ok()
    }
}

impl Tokens for KeyedTokens {
    fn token(&self, kind: &str, value: &str) -> String {
        if self.is_token(value) {
            return value.to_owned();
        }
        let name = self.hash("value", [kind.as_bytes(), value.as_bytes()]);
        let name = name.as_ref().get(..NAME).unwrap_or_default();
        let seal = self.seal(name);
        let seal = seal.as_ref().get(..SEAL).unwrap_or_default();
        format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode([name, seal].concat()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(key: u8) -> KeyedTokens {
        KeyedTokens::parse(STANDARD.encode([key; KEY]).as_bytes()).unwrap()
    }

    #[test]
    fn a_value_has_one_token_within_an_environment() {
        let token = tokens(1).token("email", "ann@example.com");
        assert_eq!(tokens(1).token("email", "ann@example.com"), token);
        assert!(token.starts_with(PREFIX) && token.len() == 36, "{token}");
        let others = [
            tokens(2).token("email", "ann@example.com"),
            tokens(1).token("email", "bob@example.com"),
            tokens(1).token("phone", "ann@example.com"),
            tokens(1).token("emaila", "nn@example.com"),
        ];
        assert!(!others.contains(&token));
    }

    #[test]
    fn a_token_is_its_own_token_where_it_was_made() {
        let token = tokens(1).token("email", "ann@example.com");
        assert_eq!(tokens(1).token("email", &token), token);
        assert_ne!(tokens(2).token("email", &token), token);
        // What only looks like one is a value like any.
        for text in ["tok_", "tok_AAAA", &format!("{token}A"), &token[..35]] {
            assert_ne!(tokens(1).token("email", text), text);
        }
    }

    #[test]
    fn a_key_has_its_length() {
        let parse = |text: &str| KeyedTokens::parse(text.as_bytes()).err();
        assert_eq!(parse(&format!("{}\n", STANDARD.encode([0; KEY]))), None);
        for length in [0, 16, 31, 33] {
            assert_eq!(parse(&STANDARD.encode(vec![0; length])), Some(BadKey));
        }
        assert_eq!(parse("no base64!"), Some(BadKey));
    }
}
