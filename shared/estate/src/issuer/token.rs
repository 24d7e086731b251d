//! Access tokens of the dev issuer: JWT profile for OAuth 2.0 access tokens (RFC 9068), ES256.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result};
use jsonwebtoken::{
    Algorithm, EncodingKey, Header,
    jwk::{Jwk, JwkSet, PublicKeyUse, ThumbprintHash},
};
use serde::{Deserialize, Serialize};

/// How long a token is valid.
pub const TOKEN_LIFETIME: Duration = Duration::from_secs(3600);
/// The client every dev token is issued to.
const CLIENT: &str = "strata-dev";

/// For whom and for what a token is wanted.
#[derive(Clone, Debug, Default)]
pub struct TokenRequest {
    /// The user: becomes `sub`.
    pub username: String,
    /// Space-separated scopes (RFC 6749, section 3.3).
    pub scope: String,
    /// Roles of the user: what they may see, policy/roles.toml of the Experience API says.
    pub roles: Vec<String>,
    /// The region whose data the user may see.
    pub region: Option<String>,
    /// The tenant whose data the user may see.
    pub tenant: Option<String>,
    /// Who shall accept it; every Experience API of the estate when absent.
    pub audience: Option<String>,
}

/// Signs tokens with a key made for this run.
pub(super) struct Signer {
    issuer: String,
    audiences: Vec<String>,
    header: Header,
    key: EncodingKey,
    keys: JwkSet,
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a [String],
    exp: u64,
    iat: u64,
    nbf: u64,
    jti: String,
    client_id: &'static str,
    scope: &'a str,
    roles: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<&'a str>,
}

impl Signer {
    pub(super) fn new(issuer: String, audiences: Vec<String>) -> Result<Self> {
        let pair = rcgen::KeyPair::generate().context("no P-256 key could be made")?;
        let key = EncodingKey::from_ec_der(&pair.serialize_der());
        let mut public = Jwk::from_encoding_key(&key, Algorithm::ES256)
            .context("the issuer's public key cannot be written as JWK")?;
        let kid = public
            .thumbprint(ThumbprintHash::SHA256)
            .context("the key has no thumbprint")?;
        public.common.key_id = Some(kid.clone());
        public.common.public_key_use = Some(PublicKeyUse::Signature);

        let mut header = Header::new(Algorithm::ES256);
        header.typ = Some("at+jwt".to_owned());
        header.kid = Some(kid);
        Ok(Self {
            issuer,
            audiences,
            header,
            key,
            keys: JwkSet { keys: vec![public] },
        })
    }

    pub(super) fn issuer(&self) -> &str {
        &self.issuer
    }

    pub(super) const fn keys(&self) -> &JwkSet {
        &self.keys
    }

    pub(super) fn sign(&self, request: &TokenRequest) -> Result<String> {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .context("the clock is before 1970")?;
        let claims = Claims {
            iss: &self.issuer,
            sub: &request.username,
            aud: request
                .audience
                .as_ref()
                .map_or(self.audiences.as_slice(), std::slice::from_ref),
            exp: (now + TOKEN_LIFETIME).as_secs(),
            iat: now.as_secs(),
            nbf: now.as_secs(),
            jti: format!("{:032x}", rand::random::<u128>()),
            client_id: CLIENT,
            scope: &request.scope,
            roles: &request.roles,
            region: request.region.as_deref(),
            tenant: request.tenant.as_deref(),
        };
        jsonwebtoken::encode(&self.header, &claims, &self.key).context("the token cannot be signed")
    }
}

/// The answer of the token endpoint (RFC 6749, section 5.1).
#[derive(Deserialize, Serialize)]
pub struct TokenResponse {
    /// The token.
    pub access_token: String,
    /// Always `Bearer`.
    pub token_type: String,
    /// Seconds.
    pub expires_in: u64,
}
