//! Verifies transaction tokens, at every hop behind the edge.

use std::sync::Arc;

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use http::HeaderValue;
use jsonwebtoken::{
    Algorithm, DecodingKey, Validation, decode, decode_header, errors::ErrorKind,
    get_current_timestamp,
};
use quick_cache::sync::Cache;
use sha2::{Digest as _, Sha256};
use strata_core::{Principal, SpiffeId};
use strata_tls::{Refusal, TokenIssuers};

use crate::claims::{Claims, TYPE};

/// Longer tokens and leaves are refused before they are read.
const LONGEST: usize = 12 * 1024;
/// By how many seconds the clocks of two workloads may differ.
const LEEWAY: u64 = 5;
/// Tokens remembered; the least used go first.
const REMEMBERED: usize = 10_000;

/// Why a token was refused: a word for the security event, never for the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refused(pub &'static str);

/// Whom a token speaks of, and who made it.
#[derive(Clone, Debug)]
pub struct Verified {
    /// The user.
    pub principal: Arc<Principal>,
    /// The Experience API that the user asked.
    pub requester: SpiffeId,
    leaf: HeaderValue,
    expires: u64,
    until: u64,
    generation: u64,
}

/// Verifies the tokens of one environment. What was verified is remembered by its SHA-256 until it
/// expires or the material changes.
pub struct Verifier {
    issuers: TokenIssuers,
    audience: String,
    verified: Cache<[u8; 32], Verified>,
}

impl Verifier {
    /// Believes `issuers`, and what they say in their own environment.
    #[must_use]
    pub fn new(issuers: TokenIssuers) -> Self {
        let domain = issuers.domain();
        Self {
            issuers,
            audience: domain.map_or_else(String::new, |domain| domain.environment().to_owned()),
            verified: Cache::new(REMEMBERED),
        }
    }

    /// What a token says, when it is one of this environment's. Beside it goes the `leaf` of the key that
    /// signed it: DER in base64.
    ///
    /// # Errors
    /// [`Refused`] with the first thing that is wrong.
    pub fn verify(&self, token: &str, leaf: &HeaderValue) -> Result<Verified, Refused> {
        if token.len().max(leaf.len()) > LONGEST {
            return Err(Refused("token_too_long"));
        }
        // Before anything is read: what is found under older material is never taken for newer.
        let generation = self.issuers.generation();
        let digest = Sha256::digest(token).into();
        if let Some(verified) = self.verified.get(&digest) {
            if verified.expires + LEEWAY < get_current_timestamp() {
                self.verified.remove(&digest);
                return Err(Refused("token_expired"));
            }
            // The same leaf: who sends another one is not believed because somebody else was.
            let holds = verified.generation == generation && verified.leaf == leaf;
            if holds && get_current_timestamp() <= verified.until {
                return Ok(verified);
            }
        }
        let verified = self.read(token, leaf, generation)?;
        self.verified.insert(digest, verified.clone());
        Ok(verified)
    }

    fn read(&self, token: &str, leaf: &HeaderValue, generation: u64) -> Result<Verified, Refused> {
        let malformed = Refused("token_malformed");
        let header = decode_header(token).map_err(|_| malformed)?;
        if header.typ.as_deref() != Some(TYPE) {
            return Err(Refused("token_wrong_type"));
        }
        // What is critical is not understood here (RFC 7515, section 4.1.11).
        if header.crit.is_some() {
            return Err(malformed);
        }
        let der = STANDARD.decode(leaf).map_err(|_| malformed)?;
        // What is said under the digest of the token is then said of this leaf and no other.
        if header.x5t_s256 != Some(URL_SAFE_NO_PAD.encode(Sha256::digest(&der))) {
            return Err(Refused("token_of_another_leaf"));
        }
        let issuer = self.issuers.verify(&der).map_err(reason_of_leaf)?;
        // The leaf says by which algorithm, never the header.
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.leeway = LEEWAY;
        validation.set_required_spec_claims(&["exp", "aud", "sub"]);
        validation.set_audience(&[&self.audience]);
        let key = DecodingKey::from_ed_der(&issuer.key);
        let claims: Claims = decode(token, &key, &validation)
            .map_err(|error| reason(error.kind()))?
            .claims;
        if claims.iat > get_current_timestamp() + LEEWAY {
            return Err(Refused("token_not_yet_valid"));
        }
        if claims.req_wl != issuer.id.as_str() {
            return Err(Refused("token_wrong_requester"));
        }
        if claims.sub.is_empty() {
            return Err(Refused("token_without_subject"));
        }
        Ok(Verified {
            expires: claims.exp.min(issuer.not_after),
            until: issuer.until,
            principal: Arc::new(claims.into()),
            requester: issuer.id,
            leaf: leaf.clone(),
            generation,
        })
    }
}

/// The leaf in the header is not that of an Experience API, for tokens.
const fn reason_of_leaf(refusal: Refusal) -> Refused {
    Refused(match refusal {
        Refusal::ForeignTrustDomain => "token_foreign_trust_domain",
        Refusal::UnknownIssuer => "token_unknown_issuer",
        Refusal::WrongKeyUsage => "token_wrong_key_usage",
        Refusal::Expired => "token_leaf_expired",
        Refusal::NotYetValid => "token_leaf_not_yet_valid",
        Refusal::Revoked => "token_leaf_revoked",
        Refusal::StaleRevocations => "token_stale_revocations",
        _ => "token_leaf_malformed",
    })
}

const fn reason(kind: &ErrorKind) -> Refused {
    Refused(match kind {
        ErrorKind::ExpiredSignature => "token_expired",
        ErrorKind::InvalidAudience => "token_wrong_audience",
        ErrorKind::InvalidSignature => "token_bad_signature",
        ErrorKind::InvalidAlgorithm | ErrorKind::InvalidAlgorithmName => "token_wrong_algorithm",
        ErrorKind::MissingRequiredClaim(_) => "token_missing_claim",
        _ => "token_malformed",
    })
}
