//! What a decision costs, by how many policies there are and whether it was made before.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a benchmark fails by panicking"
)]

use std::{fmt::Write as _, fs, hint::black_box, sync::Arc};

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use strata_core::{Authentication, Clearance, Layer, Principal, SpiffeId, TrustDomain};
use strata_guard::{Facts, Guard};

const SCHEMA: &str = "entity Role;\n\
    entity User in [Role] = { scopes: Set<String>, region?: String, tenant?: String };\n\
    entity Workload;\nentity Api;\n\
    type Context = { environment: String, time: datetime, network: ipaddr, caller: Workload };\n\
    action \"Get\" appliesTo { principal: [User], resource: [Api], context: Context };\n\
    action \"Watch\" appliesTo { principal: [User], resource: [Api], context: Context };\n\
    action \"Sweep\" appliesTo { principal: [Workload], resource: [Api], context: Context };\n";

/// A third each for workloads, roles and users by name, and one method that reads the network.
fn guard(policies: usize) -> Guard {
    let mut text = String::from(
        "@id(\"get\") permit (principal in Role::\"agent\", action == Action::\"Get\", resource == Api::\"shelf\");\n\
         @id(\"watch\") permit (principal in Role::\"agent\", action == Action::\"Watch\", resource == Api::\"shelf\")\n\
         when { context.network.isInRange(ip(\"192.0.2.0/24\")) };\n",
    );
    for at in 0..policies - 2 {
        let (principal, action) = match at % 3 {
            0 => (
                format!(
                    "principal == Workload::\"process/caller-{}\"",
                    at / 3 % 1000
                ),
                "Sweep",
            ),
            1 => (format!("principal in Role::\"role-{at}\""), "Get"),
            _ => (format!("principal == User::\"user-{at}\""), "Watch"),
        };
        writeln!(
            text,
            "@id(\"p-{at}\") permit ({principal}, action == Action::\"{action}\", resource == Api::\"shelf\");"
        )
        .unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("all.cedar"), text).unwrap();
    Guard::load(folder.path().to_owned(), SCHEMA, "shelf", "dev").unwrap()
}

fn user(at: usize) -> Arc<Principal> {
    Arc::new(Principal {
        subject: format!("cus_{at:06}"),
        roles: vec!["agent".to_owned()],
        scopes: vec!["shelf:read".to_owned()],
        region: Some("uk".to_owned()),
        tenant: Some("teahouse".to_owned()),
        clearance: Clearance::default(),
        authentication: Authentication::default(),
    })
}

fn caller(at: usize) -> SpiffeId {
    let domain = TrustDomain::new(Layer::Process, "dev", "example.org").unwrap();
    domain.workload(&format!("caller-{at}")).unwrap()
}

fn facts<'a>(caller: &'a SpiffeId, user: &'a Arc<Principal>) -> Facts<'a> {
    Facts {
        caller: Some(caller),
        user: Some(user),
        network: "192.0.2.7".parse().ok(),
    }
}

fn decide(bench: &mut Criterion) {
    let callers: Vec<_> = (0..1000).map(caller).collect();
    for policies in [5, 1_000, 10_000] {
        let guard = guard(policies);
        let known = user(0);
        let mut turn = 0;
        bench.bench_function(
            &format!("{policies} policies, 1,000 callers, made before"),
            |bench| {
                bench.iter(|| {
                    turn = (turn + 1) % callers.len();
                    black_box(guard.decide("Get", &facts(&callers[turn], &known)))
                });
            },
        );
        let mut next = 0;
        bench.bench_function(
            &format!("{policies} policies, a user never seen"),
            |bench| {
                bench.iter_batched(
                    || {
                        next += 1;
                        user(next)
                    },
                    |user| black_box(guard.decide("Get", &facts(&callers[0], &user))),
                    BatchSize::SmallInput,
                );
            },
        );
        bench.bench_function(&format!("{policies} policies, by network"), |bench| {
            bench.iter(|| black_box(guard.decide("Watch", &facts(&callers[0], &known))));
        });
    }
}

criterion_group!(benches, decide);
criterion_main!(benches);
