//! The one way to emit a security event.

use std::{
    num::NonZeroU32,
    sync::{Arc, OnceLock},
    time::SystemTime,
};

use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use opentelemetry::{
    KeyValue,
    metrics::{Counter, Meter},
};
use strata_audit::{ResourceKey, Trail, ocsf::Severity};
use tracing::Level;

use super::{Kind, SecurityEvent, TARGET, record::Record, recorded};

/// Bytes of a name that came from outside which are logged: enough to recognise it, too few to
/// fill a disk with.
const NAME_BYTES: usize = 256;

/// Lines a second for one kind of event and one reason, and as many at once. A line costs more than
/// the refusal it tells of, and whoever is refused decides how often: beyond this they are counted.
const LINES: NonZeroU32 = NonZeroU32::new(50).unwrap();

/// Emits security events. Cheap to clone, which each layer of a stack is for each request.
#[derive(Clone, Debug)]
pub struct Events(Arc<Emitter>);

#[derive(Debug)]
struct Emitter {
    counter: Counter<u64>,
    unlogged: Counter<u64>,
    lines: DefaultKeyedRateLimiter<(Kind, &'static str)>,
    kept: OnceLock<Kept>,
}

/// Where events are recorded, and what names users and objects in the log.
struct Kept {
    trail: Trail,
    names: ResourceKey,
}

impl std::fmt::Debug for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Kept")
    }
}

impl Events {
    /// Counts on the given meter, as `strata_security_events_total{event,reason}`, and as
    /// `strata_security_events_unlogged_total` those of them that were too many to log.
    #[must_use]
    pub fn new(meter: &Meter) -> Self {
        let counter = |name, description| {
            let counter = meter.u64_counter(name);
            counter.with_description(description).build()
        };
        Self(Arc::new(Emitter {
            counter: counter(
                "strata_security_events",
                "Security events by kind and reason.",
            ),
            unlogged: counter(
                "strata_security_events_unlogged",
                "Security events that were too many in a second to be logged as well.",
            ),
            lines: RateLimiter::keyed(Quota::per_second(LINES)),
            kept: OnceLock::new(),
        }))
    }

    /// Records events in this trail from now on, those of every clone of this, and names users and objects
    /// by the key of the environment. Before, neither is logged.
    pub fn record_to(&self, trail: Trail, names: ResourceKey) {
        // There is one trail in a process, and it stays.
        let _ = self.0.kept.set(Kept { trail, names });
    }

    /// Counts one event, records it, and logs it unless there are too many like it.
    pub fn emit(&self, event: &SecurityEvent<'_>) {
        let record = Record::from(event);
        let is_logged = self.count(&record);
        let Some(Kept { trail, .. }) = self.0.kept.get() else {
            return;
        };
        if let Some(decision) = recorded::decision(&record, is_logged)
            && let Err(failed) = trail.note(decision)
        {
            // Of this there is no record, so it ends here.
            self.emit(&SecurityEvent::AuditFailed {
                reason: failed.reason(),
            });
        }
    }

    /// Gives whether it was logged.
    fn count(&self, record: &Record<'_>) -> bool {
        let Self(emitter) = self;
        let labels = [
            KeyValue::new("event", record.event.as_str()),
            KeyValue::new("reason", record.reason),
        ];
        emitter.counter.add(1, &labels);
        let of_kind = (record.event, record.reason);
        if emitter.lines.check_key(&of_kind).is_err() {
            emitter.unlogged.add(1, &labels);
            return false;
        }
        log(record, emitter.kept.get().map(|kept| &kept.names));
        true
    }
}

/// Without a key of the environment nobody is named who is no workload, and no object.
pub(super) fn log(record: &Record<'_>, names: Option<&ResourceKey>) {
    let named = |id: &str| names.map(|key| key.text(id));
    let resource = record
        .resource
        .and_then(|(kind, id)| Some((kind, named(id)?)));
    let label = record
        .label
        .and_then(|label| serde_json::to_string(&label).ok());
    let since_epoch = |at: SystemTime| at.duration_since(SystemTime::UNIX_EPOCH).ok();
    let expires = record.expires.and_then(since_epoch);
    // One list of fields for both levels.
    macro_rules! line {
        ($level:expr) => {
            tracing::event!(
                target: TARGET,
                $level,
                event = record.event.as_str(),
                reason = record.reason,
                address = record.address.map(display),
                upstream = record.upstream.map(bounded),
                caller = record.caller.map(bounded),
                user = record.user.and_then(|user| named(&user.subject)),
                method = record.method.map(bounded),
                policy = record.policy.map(bounded),
                resource_kind = resource.as_ref().map(|(kind, _)| *kind),
                resource = resource.as_ref().map(|(_, name)| name.as_str()),
                label = label.as_ref().map(display),
                document = record.document.map(bounded),
                digest = record.digest,
                expires = expires.map(|expires| expires.as_secs()),
                "security event"
            )
        };
    }
    if record.event.mapping().severity == Severity::Informational {
        line!(Level::INFO);
    } else {
        line!(Level::WARN);
    }
}

pub(crate) fn bounded(name: &str) -> &str {
    name.get(..name.floor_char_boundary(NAME_BYTES))
        .unwrap_or_default()
}
