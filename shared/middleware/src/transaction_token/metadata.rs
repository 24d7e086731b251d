//! How the user of a call travels between workloads: the token as the edge made it, the leaf of the key that
//! signed it, and beside them what a hop on the way narrowed it to. Whoever receives that believes only what
//! both say, so that leaving it out gains nothing that the holder of the token had not.

use http::{HeaderMap, HeaderName, HeaderValue};
use strata_core::{Call, Clearance, Credential, ErrorCode};

/// Section 12.1 of the draft.
pub(crate) const TXN_TOKEN: HeaderName = HeaderName::from_static("txn-token");
/// DER in base64. Always with [`TXN_TOKEN`].
const LEAF: HeaderName = HeaderName::from_static("strata-token-leaf");
/// At most these scopes, separated by a space. Always with [`CLEARANCE`].
const SCOPES: HeaderName = HeaderName::from_static("strata-scopes");
/// At most this clearance: a label, as JSON.
const CLEARANCE: HeaderName = HeaderName::from_static("strata-clearance");

/// One of the entries is there twice, or alone, or does not decode.
#[derive(Clone, Copy, Debug)]
pub(super) struct Malformed;

/// A token, and the leaf of the key that signed it.
pub(super) type Token = (HeaderValue, HeaderValue);
/// What a user is narrowed to: scopes and clearance.
pub(super) type Narrowing = (HeaderValue, Clearance);

/// Writes the user of the call.
pub(crate) fn write(call: &Call, headers: &mut HeaderMap) -> Result<(), ErrorCode> {
    let Some(Credential {
        token,
        leaf,
        narrowed,
    }) = &call.credential
    else {
        return Ok(());
    };
    headers.insert(TXN_TOKEN, token.clone());
    headers.insert(LEAF, leaf.clone());
    if *narrowed {
        let user = call.principal()?;
        let clearance = serde_json::to_string(&user.clearance).map_err(|_| ErrorCode::Internal)?;
        for (name, value) in [(SCOPES, user.scopes.join(" ")), (CLEARANCE, clearance)] {
            let value = HeaderValue::try_from(value).map_err(|_| ErrorCode::Internal)?;
            headers.insert(name, value);
        }
    }
    Ok(())
}

/// Takes the token out of the headers, and what it is narrowed to.
pub(super) fn take(
    headers: &mut HeaderMap,
) -> Result<(Option<Token>, Option<Narrowing>), Malformed> {
    let token = match (take_one(headers, &TXN_TOKEN)?, take_one(headers, &LEAF)?) {
        (None, None) => None,
        (Some(token), Some(leaf)) => Some((token, leaf)),
        _ => return Err(Malformed),
    };
    let narrowing = match (take_one(headers, &SCOPES)?, take_one(headers, &CLEARANCE)?) {
        (None, None) => None,
        (Some(scopes), Some(clearance)) => {
            let clearance = serde_json::from_slice(clearance.as_bytes()).map_err(|_| Malformed)?;
            Some((scopes, clearance))
        }
        _ => return Err(Malformed),
    };
    Ok((token, narrowing))
}

fn take_one(headers: &mut HeaderMap, name: &HeaderName) -> Result<Option<HeaderValue>, Malformed> {
    if headers.get_all(name).iter().nth(1).is_some() {
        return Err(Malformed);
    }
    Ok(headers.remove(name))
}
