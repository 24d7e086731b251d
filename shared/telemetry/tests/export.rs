//! Export to a collector. Logging is per process, so this file holds one test.
#![cfg(test)]

use http::HeaderMap;
use strata_config::Environment;
use strata_core::Layer;
use strata_telemetry::{Identity, RequestTrace, Telemetry, inject};
use tokio::{io::AsyncReadExt, net::TcpListener};

const TRACE: u128 = 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736;

fn headers(flags: &str) -> HeaderMap {
    let value = format!("00-{TRACE:032x}-00f067aa0ba902b7-{flags}");
    [("traceparent".parse().unwrap(), value.parse().unwrap())]
        .into_iter()
        .collect()
}

fn holds(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}

#[tokio::test(flavor = "multi_thread")]
async fn sampled_requests_and_metrics_reach_the_collector() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let collector = format!("http://{}", listener.local_addr().unwrap());
    let config = strata_config::Telemetry {
        log_filter: "off".to_owned(),
        otlp_endpoint: Some(collector.parse().unwrap()),
        sample_ratio: 0.0,
        ..Default::default()
    };
    let identity = Identity {
        service: "orders".to_owned(),
        layer: Layer::System,
        environment: Environment::Dev,
    };
    let telemetry = Telemetry::start(&config, &identity).unwrap();
    let sampling = telemetry.sampling();

    let sampled = RequestTrace::of(&headers("01"), "/a.A/Sampled", sampling);
    assert_eq!(
        (sampled.trace.trace_id, sampled.trace.sampled),
        (TRACE, true)
    );
    let unsampled = RequestTrace::of(&headers("00"), "/a.A/Unsampled", sampling);
    assert_eq!(
        (unsampled.trace.trace_id, unsampled.trace.sampled),
        (TRACE, false)
    );
    let fresh = RequestTrace::of(&HeaderMap::new(), "/a.A/Fresh", sampling);
    assert!(!fresh.trace.sampled && fresh.trace.trace_id != TRACE);
    let mut outbound = HeaderMap::new();
    inject(&sampled.trace, &mut outbound);
    assert_ne!(
        outbound["traceparent"],
        headers("01")["traceparent"],
        "our span is the parent"
    );
    let span_id = sampled.trace.span_id.to_be_bytes();
    drop((sampled, unsampled, fresh));
    telemetry.requests().record("/a.A/Sampled", "OK", 0.1);

    // The collector never answers: what was sent is read, then both connections are closed.
    let received = tokio::spawn(async move {
        let mut received = Vec::new();
        while !(holds(&received, b"strata_request_duration") && holds(&received, &span_id)) {
            let (mut connection, _) = listener.accept().await.unwrap();
            let mut bytes = Vec::new();
            while !holds(&bytes, b"strata_request_duration") && !holds(&bytes, &span_id) {
                assert_ne!(
                    connection.read_buf(&mut bytes).await.unwrap(),
                    0,
                    "{bytes:?}"
                );
            }
            received.extend(bytes);
        }
        received
    });
    telemetry.shutdown().await;
    let received = received.await.unwrap();
    assert!(holds(&received, &TRACE.to_be_bytes()));
    assert!(holds(&received, b"/a.A/Sampled"));
    assert!(holds(&received, b"deployment.environment.name"));
    assert!(!holds(&received, b"/a.A/Unsampled") && !holds(&received, b"/a.A/Fresh"));
}
