//! The issuer's HTTP side: OpenID Connect Discovery 1.0, JWK Set (RFC 7517), token endpoint
//! (RFC 6749, section 4.3).

use std::sync::Arc;

use axum::{
    Form, Json, Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use http::{StatusCode, header::CACHE_CONTROL};
use serde::Deserialize;
use serde_json::{Value, json};

use super::token::{Signer, TOKEN_LIFETIME, TokenRequest, TokenResponse};

pub(super) const TOKEN: &str = "/token";
const KEYS: &str = "/jwks";

pub(super) fn router(signer: Arc<Signer>) -> Router {
    Router::new()
        .route("/.well-known/openid-configuration", get(discovery))
        .route(KEYS, get(keys))
        .route(TOKEN, post(token))
        .with_state(signer)
}

async fn discovery(State(signer): State<Arc<Signer>>) -> Json<Value> {
    let issuer = signer.issuer();
    Json(json!({
        "issuer": issuer,
        "jwks_uri": format!("{issuer}{KEYS}"),
        "token_endpoint": format!("{issuer}{TOKEN}"),
        "grant_types_supported": ["password"],
        "response_types_supported": ["token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
    }))
}

async fn keys(State(signer): State<Arc<Signer>>) -> Response {
    Json(signer.keys()).into_response()
}

#[derive(Deserialize)]
struct TokenForm {
    grant_type: String,
    username: String,
    scope: String,
    #[serde(default)]
    roles: String,
    region: Option<String>,
    tenant: Option<String>,
    audience: Option<String>,
}

async fn token(State(signer): State<Arc<Signer>>, Form(form): Form<TokenForm>) -> Response {
    if form.grant_type != "password" {
        return refusal("unsupported_grant_type", "use grant_type=password");
    }
    if form.username.is_empty() {
        return refusal("invalid_request", "say which user in username");
    }
    let request = TokenRequest {
        username: form.username,
        scope: form.scope,
        roles: form.roles.split_whitespace().map(str::to_owned).collect(),
        region: form.region,
        tenant: form.tenant,
        audience: form.audience,
    };
    match signer.sign(&request) {
        Ok(access_token) => {
            let answer = TokenResponse {
                access_token,
                token_type: "Bearer".to_owned(),
                expires_in: TOKEN_LIFETIME.as_secs(),
            };
            ([(CACHE_CONTROL, "no-store")], Json(answer)).into_response()
        }
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// RFC 6749, section 5.2.
fn refusal(error: &'static str, description: &'static str) -> Response {
    let body = Json(json!({ "error": error, "error_description": description }));
    (StatusCode::BAD_REQUEST, body).into_response()
}
