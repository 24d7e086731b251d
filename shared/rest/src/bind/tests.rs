use axum::extract::DefaultBodyLimit;
use http::{Method as HttpMethod, StatusCode};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::fixture::{echo, request, send};

async fn get(uri: &str) -> (StatusCode, Value) {
    send(echo(), request(HttpMethod::GET, uri, None, "")).await
}

async fn put(text: &str) -> (StatusCode, Value) {
    send(
        echo(),
        request(
            HttpMethod::PUT,
            "/v1/orders/o-1",
            Some("application/json"),
            text,
        ),
    )
    .await
}

/// Asserts a 400 about one field that does not repeat `value`.
#[track_caller]
fn assert_field((status, body): &(StatusCode, Value), path: &str, message: &str, value: &str) {
    assert_eq!(*status, StatusCode::BAD_REQUEST, "{body}");
    assert_eq!(body["errors"], json!([{"path": path, "message": message}]));
    assert_eq!(body["detail"], format!("`{path}` {message}"));
    assert_eq!(body["code"], "INVALID_ARGUMENT");
    assert_eq!(body["trace_id"], "0000000000000000000000000000feed");
    assert!(!body.to_string().contains(value), "{body}");
}

#[tokio::test]
async fn path_and_query_become_the_message() {
    for uri in [
        "/v1/orders/o%2F1?pageSize=25&urgent=true&tags=a&tags=b%20c",
        "/v1/orders/o%2F1?tags=a&page_size=25&tags=b+c&urgent=true",
    ] {
        let (status, body) = get(uri).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        assert_eq!(
            body,
            json!({"orderId": "o/1", "pageSize": 25, "urgent": true, "tags": ["a", "b c"],
                   "lines": [], "ship": null})
        );
    }
    assert_eq!(get("/v1/orders/o-1").await.1["orderId"], "o-1");
}

#[tokio::test]
async fn a_wrong_query_names_the_parameter_and_not_its_value() {
    assert_eq!(
        get("/v1/orders/o-1?pageSize=7&urgent=false").await.0,
        StatusCode::OK
    );
    for value in ["seven7", "-7", "7.5", "99999999999", "", "0x7"] {
        let refused = get(&format!("/v1/orders/o-1?pageSize={value}")).await;
        assert_field(
            &refused,
            "pageSize",
            "must be a whole number in range",
            "seven7",
        );
    }
    for value in ["yes-please", "1", "True", ""] {
        let refused = get(&format!("/v1/orders/o-1?urgent={value}")).await;
        assert_field(&refused, "urgent", "must be true or false", "yes-please");
    }
    assert_field(
        &get("/v1/orders/o-1?colour=mauve").await,
        "colour",
        "is no query parameter of this method: remove it",
        "mauve",
    );
    // What the path names, the query may not.
    assert_field(
        &get("/v1/orders/o-1?orderId=o-2").await,
        "orderId",
        "is no query parameter of this method: remove it",
        "o-2",
    );
    assert_field(
        &get("/v1/orders/o-1?pageSize=71&page_size=72").await,
        "pageSize",
        "is given more than once: give it once",
        "71",
    );
    assert_field(
        &get("/v1/orders/o-1?tags=%FFmauve").await,
        "tags",
        "is not valid: encode it as UTF-8",
        "mauve",
    );
}

