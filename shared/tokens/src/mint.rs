//! Makes transaction tokens, at the edge.

use std::time::Duration;

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use http::HeaderValue;
use jsonwebtoken::get_current_timestamp;
use quick_cache::sync::Cache;
use sha2::{Digest as _, Sha256};
use strata_core::{Method, Principal, SpiffeId};
use strata_tls::TokenSigner;

use crate::claims::{Claims, Header, TYPE, TransactionContext};

/// How long requests share a token.
const SHARED: Duration = Duration::from_secs(60);
/// Tokens remembered; the least used go first.
const REMEMBERED: usize = 10_000;

/// Whether a request may go with the token of another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reuse {
    /// It only reads: one token does for the same access token and method, for a minute.
    Shared,
    /// It may change something, and has a token of its own.
    Never,
}

/// There is no key to sign with, or what is to be signed does not make a header.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("no transaction token can be signed: issue token.pem and token.key for this service")]
pub struct NoKey;

/// Makes the tokens of one Experience API.
pub struct Minter {
    id: SpiffeId,
    signer: TokenSigner,
    /// In seconds.
    lifetime: u64,
    minted: Cache<([u8; 32], &'static str), Minted>,
}

/// A token, as it goes on.
#[derive(Clone)]
pub struct Minted {
    /// The token.
    pub token: HeaderValue,
    /// The leaf of the key that signed it: DER in base64.
    pub leaf: HeaderValue,
    generation: u64,
    /// Seconds since 1970.
    at: u64,
}

impl Minter {
    /// Makes tokens as `id`. They are good for as long as they are shared, and then for the longest that
    /// a request may take.
    #[must_use]
    pub fn new(id: SpiffeId, signer: TokenSigner, request_timeout: Duration) -> Self {
        Self {
            id,
            signer,
            lifetime: (SHARED + request_timeout).as_secs() + 1,
            minted: Cache::new(REMEMBERED),
        }
    }

    /// The token of a request: for the user whose access token has the SHA-256 `access`, and for nothing
    /// that the method does not need.
    ///
    /// # Errors
    /// [`NoKey`] when it cannot be signed.
    pub fn mint(
        &self,
        access: [u8; 32],
        user: &Principal,
        method: &Method,
        reuse: Reuse,
    ) -> Result<Minted, NoKey> {
        // Before anything is signed: what is remembered of older material is never taken for newer.
        let generation = self.signer.generation();
        if reuse == Reuse::Never {
            return self.sign(user, method, generation);
        }
        // Not by name, which versions of an API share: what is signed is of the one that is asked.
        let key = (access, method.path);
        let now = get_current_timestamp();
        // One from the future is of before the clock stepped back: whoever has not seen it yet refuses it.
        let shared = |minted: &Minted| {
            let time = minted.at..minted.at + SHARED.as_secs();
            minted.generation == generation && time.contains(&now)
        };
        if let Some(minted) = self.minted.get(&key).filter(shared) {
            return Ok(minted);
        }
        let minted = self.sign(user, method, generation)?;
        self.minted.insert(key, minted.clone());
        Ok(minted)
    }

    fn sign(&self, user: &Principal, method: &Method, generation: u64) -> Result<Minted, NoKey> {
        let now = get_current_timestamp();
        let claims = Claims {
            iat: now,
            exp: now + self.lifetime,
            aud: self.id.trust_domain().environment().to_owned(),
            txn: format!("{:032x}", rand::random::<u128>()),
            sub: user.subject.clone(),
            scope: method.scope.to_owned(),
            req_wl: self.id.as_str().to_owned(),
            tctx: TransactionContext {
                action: method.name.to_owned(),
                purpose: method.purpose.to_owned(),
                roles: user.roles.clone(),
                region: user.region.clone(),
                tenant: user.tenant.clone(),
                clearance: user.clearance,
            },
            rctx: user.authentication.clone().into(),
        };
        let claims = serde_json::to_vec(&claims).map_err(|_| NoKey)?;
        let mut leaf = String::new();
        let message = |der: &[u8]| {
            STANDARD.encode_string(der, &mut leaf);
            let header = Header {
                typ: TYPE,
                alg: "EdDSA",
                x5t_s256: &URL_SAFE_NO_PAD.encode(Sha256::digest(der)),
            };
            let header = serde_json::to_vec(&header).unwrap_or_default();
            let [header, claims] = [&header, &claims].map(|part| URL_SAFE_NO_PAD.encode(part));
            format!("{header}.{claims}").into_bytes()
        };
        // JWS Compact Serialization (RFC 7515, section 7.1).
        let (mut token, signature) = self.signer.sign(message).ok_or(NoKey)?;
        token.push(b'.');
        token.extend_from_slice(URL_SAFE_NO_PAD.encode(signature).as_bytes());
        let mut token = HeaderValue::try_from(token).map_err(|_| NoKey)?;
        // Kept out of HPACK's dynamic table and of header dumps.
        token.set_sensitive(true);
        Ok(Minted {
            token,
            leaf: HeaderValue::try_from(leaf).map_err(|_| NoKey)?,
            generation,
            at: now,
        })
    }
}
