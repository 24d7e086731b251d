//! What an attacker makes of a token: all but the issuer's signature is theirs to choose.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use jsonwebtoken::{
    Algorithm, EncodingKey, Header, decode_header, encode,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk},
};
use serde_json::{Map, Value};

/// What stands before the two coordinates of a point of P-256 in a SubjectPublicKeyInfo (RFC 5480).
const P256: [u8; 27] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a,
    0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04,
];
/// What stands before an Ed25519 key in one (RFC 8410, section 4).
const ED25519: [u8; 12] = [
    0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
];

/// An access token (RFC 9068) as somebody holds it.
#[derive(Clone)]
pub struct Held {
    token: String,
    header: Header,
    claims: Map<String, Value>,
}

/// What may lead to an attacker's key.
pub struct Forged {
    /// The key itself (RFC 7517).
    pub jwk: Jwk,
    /// Its certificate, in base64 (RFC 7515, section 4.1.6).
    pub x5c: Vec<String>,
}

impl Held {
    /// A token that was come by.
    ///
    /// # Errors
    /// When it is no JWT (RFC 7519).
    pub fn new(token: &str) -> Result<Self> {
        let token = token.trim();
        let no_token = "the token is no JWT: give the access token alone";
        let header = decode_header(token).context(no_token)?;
        let claims = token.split('.').nth(1).context(no_token)?;
        let claims = URL_SAFE_NO_PAD.decode(claims).context(no_token)?;
        Ok(Self {
            header,
            claims: serde_json::from_slice(&claims).context(no_token)?,
            token: token.to_owned(),
        })
    }

    /// As it is.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.token
    }

    /// The scopes it says (RFC 8693, section 4.2).
    #[must_use]
    pub fn scopes(&self) -> BTreeSet<&str> {
        let scopes = self.claims.get("scope").and_then(Value::as_str);
        scopes.unwrap_or_default().split_whitespace().collect()
    }

    /// The name of the key that signed it.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        self.header.kid.as_deref()
    }

    /// It says that it was signed otherwise; by `none`, not at all (RFC 7519, section 6).
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn said_to_be(&self, algorithm: &str) -> Result<String> {
        let mut header = serde_json::to_value(&self.header)?;
        if let Some(header) = header.as_object_mut() {
            header.insert("alg".to_owned(), algorithm.into());
        }
        let none = algorithm.eq_ignore_ascii_case("none");
        let signature = if none { "" } else { self.part(2) };
        let header = URL_SAFE_NO_PAD.encode(header.to_string());
        Ok(format!("{header}.{}.{signature}", self.part(1)))
    }

    /// Signed with HMAC, its secret the issuer's public key in each of its usual forms: taken by whoever lets
    /// the token choose the algorithm.
    ///
    /// # Errors
    /// When the key is none.
    pub fn confused(&self, key: &Value) -> Result<Vec<String>> {
        let jwk: Jwk = serde_json::from_value(key.clone()).context("the key is no JWK")?;
        let mut header = self.header.clone();
        header.alg = Algorithm::HS256;
        let secrets = [Some(key.to_string().into_bytes()), public(&jwk)];
        let signed = secrets.into_iter().flatten().map(|secret| {
            let secret = EncodingKey::from_secret(&secret);
            Ok(encode(&header, &self.claims, &secret)?)
        });
        signed.collect()
    }

    /// With other claims than were signed.
    #[must_use]
    pub fn altered(&self, changes: &Value) -> String {
        let mut claims = self.claims.clone();
        claims.extend(changes.as_object().cloned().unwrap_or_default());
        let claims = URL_SAFE_NO_PAD.encode(Value::Object(claims).to_string());
        format!("{}.{claims}.{}", self.part(0), self.part(2))
    }

    /// With the first bits of its signature changed.
    #[must_use]
    pub fn mangled(&self) -> String {
        let signature = self.part(2);
        let first = if signature.starts_with('A') { 'B' } else { 'A' };
        let rest = signature.get(1..).unwrap_or_default();
        format!("{}.{}.{first}{rest}", self.part(0), self.part(1))
    }

    /// Signed with a key of the attacker's own, to which `lead` may make the header lead.
    ///
    /// # Errors
    /// When no key can be made.
    pub fn forged(&self, lead: impl FnOnce(&mut Header, Forged)) -> Result<String> {
        let pair = rcgen::KeyPair::generate().context("no key can be made")?;
        let key = EncodingKey::from_ec_der(&pair.serialize_der());
        let mut jwk = Jwk::from_encoding_key(&key, Algorithm::ES256)?;
        jwk.common.key_id.clone_from(&self.header.kid);
        let certificate = rcgen::CertificateParams::default().self_signed(&pair)?;
        let mut header = self.header.clone();
        header.alg = Algorithm::ES256;
        let x5c = vec![STANDARD.encode(certificate.der())];
        lead(&mut header, Forged { jwk, x5c });
        Ok(encode(&header, &self.claims, &key)?)
    }

    fn part(&self, at: usize) -> &str {
        self.token.split('.').nth(at).unwrap_or_default()
    }
}

