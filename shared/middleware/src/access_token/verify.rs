//! One access token against the issuer's keys.

use std::{sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Validation, decode, decode_header, errors::ErrorKind, get_current_timestamp};
use serde::Deserialize;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};
use strata_core::{Authentication, ErrorCode, Principal};
use strata_policy::{Consumer, Consumers, Roles};

use super::{
    AccessTokenDigest,
    keys::{KeySet, Keys},
};

/// Longer tokens are refused before they are read.
const LONGEST_TOKEN: usize = 8 * 1024;

/// Who a verified token stands for.
#[derive(Clone)]
pub(super) struct User {
    pub(super) principal: Arc<Principal>,
    pub(super) digest: AccessTokenDigest,
    pub(super) consumer: Arc<Consumer>,
    /// The `exp` claim.
    expires: u64,
    /// The SHA-256 of the certificate that whoever sends the token must hold the key of.
    bound: Option<[u8; 32]>,
}

/// Verifies access tokens of one issuer for one audience. What was verified is remembered for as
/// long as its token and its key are valid.
#[derive(Clone)]
pub struct Verifier {
    keys: Keys,
    issuer: Arc<str>,
    audience: Arc<str>,
    leeway: Duration,
    roles: Arc<Roles>,
    consumers: Arc<Consumers>,
}

/// Why a token was refused: for the security event, never for the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Refused {
    /// Snake case, one word per kind.
    pub reason: &'static str,
    /// What the client is told.
    pub code: ErrorCode,
}

const fn refused(reason: &'static str) -> Refused {
    Refused {
        reason,
        code: ErrorCode::Unauthenticated,
    }
}

/// The claims that are read (RFC 9068, section 2.2; `roles`, `region`, `tenant` and `risk` are the estate's
/// own).
/// What is missing is found by the validation, which says so by its own reason.
#[derive(Deserialize)]
struct Claims {
    #[serde(default)]
    sub: String,
    #[serde(default)]
    client_id: String,
    #[serde(default)]
    exp: Option<f64>,
    #[serde(default)]
    scope: String,
    #[serde(default)]
    roles: Vec<String>,
    #[serde(default)]
    region: Option<String>,
    #[serde(default)]
    tenant: Option<String>,
    #[serde(default)]
    acr: Option<String>,
    #[serde(default)]
    amr: Vec<String>,
    #[serde(default)]
    auth_time: Option<f64>,
    #[serde(default)]
    risk: Option<u8>,
    #[serde(default)]
    cnf: Option<Map<String, Value>>,
}

impl Verifier {
    /// A verifier; `leeway` is at most 5 s (the configuration checks it), `roles` says what each
    /// role may see, `consumers` whose tokens are taken, and what is the most that each may use.
    #[must_use]
    pub fn new(
        keys: Keys,
        issuer: &str,
        audience: &str,
        leeway: Duration,
        roles: Arc<Roles>,
        consumers: Arc<Consumers>,
    ) -> Self {
        Self {
            keys,
            issuer: issuer.into(),
            audience: audience.into(),
            leeway,
            roles,
            consumers,
        }
    }

    /// The user a token stands for, when it comes from who may send it: `certificate` is the SHA-256 of the
    /// one that its connection was made with.
    pub(super) fn verify(
        &self,
        token: &str,
        certificate: Option<&[u8; 32]>,
    ) -> Result<User, Refused> {
        let user = self.known(token)?;
        if user.bound.is_some() && user.bound.as_ref() != certificate {
            return Err(refused("wrong_certificate"));
        }
        Ok(user)
    }

    fn known(&self, token: &str) -> Result<User, Refused> {
        if token.len() > LONGEST_TOKEN {
            return Err(refused("too_long"));
        }
        let keys = self.keys.get().ok_or(Refused {
            reason: "no_keys_yet",
            code: ErrorCode::Unavailable,
        })?;
        let digest = Sha256::digest(token).into();
        if let Some(user) = keys.verified.get(&digest) {
            // As the verification would find it now.
            return if user.expires >= get_current_timestamp() - self.leeway.as_secs() {
                Ok(user)
            } else {
                Err(refused("expired"))
            };
        }
        let user = self.user(token, digest, &keys)?;
        keys.verified.insert(digest, user.clone());
        Ok(user)
    }

