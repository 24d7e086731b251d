//! What every answer of the edge carries, good or bad.

use http::{StatusCode, header};
use strata_tests::{Answer, Rig};

use crate::OVERVIEW;

pub(crate) async fn every_answer_carries_the_security_headers(rig: &mut Rig) {
    let edge = rig.edge("storefront").unwrap();
    let token = rig.token("cus_000001").unwrap();
    for (path, token, status) in [
        (OVERVIEW, token.as_str(), StatusCode::OK),
        (OVERVIEW, "none", StatusCode::UNAUTHORIZED),
        ("/v1/nothing", token.as_str(), StatusCode::NOT_FOUND),
        (
            "/v1/me/orders?pageSize=x",
            token.as_str(),
            StatusCode::BAD_REQUEST,
        ),
    ] {
        let answer = edge.get(path, token).await.unwrap();
        assert_eq!(answer.status, status, "{path}");
        assert_hardened(&answer);
    }
}

fn assert_hardened(answer: &Answer) {
    for (name, value) in [
        (header::STRICT_TRANSPORT_SECURITY, "max-age=31536000"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CACHE_CONTROL, "no-store"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; frame-ancestors 'none'",
        ),
    ] {
        let have: Vec<_> = answer.headers.get_all(&name).iter().collect();
        assert_eq!(have, [value], "{name} of {}", answer.status);
    }
    // No banner: nothing says what serves here.
    assert!(!answer.headers.contains_key(header::SERVER));
}
