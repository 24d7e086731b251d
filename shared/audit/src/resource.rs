//! Names of resources that only the environment can make.

use aws_lc_rs::hmac;

use crate::format::hex;

/// What the derived key is for.
const PURPOSE: &[u8] = b"strata audit resource v1";

/// Makes names of resources' ids: HMAC-SHA-256 (RFC 2104) by a key of the environment. The same id has
/// the same name within it, so that one who holds the key can ask about it; nobody else can tell whose it
/// is, however few ids there are to try. It has no `Debug`, so that the key is shown nowhere.
#[derive(Clone)]
pub struct ResourceKey(hmac::Key);

impl ResourceKey {
    /// Derives it from the text of the environment's `mask.key`, which has been checked to be one. The
    /// derived key is none that makes tokens of values.
    #[must_use]
    pub fn derived(mask_key: &[u8]) -> Self {
        let environment = hmac::Key::new(hmac::HMAC_SHA256, mask_key.trim_ascii());
        let derived = hmac::sign(&environment, PURPOSE);
        Self(hmac::Key::new(hmac::HMAC_SHA256, derived.as_ref()))
    }

    /// The name of an id, whichever field it stands in.
    #[must_use]
    pub fn name(&self, id: &str) -> Vec<u8> {
        hmac::sign(&self.0, id.as_bytes()).as_ref().to_vec()
    }

    /// The same as hex digits, as queries and events write it.
    #[must_use]
    pub fn text(&self, id: &str) -> String {
        hex(&self.name(id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_one_name_within_an_environment() {
        let key = ResourceKey::derived(b"a key\n");
        assert_eq!(
            key.name("cus_1"),
            ResourceKey::derived(b"a key").name("cus_1")
        );
        assert_eq!(key.name("cus_1").len(), 32);
        assert_eq!(key.text("cus_1"), hex(&key.name("cus_1")));
        assert_ne!(key.name("cus_1"), key.name("cus_2"));
        assert_ne!(
            key.name("cus_1"),
            ResourceKey::derived(b"another").name("cus_1")
        );
    }
}
