//! Quotas that all replicas share, kept in Redis.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use redis::{
    Client, RedisError as Failed, Script,
    aio::{ConnectionManager, ConnectionManagerConfig},
};
use strata_config::Rate;
use strata_telemetry::{Events, SecurityEvent};

use crate::quota::Lease;

/// What a request may wait for it, at most: a round trip takes a tenth of a millisecond.
const PATIENCE: Duration = Duration::from_millis(100);

/// Between two tries while it is away.
const PAUSE: Duration = Duration::from_secs(1);

/// Grants at most as many as are asked for and left of the window, which begins with the first grant and
/// ends by Redis's own clock. One script, so that no two replicas are granted the same.
const LEASE: &str = r"
local used = tonumber(redis.call('GET', KEYS[1]) or '0')
local granted = math.max(math.min(tonumber(ARGV[1]), tonumber(ARGV[2]) - used), 0)
if granted > 0 then
  redis.call('INCRBY', KEYS[1], granted)
end
local ends = redis.call('PTTL', KEYS[1])
if ends < 0 then
  ends = tonumber(ARGV[3])
  redis.call('PEXPIRE', KEYS[1], ends)
end
return {granted, math.max(tonumber(ARGV[2]) - used - granted, 0), ends}
";

/// It cannot be asked now, and is not asked again before `until`.
pub(crate) struct Away {
    pub(crate) until: Instant,
}

/// The address is none.
#[derive(Debug, thiserror::Error)]
#[error("'limits.redis.url' is no address of a Redis: write redis://127.0.0.1:6379")]
pub struct RedisError(#[source] Failed);

/// A Redis that keeps quotas. It may come and go: while it is away [`crate::Quota`] counts by itself,
/// and one event is emitted, and another when it is back.
pub struct Redis {
    connection: ConnectionManager,
    script: Script,
    prefix: String,
    share: f64,
    events: Events,
    outage: Mutex<Option<Instant>>,
}

impl Redis {
    /// The Redis at `url`. All keys begin with `prefix`, which must name environment and service.
    /// While it is away this process hands out `share` of each quota, 0 to 1. Nothing is connected
    /// before it is needed.
    ///
    /// # Errors
    /// [`RedisError`] when `url` is not the address of a Redis.
    pub fn new(url: &str, prefix: String, share: f64, events: Events) -> Result<Self, RedisError> {
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(PATIENCE))
            .set_response_timeout(Some(PATIENCE))
            // The pause is here, where requests do not wait for it.
            .set_number_of_retries(0);
        let client = Client::open(url).map_err(RedisError)?;
        Ok(Self {
            connection: client
                .get_connection_manager_lazy(config)
                .map_err(RedisError)?,
            script: Script::new(LEASE),
            prefix,
            share: share.clamp(0.0, 1.0),
            events,
            outage: Mutex::default(),
        })
    }

    /// What is left of a quota while it is away: never nothing at all, and never more than the quota.
    pub(crate) fn share_of(&self, requests: u32) -> u32 {
        ((f64::from(requests) * self.share) as u32).max(1)
    }

    /// Asks for at most `part` of `rate` under `key`.
    pub(crate) async fn lease(&self, key: &str, part: u32, rate: Rate) -> Result<Lease, Away> {
        if let Some(until) = self.outage(|outage| *outage)
            && Instant::now() < until
        {
            return Err(Away { until });
        }
        let key = format!("{}{key}", self.prefix);
        let mut ask = self.script.prepare_invoke();
        ask.key(key)
            .arg(part)
            .arg(rate.requests)
            .arg(u64::try_from(rate.per.as_millis()).unwrap_or(u64::MAX));
        let mut connection = self.connection.clone();
        let asked = tokio::time::timeout(PATIENCE, ask.invoke_async(&mut connection)).await;
        let (granted, rest, ends): (u32, u32, u64) = match asked {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => return Err(self.away(error.category())),
            Err(_) => return Err(self.away("no answer in time")),
        };
        if self.outage(Option::take).is_some() {
            self.events.emit(&SecurityEvent::LimitsShared {
                reason: "redis_back",
            });
        }
        // What is granted is never more than was asked for, whatever Redis says.
        let ends = Instant::now() + Duration::from_millis(ends.max(1)).min(rate.per);
        Ok(Lease::of(granted.min(part), rest.min(rate.requests), ends))
    }

    fn away(&self, problem: &str) -> Away {
        let until = Instant::now() + PAUSE;
        if self.outage(|outage| outage.replace(until)).is_none() {
            tracing::warn!(
                problem,
                "redis is away: each replica keeps to its share of every quota"
            );
            self.events.emit(&SecurityEvent::LimitsUnshared {
                reason: "redis_away",
            });
        }
        Away { until }
    }

    fn outage<T>(&self, look: impl FnOnce(&mut Option<Instant>) -> T) -> T {
        look(&mut self.outage.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