#[tokio::test]
async fn every_wrong_parameter_is_listed_up_to_a_limit() {
    let (status, body) = get("/v1/orders/o-1?a=1&b=2&pageSize=3&pageSize=4").await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let paths: Vec<_> = body["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| &error["path"])
        .collect();
    assert_eq!(paths, ["a", "b", "pageSize"]);

    let long = "x".repeat(500);
    let many: Vec<_> = (0..50).map(|n| format!("{long}{n}=1")).collect();
    let (_, body) = get(&format!("/v1/orders/o-1?{}", many.join("&"))).await;
    assert_eq!(body["errors"].as_array().unwrap().len(), super::LISTED);
    assert!(body["errors"][0]["path"].as_str().unwrap().len() <= super::SHOWN);
}

#[tokio::test]
async fn a_path_that_is_not_utf8_is_refused() {
    assert_eq!(get("/v1/orders/%C3%A4").await.1["orderId"], "ä");
    let (status, body) = get("/v1/orders/%FF").await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(body["detail"], "the path is not valid: encode it as UTF-8");
}

#[tokio::test]
async fn a_body_becomes_the_message_or_one_field() {
    let (status, body) =
        put(r#"{"lines": [{"quantity": 1}, {"quantity": "2"}], "tags": ["a"]}"#).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    assert_eq!(body["orderId"], "o-1");
    assert_eq!(body["lines"], json!([{"quantity": 1}, {"quantity": 2}]));

    let ship = request(
        HttpMethod::POST,
        "/v1/orders/o-1/ship?urgent=true",
        Some("application/json; charset=utf-8"),
        r#"{"quantity": 3}"#,
    );
    let (status, body) = send(echo(), ship).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    assert_eq!(body["ship"], json!({"quantity": 3}));
    assert_eq!(
        (&body["orderId"], &body["urgent"]),
        (&json!("o-1"), &json!(true))
    );
}

#[tokio::test]
async fn a_wrong_body_names_the_failing_path_and_not_its_value() {
    let lines = r#"{"lines": [{"quantity": 1}, {"quantity": 2}, {"quantity": 3}]}"#;
    assert_eq!(put(lines).await.0, StatusCode::OK);
    for wrong in [r#""mauve""#, "-3", "[]", "{}", "true", "3.5"] {
        let refused = put(&lines.replace('3', wrong)).await;
        assert_field(
            &refused,
            "lines[2].quantity",
            "has a value of the wrong type or form",
            "mauve",
        );
    }
    assert_field(
        &put(&lines.replace(r#""quantity": 2"#, r#""quantity": 2, "colour": "mauve""#)).await,
        "lines[1].colour",
        "is no field of this request: remove it",
        "mauve",
    );
    assert_field(
        &put(r#"{"lines": [], "lines": [{"quantity": 42}]}"#).await,
        "lines",
        "is given more than once: give it once",
        "42",
    );
    assert_field(
        &put(r#"{"lines": [{"quantity": 1, "quantity": 42}]}"#).await,
        "lines[0].quantity",
        "is given more than once: give it once",
        "42",
    );
    // The path has already said it.
    assert_field(
        &put(r#"{"order_id": "mauve"}"#).await,
        "orderId",
        "is given more than once: give it once",
        "mauve",
    );
    let ship = request(
        HttpMethod::POST,
        "/v1/orders/o-1/ship",
        Some("application/json"),
        r#"{"quantity": "mauve"}"#,
    );
    assert_field(
        &send(echo(), ship).await,
        "ship.quantity",
        "has a value of the wrong type or form",
        "mauve",
    );
}

#[tokio::test]
async fn a_body_that_is_no_json_object_is_refused() {
    for (text, detail) in [
        ("", "the body is not valid JSON at line 1, column 0"),
        (
            "{\n  \"lines\": mauve}",
            "the body is not valid JSON at line 2, column 12",
        ),
        ("{} mauve", "the body is not valid JSON at line 1, column 4"),
        ("[1]", "the body must be a JSON object"),
        ("\"mauve\"", "the body must be a JSON object"),
    ] {
        let (status, body) = put(text).await;
        assert_eq!(
            (status, body["detail"].as_str()),
            (StatusCode::BAD_REQUEST, Some(detail))
        );
    }
    assert_eq!(put("{}").await.0, StatusCode::OK);
    let deep = format!("{{\"lines\":{}", "[".repeat(10_000));
    assert_eq!(put(&deep).await.0, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_body_that_is_not_json_is_415() {
    for (kind, expected) in [
        (Some("application/json"), StatusCode::OK),
        (Some("Application/JSON;charset=UTF-8"), StatusCode::OK),
        (None, StatusCode::UNSUPPORTED_MEDIA_TYPE),
        (Some("text/plain"), StatusCode::UNSUPPORTED_MEDIA_TYPE),
        (
            Some("application/json; charset=utf-16"),
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ),
        (
            Some("application/x-www-form-urlencoded"),
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ),
        (Some("json"), StatusCode::UNSUPPORTED_MEDIA_TYPE),
    ] {
        let (status, body) = send(
            echo(),
            request(HttpMethod::PUT, "/v1/orders/o-1", kind, "{}"),
        )
        .await;
        assert_eq!(status, expected, "{kind:?}");
        if status != StatusCode::OK {
            assert_eq!(
                body["detail"],
                "the body must be JSON: send content-type application/json"
            );
            assert_eq!(body["title"], "Unsupported Media Type");
        }
    }
}

#[tokio::test]
async fn a_body_over_the_limit_is_413() {
    let limited = || echo().layer(DefaultBodyLimit::max(64));
    let put = |text: &str| {
        request(
            HttpMethod::PUT,
            "/v1/orders/o-1",
            Some("application/json"),
            text,
        )
    };
    assert_eq!(send(limited(), put("{}")).await.0, StatusCode::OK);
    let (status, body) = send(limited(), put(&" ".repeat(65))).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(body["detail"], "the body is too large: send less");
}

#[tokio::test]
async fn a_value_beyond_its_limit_is_named_and_not_repeated() {
    let (long, whole) = ("mauve".repeat(13), "m".repeat(64));
    assert_eq!(get(&format!("/v1/orders/{whole}")).await.0, StatusCode::OK);
    let too_long = "is too long: send at most 64 characters";
    let refused = get(&format!("/v1/orders/{long}")).await;
    assert_field(&refused, "orderId", too_long, "mauve");
    let refused = get(&format!("/v1/orders/o-1?tags=a&tags={long}")).await;
    assert_field(&refused, "tags[1]", too_long, "mauve");
    let refused = put(&json!({"tags": [long]}).to_string()).await;
    assert_field(&refused, "tags[0]", too_long, "mauve");
    let refused = put(&json!({"tags": vec!["mauve"; 1_001]}).to_string()).await;
    assert_field(
        &refused,
        "tags",
        "is too long: send at most 1000 items",
        "mauve",
    );
}

#[tokio::test]
async fn a_body_too_deep_is_refused() {
    let deep = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    for text in [
        deep(10_000),
        format!("{{\"ship\":{}}}", deep(10_000)),
        format!("{{\"tags\":{}}}", deep(10_000)),
        format!("{{\"mauve\":{}}}", deep(10_000)),
    ] {
        let (status, body) = put(&text).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{body}");
        assert_eq!(body["code"], "INVALID_ARGUMENT");
    }
}

#[tokio::test]
async fn a_compressed_body_is_not_unpacked() {
    let coded = |coding: &str| {
        let kind = Some("application/json");
        let mut request = request(HttpMethod::PUT, "/v1/orders/o-1", kind, "{}");
        let coding = coding.parse().unwrap();
        request.headers_mut().insert("content-encoding", coding);
        echo().into_router().oneshot(request)
    };
    assert_eq!(coded("identity").await.unwrap().status(), StatusCode::OK);
    for coding in ["gzip", "br", "deflate", "identity, gzip", "made-up"] {
        let refused = coded(coding).await.unwrap();
        assert_eq!(refused.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
        assert_eq!(refused.headers()["accept-encoding"], "identity");
        assert_eq!(
            refused.headers()["content-type"],
            "application/problem+json"
        );
    }
}