/// A public key in PEM (RFC 7468, section 13): what a careless verifier has at hand as a secret.
fn public(key: &Jwk) -> Option<Vec<u8>> {
    let decoded = |text: &str| URL_SAFE_NO_PAD.decode(text).ok();
    let der = match &key.algorithm {
        AlgorithmParameters::EllipticCurve(point) if point.curve == EllipticCurve::P256 => {
            [P256.to_vec(), decoded(&point.x)?, decoded(&point.y)?].concat()
        }
        AlgorithmParameters::OctetKeyPair(pair) if pair.curve == EllipticCurve::Ed25519 => {
            [ED25519.to_vec(), decoded(&pair.x)?].concat()
        }
        _ => return None,
    };
    let lines = STANDARD.encode(der);
    let lines = lines.as_bytes().chunks(64).map(String::from_utf8_lossy);
    let lines = lines.collect::<Vec<_>>().join("\n");
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{lines}\n-----END PUBLIC KEY-----\n");
    Some(pem.into_bytes())
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::{DecodingKey, Validation, decode};
    use serde_json::json;

    use super::*;

    fn held() -> (Held, rcgen::KeyPair) {
        let pair = rcgen::KeyPair::generate().unwrap();
        let key = EncodingKey::from_ec_der(&pair.serialize_der());
        let mut header = Header::new(Algorithm::ES256);
        header.kid = Some("the-key".to_owned());
        let claims = json!({ "sub": "a", "scope": "b c", "exp": 4_000_000_000_u64 });
        let token = encode(&header, &claims, &key).unwrap();
        (Held::new(&format!("{token}\n")).unwrap(), pair)
    }

    /// Whether a verifier that knows nothing but the key takes it.
    fn taken(token: &str, pair: &rcgen::KeyPair) -> bool {
        let key = DecodingKey::from_ec_pem(pair.public_key_pem().as_bytes()).unwrap();
        decode::<Value>(token, &key, &Validation::new(Algorithm::ES256)).is_ok()
    }

    #[test]
    fn the_honest_form_is_taken_and_nothing_else_is() {
        let (held, pair) = held();
        assert!(taken(held.token(), &pair));
        assert_eq!(held.scopes(), BTreeSet::from(["b", "c"]));
        let made = [
            held.said_to_be("none").unwrap(),
            held.said_to_be("RS256").unwrap(),
            held.altered(&json!({ "sub": "d" })),
            held.mangled(),
            held.forged(|header, forged| header.jwk = Some(forged.jwk))
                .unwrap(),
        ];
        for token in made {
            assert_eq!(token.split('.').count(), 3, "{token}");
            assert!(!taken(&token, &pair), "{token}");
        }
        assert!(Held::new("a.b.c").is_err());
    }

    #[test]
    fn a_public_key_becomes_a_secret_in_the_form_it_is_kept_in() {
        let (held, pair) = held();
        let key = EncodingKey::from_ec_der(&pair.serialize_der());
        let jwk = Jwk::from_encoding_key(&key, Algorithm::ES256).unwrap();
        let pem = public(&jwk).unwrap();
        assert_eq!(
            String::from_utf8(pem.clone()).unwrap().replace('\n', ""),
            pair.public_key_pem().replace(['\r', '\n'], "")
        );
        let made = held.confused(&json!(jwk)).unwrap();
        let taken = made.iter().filter(|token| {
            let mut validation = Validation::new(Algorithm::HS256);
            validation.validate_aud = false;
            decode::<Value>(token, &DecodingKey::from_secret(&pem), &validation).is_ok()
        });
        assert_eq!((made.len(), taken.count()), (2, 1));
    }
}