    fn user(&self, token: &str, digest: [u8; 32], keys: &KeySet) -> Result<User, Refused> {
        let header = decode_header(token).map_err(|_| refused("malformed"))?;
        if !header.typ.as_deref().is_some_and(is_access_token) {
            return Err(refused("wrong_type"));
        }
        // What is critical is not understood here (RFC 7515, section 4.1.11).
        if header.crit.is_some() {
            return Err(refused("malformed"));
        }
        // What else the header says of keys is never read: `jku`, `jwk`, `x5u` and `x5c` are the sender's
        // own word.
        let kid = header.kid.ok_or_else(|| refused("no_key_id"))?;
        let Some((algorithm, key)) = keys.keys.get(&kid) else {
            self.keys.want();
            return Err(refused("unknown_key"));
        };
        let mut validation = Validation::new(*algorithm);
        validation.leeway = self.leeway.as_secs();
        validation.validate_nbf = true;
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation.set_issuer(&[&self.issuer]);
        validation.set_audience(&[&self.audience]);
        let claims: Claims = decode(token, key, &validation)
            .map_err(|error| refused(reason(error.kind())))?
            .claims;
        if claims
            .risk
            .is_some_and(|risk| risk > Authentication::MAX_RISK)
        {
            return Err(refused("malformed"));
        }
        if claims.sub.is_empty() {
            return Err(refused("no_subject"));
        }
        let bound = claims.cnf.as_ref().map(bound_to).transpose()?;
        let consumer = self.consumers.get(&claims.client_id);
        let consumer = consumer.ok_or_else(|| refused("unknown_consumer"))?;
        // Nobody has signed in later than now.
        let latest = get_current_timestamp() + self.leeway.as_secs();
        let past = |time: &u64| *time <= latest;
        // An object of no region or tenant has an empty one.
        let named = |name: &String| !name.is_empty();
        let clearance = self.roles.clearance(&claims.roles);
        let principal = Principal {
            // Neither shows the user more than the other.
            clearance: clearance.narrowed_to(consumer.plan.ceiling),
            subject: claims.sub,
            roles: claims.roles,
            scopes: claims
                .scope
                .split_ascii_whitespace()
                .filter(|scope| consumer.scopes.iter().any(|may| may == scope))
                .map(str::to_owned)
                .collect(),
            region: claims.region.filter(named),
            tenant: claims.tenant.filter(named),
            authentication: Authentication {
                level: claims.acr,
                methods: claims.amr,
                time: claims.auth_time.map(|time| time as u64).filter(past),
                risk: claims.risk,
            },
        };
        Ok(User {
            principal: Arc::new(principal),
            digest: AccessTokenDigest(digest),
            consumer: Arc::clone(consumer),
            expires: claims.exp.unwrap_or_default() as u64,
            bound,
        })
    }
}

/// The certificate a token is bound to (RFC 8705, section 3.1). A token that is bound to anything else, or
/// to more, is refused: nobody here can say that its sender holds that.
fn bound_to(confirmation: &Map<String, Value>) -> Result<[u8; 32], Refused> {
    let thumbprint = match confirmation.get("x5t#S256") {
        Some(Value::String(text)) if confirmation.len() == 1 => URL_SAFE_NO_PAD.decode(text).ok(),
        _ => None,
    };
    thumbprint
        .and_then(|digest| digest.try_into().ok())
        .ok_or(refused("unknown_binding"))
}

/// RFC 9068, section 4: `at+jwt` or `application/at+jwt`, so that an ID token is never accepted.
fn is_access_token(typ: &str) -> bool {
    typ.eq_ignore_ascii_case("at+jwt") || typ.eq_ignore_ascii_case("application/at+jwt")
}

const fn reason(kind: &ErrorKind) -> &'static str {
    match kind {
        ErrorKind::ExpiredSignature => "expired",
        ErrorKind::ImmatureSignature => "not_yet_valid",
        ErrorKind::InvalidIssuer => "wrong_issuer",
        ErrorKind::InvalidAudience => "wrong_audience",
        ErrorKind::InvalidSignature => "bad_signature",
        ErrorKind::InvalidAlgorithm | ErrorKind::InvalidAlgorithmName => "wrong_algorithm",
        ErrorKind::MissingRequiredClaim(_) => "missing_claim",
        _ => "malformed",
    }
}
