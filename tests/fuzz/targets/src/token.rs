//! Transaction tokens.

use anyhow::{Context as _, Result, ensure};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use http::HeaderValue;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use strata_core::{Clearance, Layer};
use strata_tls::TokenSigner;
use strata_tokens::{Verified, Verifier};

use crate::{
    Target, Verdict,
    material::{Authorities, Loaded, domain, id, now_in_seconds},
};

/// The first byte of an input says what the rest is: a header and, on the next line, claims, which an
/// Experience API then signs (`s`), or a token and, on the next line, the leaf beside it (`r`). The word
/// `LEAF` stands for the leaf of the Experience API, and in a header for its SHA-256.
pub struct Token {
    shop: Loaded,
    stock: Loaded,
}

const LEAF: &str = "LEAF";
/// By how many seconds clocks may differ.
const LEEWAY: u64 = 5;

impl Target for Token {
    const NAME: &'static str = "token";

    fn new() -> Result<Self> {
        let authorities = Authorities::new()?;
        Ok(Self {
            shop: authorities.service(Layer::Experience, "shop")?,
            stock: authorities.service(Layer::System, "stock")?,
        })
    }

    fn honest(&self) -> Result<Vec<Vec<u8>>> {
        let header = json!({"typ": "txntoken+jwt", "alg": "EdDSA", "x5t#S256": LEAF});
        let least = json!({
            "iat": 1_767_225_600_u64,
            "exp": 4_922_899_200_u64,
            "aud": domain(Layer::Experience)?.environment(),
            "txn": "97053963771d49cca4e320aad399c312",
            "sub": "cus_1",
            "scope": "",
            "req_wl": id(Layer::Experience, "shop")?.as_str(),
            "tctx": {
                "action": "Get", "purpose": "", "roles": [], "clearance": {"sensitivity": "public"},
            },
        });
        let mut most = least.clone();
        most["scope"] = json!("a:read b:write");
        most["tctx"] = json!({
            "action": "Get", "purpose": "service", "roles": ["agent", "lead"], "region": "uk",
            "tenant": "brand",
            "clearance": {"sensitivity": "restricted", "categories": ["personal", "location"]},
        });
        most["rctx"] = json!({
            "acr": "urn:example:two-factors", "amr": ["pwd", "otp"], "auth_time": 1_767_225_600_u64,
            "risk": 20,
        });
        let input = |claims: &Value| format!("s{header}\n{claims}").into_bytes();
        Ok(vec![input(&least), input(&most)])
    }

    fn check(&self, input: &[u8]) -> Result<Verdict> {
        let Some((kind, rest)) = input.split_first() else {
            return Ok(Verdict::Refused);
        };
        let mut parts = rest.splitn(2, |byte| *byte == b'\n');
        let (first, second) = (parts.next().unwrap_or_default(), parts.next());
        let second = second.unwrap_or_default();
        let verifier = Verifier::new(self.stock.material.token_issuers());
        if *kind == b'r' {
            return self.unsigned(&verifier, first, second);
        }
        let (token, leaf) = sign(&self.shop.material.token_signer(), first, second)?;
        let Ok(verified) = verifier.verify(&token, &leaf) else {
            return Ok(Verdict::Refused);
        };
        self.says_so(&verified, first, second)?;
        let again = verifier.verify(&token, &leaf).context("then it is not")?;
        ensure!(again.principal == verified.principal, "then it is another");
        self.no_other_way(&verifier, &token, &leaf)?;
        Ok(Verdict::Accepted)
    }
}

impl Token {
    /// What nobody signed is never believed, whatever lies beside it.
    fn unsigned(&self, verifier: &Verifier, token: &[u8], leaf: &[u8]) -> Result<Verdict> {
        let (_, own) = sign(&self.shop.material.token_signer(), b"{}", b"{}")?;
        let leaf = if leaf == LEAF.as_bytes() {
            Ok(own)
        } else {
            HeaderValue::from_bytes(leaf)
        };
        if let (Ok(token), Ok(leaf)) = (std::str::from_utf8(token), leaf) {
            ensure!(verifier.verify(token, &leaf).is_err(), "nobody signed it");
        }
        Ok(Verdict::Refused)
    }

