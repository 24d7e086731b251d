//! What the issuer of the running estate is asked for.

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use http::{Request, StatusCode, header::CONTENT_TYPE};
use serde_json::Value;
use strata_estate::{Summary, TokenRequest, TokenResponse, client};
use url::form_urlencoded;

/// An access token.
pub(crate) async fn token(estate: &Summary, token: &TokenRequest) -> Result<String> {
    let roles = token.roles.join(" ");
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("grant_type", "password")
        .append_pair("username", &token.username)
        .append_pair("scope", &token.scope)
        .append_pair("roles", &roles);
    for (name, value) in [
        ("region", &token.region),
        ("tenant", &token.tenant),
        ("audience", &token.audience),
    ] {
        if let Some(value) = value {
            form.append_pair(name, value);
        }
    }
    let request = Request::post(&estate.token_endpoint)
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Bytes::from(form.finish()))
        .context("the token endpoint is no URL")?;
    let answer = answer(request).await?;
    let token: TokenResponse =
        serde_json::from_slice(&answer).context("the issuer's answer holds no token")?;
    Ok(token.access_token)
}

/// Its public keys: a JWK Set (RFC 7517, section 5), as its discovery document leads to them.
pub(crate) async fn keys(estate: &Summary) -> Result<Value> {
    let get = async |url: &str| -> Result<Value> {
        let request = Request::get(url).body(Bytes::new())?;
        let answer = answer(request).await?;
        serde_json::from_slice(&answer).with_context(|| format!("{url} answered no JSON"))
    };
    let discovery = format!("{}/.well-known/openid-configuration", estate.issuer);
    let discovery = get(&discovery).await?;
    let keys = discovery.get("jwks_uri").and_then(Value::as_str);
    get(keys.context("the issuer does not say where its keys are")?).await
}

async fn answer(request: Request<Bytes>) -> Result<Bytes> {
    let answer = client::send(request, None)
        .await
        .context("the estate does not answer: start one with `cargo strata up`")?;
    ensure!(
        answer.status() == StatusCode::OK,
        "the issuer refused: {}",
        String::from_utf8_lossy(answer.body())
    );
    Ok(answer.into_body())
}
