//! Callers as tests send them, and what the callee says of each.

use std::{collections::BTreeMap, fs, time::Duration};

use bytes::Bytes;
use strata_config::{Environment, trust_domain};
use strata_core::{Layer, SpiffeId};
use strata_estate::Running;
use strata_testkit::{Credential, Probe};
use strata_tests::{Counts, Method, Rig, eventually};
use tonic::{Code, Request, Status};

/// For an event to be counted that the caller has seen the effect of.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// Who may call what of a service, as its callers.toml says.
pub(crate) fn granted(callee: &Running) -> BTreeMap<SpiffeId, Vec<String>> {
    let text = fs::read_to_string(callee.folder.join("policy/callers.toml")).unwrap();
    let file: toml::Table = text.parse().unwrap();
    let text = |value: &toml::Value| value.as_str().unwrap().to_owned();
    let entries = file.get("callers").and_then(toml::Value::as_array);
    let grants = entries.into_iter().flatten().map(|entry| {
        let layer: Layer = text(&entry["layer"]).parse().unwrap();
        let domain = trust_domain(layer, Environment::Dev).unwrap();
        let caller = domain.workload(&text(&entry["service"])).unwrap();
        let methods = entry["methods"].as_array().unwrap().iter();
        (caller, methods.map(text).collect())
    });
    grants.collect()
}

/// For every service that may be called: a caller and a method that its callers.toml allows.
pub(crate) fn honest(rig: &Rig) -> Vec<(&Running, SpiffeId, Method)> {
    let honest = rig.callees().filter_map(|callee| {
        let (caller, methods) = granted(callee).pop_first()?;
        let mut all = rig.contracts.methods(callee.layer, &callee.name).iter();
        let method = all.find(|method| methods.contains(&method.name));
        Some((callee, caller, method.unwrap().clone()))
    });
    let honest: Vec<_> = honest.collect();
    assert!(honest.len() >= 3);
    honest
}

/// Calls a method with an empty message on behalf of a customer with every scope. Whoever presents the
/// credential says it is `caller`.
pub(crate) async fn call(
    rig: &Rig,
    callee: &Running,
    (caller, credential): (&SpiffeId, &Credential),
    path: &str,
) -> Result<Bytes, Status> {
    let mut request = Request::new(Bytes::new());
    let customer = rig.principal("cus_000001");
    let headers = request.metadata_mut().as_mut();
    rig.act_for(&customer, caller, headers).unwrap();
    let mut probe = Probe::new(rig.estate.pki(), callee.address, credential).unwrap();
    probe.call(path, request).await
}

/// Asserts that a call reaches the handler: by what it answers, and by the callee's own count.
pub(crate) async fn assert_answered(rig: &Rig, callee: &Running, id: &SpiffeId, path: &str) {
    let before = Counts::of(callee.admin).await.unwrap();
    let credential = Credential::honest(rig.estate.pki(), id).unwrap();
    let answer = call(rig, callee, (id, &credential), path).await;
    // What a handler says of an empty message is its own affair; these are what the layers before
    // it say, or the lack of a connection.
    let refused = [
        Code::Unauthenticated,
        Code::PermissionDenied,
        Code::Unimplemented,
        Code::Unavailable,
        Code::Unknown,
        Code::Internal,
    ];
    if let Err(status) = answer {
        assert!(!refused.contains(&status.code()), "{id} {path}: {status}");
    }
    let after = Counts::of(callee.admin).await.unwrap();
    assert_eq!(
        after.requests(path),
        before.requests(path) + 1,
        "{id} {path}"
    );
    assert_eq!(
        after.all_requests(),
        before.all_requests() + 1,
        "{id} {path}"
    );
    assert_eq!(after.refusals(), before.refusals(), "{id} {path}");
}

/// Asserts that `attempt` reaches no method of `callee`, which counts and logs a security event.
pub(crate) async fn assert_refused(
    callee: &Running,
    (event, reason): (&str, &str),
    what: &str,
    attempt: impl Future<Output = ()>,
) {
    let before = Counts::of(callee.admin).await.unwrap();
    let logged = logged(callee, event, reason);
    attempt.await;
    let counted = eventually(PATIENCE, async || {
        let now = Counts::of(callee.admin).await?;
        Ok(now.refusals() > before.refusals())
    });
    assert!(counted.await.is_ok(), "{what}: no event");
    let after = Counts::of(callee.admin).await.unwrap();
    assert_eq!(
        after.all_requests(),
        before.all_requests(),
        "{what}: handled"
    );
    let all = after.refusals() - before.refusals();
    let of_kind = after.events(event, reason) - before.events(event, reason);
    assert_eq!(all, of_kind, "{what}: {event} {reason}");
    let lines = || self::logged(callee, event, reason) - logged;
    // An event is counted first and logged then.
    let told = eventually(PATIENCE, async || Ok(lines() as u64 >= of_kind));
    assert!(told.await.is_ok(), "{what}: the log");
    // Who is not let in may have knocked again before it gave up.
    if event != "peer_refused" {
        assert_eq!((of_kind, lines()), (1, 1), "{what}: {event} {reason}");
    }
}

/// How many security events of a kind and reason a service has logged.
fn logged(service: &Running, event: &str, reason: &str) -> usize {
    let log = fs::read_to_string(&service.log).unwrap();
    let parts = [
        "strata::security",
        &format!("event=\"{event}\""),
        &format!("reason=\"{reason}\""),
    ];
    log.lines()
        .filter(|line| parts.iter().all(|part| line.contains(part)))
        .count()
}
