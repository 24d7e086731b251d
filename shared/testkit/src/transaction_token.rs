//! Transaction tokens as a test presents them, honest or not.

use anyhow::{Context as _, Result};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use http::{HeaderMap, HeaderValue};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode, get_current_timestamp};
use rcgen::PKCS_ED25519;
use rustls_pki_types::{CertificateDer, pem::PemObject as _};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use strata_core::{Principal, SpiffeId};
use strata_estate::pki::{Authority, LeafSpec, Pki};

/// A transaction token, made from scratch so that nothing of the estate's own minting keeps a flaw from
/// reaching the other side. The constructors give the honest form; a test that needs a hostile one
/// changes a field.
#[derive(Clone)]
pub struct TransactionToken {
    /// The header, which names the leaf.
    pub header: Header,
    /// The leaf that goes beside it, in DER.
    pub leaf: Vec<u8>,
    /// The claims.
    pub claims: Value,
    key: EncodingKey,
}

impl TransactionToken {
    /// The token of `user` as the Experience API `requester` makes it.
    ///
    /// # Errors
    /// When its leaf cannot be signed.
    pub fn honest(pki: &Pki, requester: &SpiffeId, user: &Principal) -> Result<Self> {
        Self::signed_by(&pki.token_authority()?, &LeafSpec::token(requester), user)
    }

    /// The token of `user` that says it was made by the first URI of a leaf that `authority` signs.
    ///
    /// # Errors
    /// When the leaf cannot be signed.
    pub fn signed_by(authority: &Authority, spec: &LeafSpec, user: &Principal) -> Result<Self> {
        let leaf = authority.issue(spec)?;
        let (algorithm, key) = if spec.algorithm == &PKCS_ED25519 {
            let key = EncodingKey::from_ed_pem(leaf.key_pem().as_bytes())?;
            (Algorithm::EdDSA, key)
        } else {
            let key = EncodingKey::from_ec_pem(leaf.key_pem().as_bytes())?;
            (Algorithm::ES256, key)
        };
        let mut header = Header::new(algorithm);
        header.typ = Some("txntoken+jwt".to_owned());
        let leaf = CertificateDer::from_pem_slice(leaf.certificate_pem().as_bytes())?;
        header.x5t_s256 = Some(URL_SAFE_NO_PAD.encode(Sha256::digest(&leaf)));
        let requester = spec.uris.first().context("the leaf names nobody")?;
        let environment = requester
            .strip_prefix("spiffe://")
            .and_then(|name| name.split('/').next())
            .and_then(|domain| domain.split_once('.'));
        let (_, environment) = environment.context("the leaf names no workload")?;
        let now = get_current_timestamp();
        let claims = json!({
            "iat": now,
            "exp": now + 60,
            "aud": environment,
            "txn": "97053963-771d-49cc-a4e3-20aad399c312",
            "sub": user.subject,
            "scope": user.scopes.join(" "),
            "req_wl": requester,
            "tctx": {
                "action": "Test",
                "purpose": "test",
                "roles": user.roles,
                "region": user.region,
                "tenant": user.tenant,
                "clearance": user.clearance,
            },
            "rctx": {
                "acr": user.authentication.level,
                "amr": user.authentication.methods,
                "auth_time": user.authentication.time,
                "risk": user.authentication.risk,
            },
        });
        Ok(Self {
            header,
            leaf: leaf.to_vec(),
            claims,
            key,
        })
    }

    /// The token as it travels.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub fn sign(&self) -> Result<String> {
        Ok(encode(&self.header, &self.claims, &self.key)?)
    }

    /// The leaf as it travels beside the token.
    ///
    /// # Errors
    /// None: base64 is always a header's value.
    pub fn beside(&self) -> Result<HeaderValue> {
        Ok(HeaderValue::try_from(STANDARD.encode(&self.leaf))?)
    }

    /// Writes the token as a caller does.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub fn write(&self, headers: &mut HeaderMap) -> Result<()> {
        let mut token = HeaderValue::try_from(self.sign()?)?;
        token.set_sensitive(true);
        headers.insert("txn-token", token);
        headers.insert("strata-token-leaf", self.beside()?);
        Ok(())
    }
}
