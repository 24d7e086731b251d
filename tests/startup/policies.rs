//! Policies that cannot be used: the service says where, and does not start.

use crate::bench::{Bench, change};

#[tokio::test]
async fn a_policy_with_a_mistake_is_named_with_its_line_before_a_port_is_taken() {
    for (from, to, parts) in [
        (
            "permit (",
            "permitt (",
            ["policy/access.cedar:6", "permitt"],
        ),
        (
            "\"GetCustomer\"",
            "\"GetCustomr\"",
            ["policy/access.cedar", "GetCustomr"],
        ),
        (
            "has region",
            "has regoin",
            ["policy/access.cedar:15", "impossible"],
        ),
        (
            "Action::\"UpdateContact\"",
            "Action::\"GetCustomer\"",
            ["policy", "no policy could permit UpdateContact"],
        ),
    ] {
        let bench = Bench::of("system-customers").await;
        let folder = bench.copy();
        bench.assert_starts(bench.honest().folder(&folder)).await;
        change(&folder.join("policy/access.cedar"), |text| {
            text.replacen(from, to, 1)
        });
        bench
            .assert_refuses(bench.honest().folder(&folder), &parts)
            .await;
    }
}

#[tokio::test]
async fn without_policies_nobody_is_served() {
    let bench = Bench::of("process-customer-overview").await;
    let folder = bench.copy();
    bench.assert_starts(bench.honest().folder(&folder)).await;
    std::fs::remove_file(folder.join("policy/access.cedar")).unwrap();
    let ended = bench.honest().folder(&folder).run().await.unwrap();
    assert!(!ended.status.success(), "{ended:?}");
    // Every method, each on a line.
    assert_eq!(
        ended.stderr.matches("no policy could permit").count(),
        5,
        "{ended:?}"
    );
}