    /// What is believed was said, in these words.
    fn says_so(&self, verified: &Verified, header: &[u8], claims: &[u8]) -> Result<()> {
        let header: Value = serde_json::from_slice(header)?;
        let claims: Value = serde_json::from_slice(claims)?;
        ensure!(header["typ"] == "txntoken+jwt" && header["alg"] == "EdDSA");
        ensure!(
            header.get("crit").is_none_or(Value::is_null),
            "it is critical"
        );
        ensure!(verified.requester == *self.shop.material.id());
        ensure!(claims["req_wl"] == verified.requester.as_str());
        ensure!(claims["aud"] == self.stock.material.id().trust_domain().environment());
        let now = now_in_seconds()?;
        ensure!(
            claims["exp"]
                .as_u64()
                .is_some_and(|exp| exp + LEEWAY >= now)
        );
        ensure!(
            claims["iat"]
                .as_u64()
                .is_some_and(|iat| iat <= now + LEEWAY)
        );
        let user = &*verified.principal;
        ensure!(!user.subject.is_empty() && claims["sub"] == user.subject.as_str());
        let scope = claims["scope"].as_str().context("no scope")?;
        ensure!(scope.split_ascii_whitespace().eq(&user.scopes));
        let context = &claims["tctx"];
        ensure!(context["roles"] == json!(user.roles));
        let clearance: Clearance = serde_json::from_value(context["clearance"].clone())?;
        ensure!(
            clearance == user.clearance,
            "it is cleared for something else"
        );
        for (name, held) in [("region", &user.region), ("tenant", &user.tenant)] {
            let said = context[name].as_str().filter(|said| !said.is_empty());
            ensure!(said == held.as_deref(), "its {name} is another");
        }
        let known = [
            "action",
            "purpose",
            "roles",
            "region",
            "tenant",
            "clearance",
        ];
        let members = context.as_object().context("no context")?;
        let unknown = members.keys().find(|name| !known.contains(&name.as_str()));
        ensure!(unknown.is_none(), "{unknown:?} counted for nothing");
        let signed_in = &claims["rctx"];
        let authentication = &user.authentication;
        ensure!(signed_in["acr"].as_str() == authentication.level.as_deref());
        ensure!(signed_in["risk"].as_u64() == authentication.risk.map(u64::from));
        ensure!(signed_in["auth_time"].as_u64() == authentication.time);
        Ok(())
    }

    /// With another leaf, another signature, or to whom makes tokens, it is none.
    fn no_other_way(&self, verifier: &Verifier, token: &str, leaf: &HeaderValue) -> Result<()> {
        let other = HeaderValue::try_from(format!("{}A", leaf.to_str()?))?;
        ensure!(verifier.verify(token, &other).is_err(), "another leaf does");
        let (message, signature) = token.rsplit_once('.').context("no signature")?;
        let mut signature = URL_SAFE_NO_PAD.decode(signature)?;
        if let Some(first) = signature.first_mut() {
            *first ^= 1;
        }
        let bent = format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature));
        ensure!(
            verifier.verify(&bent, leaf).is_err(),
            "another signature does"
        );
        let maker = Verifier::new(self.shop.material.token_issuers());
        ensure!(
            maker.verify(token, leaf).is_err(),
            "who makes tokens takes one"
        );
        Ok(())
    }
}

/// The token of a header and claims, and its leaf as it travels (RFC 7515, section 7.1).
fn sign(signer: &TokenSigner, header: &[u8], claims: &[u8]) -> Result<(String, HeaderValue)> {
    let mut leaf = String::new();
    let signed = signer.sign(|der| {
        leaf = STANDARD.encode(der);
        let digest = URL_SAFE_NO_PAD.encode(Sha256::digest(der));
        let header = match std::str::from_utf8(header) {
            Ok(header) => header.replace(LEAF, &digest).into_bytes(),
            Err(_) => header.to_owned(),
        };
        let [header, claims] = [&header, claims].map(|part| URL_SAFE_NO_PAD.encode(part));
        format!("{header}.{claims}").into_bytes()
    });
    let (message, signature) = signed.context("nothing could be signed")?;
    let message = String::from_utf8(message)?;
    let token = format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature));
    Ok((token, HeaderValue::try_from(leaf)?))
}
