//! What a transaction token says (draft-ietf-oauth-transaction-tokens-10, section 9).

use serde::{Deserialize, Serialize};
use strata_core::{Authentication, Clearance, Principal};

/// The media type in the header, which no other token of the estate has.
pub(crate) const TYPE: &str = "txntoken+jwt";

/// The header, in the order in which it is written.
#[derive(Serialize)]
pub(crate) struct Header<'a> {
    pub(crate) typ: &'a str,
    pub(crate) alg: &'a str,
    /// SHA-256 of the leaf (RFC 7515, section 4.1.8).
    #[serde(rename = "x5t#S256")]
    pub(crate) x5t_s256: &'a str,
}

/// The body. Times are seconds since 1970.
#[derive(Serialize, Deserialize)]
pub(crate) struct Claims {
    pub(crate) iat: u64,
    pub(crate) exp: u64,
    pub(crate) aud: String,
    pub(crate) txn: String,
    pub(crate) sub: String,
    pub(crate) scope: String,
    pub(crate) req_wl: String,
    pub(crate) tctx: TransactionContext,
    #[serde(default, skip_serializing_if = "RequesterContext::is_empty")]
    pub(crate) rctx: RequesterContext,
}

/// What stays the same all along the call chain.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TransactionContext {
    /// The method at the edge, and why it processes data.
    pub(crate) action: String,
    pub(crate) purpose: String,
    pub(crate) roles: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) region: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tenant: Option<String>,
    pub(crate) clearance: Clearance,
}

/// How the user signed in, in the words of the access token.
#[derive(Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct RequesterContext {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    acr: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    amr: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    auth_time: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    risk: Option<u8>,
}

impl RequesterContext {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl From<Authentication> for RequesterContext {
    fn from(authentication: Authentication) -> Self {
        Self {
            acr: authentication.level,
            amr: authentication.methods,
            auth_time: authentication.time,
            risk: authentication.risk,
        }
    }
}

impl From<RequesterContext> for Authentication {
    fn from(context: RequesterContext) -> Self {
        Self {
            level: context.acr,
            methods: context.amr,
            time: context.auth_time,
            risk: context.risk,
        }
    }
}

impl From<Claims> for Principal {
    fn from(claims: Claims) -> Self {
        // An object of no region or tenant has an empty one.
        let named = |name: &String| !name.is_empty();
        Self {
            subject: claims.sub,
            roles: claims.tctx.roles,
            scopes: claims
                .scope
                .split_ascii_whitespace()
                .map(str::to_owned)
                .collect(),
            region: claims.tctx.region.filter(named),
            tenant: claims.tctx.tenant.filter(named),
            clearance: claims.tctx.clearance,
            authentication: claims.rctx.into(),
        }
    }
}
