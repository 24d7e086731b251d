//! All endpoints of an upstream, and which of them takes the next call.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;
use http::{
    Uri,
    uri::{Authority, PathAndQuery, Scheme},
};
use strata_telemetry::UpstreamMetrics;
use tokio::{sync::watch, time::timeout};

use super::{ejection::Ejections, endpoint::Endpoint, line::Line};

/// What the calls of one upstream share.
pub(super) struct Pool {
    pub(super) upstream: Arc<str>,
    authority: Authority,
    most: usize,
    under_way: AtomicUsize,
    /// What takes calls, replaced whenever that changes: calls read it without a lock.
    ready: ArcSwap<Vec<Arc<Line>>>,
    members: Mutex<Vec<Member>>,
    changed: watch::Sender<()>,
    metrics: UpstreamMetrics,
}

/// What is known of an endpoint beyond what calls need.
struct Member {
    endpoint: Arc<Endpoint>,
    line: Option<Arc<Line>>,
    ejections: Ejections,
    /// When it could not be reached, if it has not been since.
    failed: Option<Instant>,
}

impl Member {
    /// Its connection, when that takes calls.
    fn open(&self) -> Option<&Arc<Line>> {
        self.line
            .as_ref()
            .filter(|line| !line.leaving.is_cancelled())
    }

    fn is_tried(&self) -> bool {
        self.line.is_some() || self.failed.is_some()
    }
}

impl Pool {
    pub(super) fn new(
        upstream: Arc<str>,
        authority: Authority,
        most: usize,
        metrics: UpstreamMetrics,
    ) -> Self {
        Self {
            upstream,
            authority,
            most,
            under_way: AtomicUsize::new(0),
            ready: ArcSwap::default(),
            members: Mutex::default(),
            changed: watch::Sender::new(()),
            metrics,
        }
    }

    /// Where a method is.
    pub(super) fn uri(&self, path: PathAndQuery) -> Result<Uri, http::Error> {
        let mut parts = http::uri::Parts::default();
        parts.scheme = Some(Scheme::HTTPS);
        parts.authority = Some(self.authority.clone());
        parts.path_and_query = Some(path);
        Ok(Uri::from_parts(parts)?)
    }

    /// Whether one more call may be under way; then it must [`leave`](Self::leave).
    pub(super) fn enter(&self) -> bool {
        let is_free = self.under_way.fetch_add(1, Ordering::Relaxed) < self.most;
        if is_free {
            self.metrics.entered();
        } else {
            self.under_way.fetch_sub(1, Ordering::Relaxed);
            self.metrics.refused_by_queue();
        }
        is_free
    }

    pub(super) fn leave(&self) {
        self.under_way.fetch_sub(1, Ordering::Relaxed);
        self.metrics.left();
    }

    /// Of two at random, the one with fewer calls under way: nearly as even as asking all, and no
    /// herd runs to the one that was idle a moment ago.
    pub(super) fn pick(&self, avoid: Option<SocketAddr>) -> Option<Arc<Line>> {
        let ready = self.ready.load();
        let lines = ready.as_slice();
        let (first, second) = match lines {
            [] => return None,
            [only] => return Some(Arc::clone(only)),
            // In either order, because the first of equals is taken.
            [first, second] if rand::random() => (first, second),
            [first, second] => (second, first),
            _ => {
                let one = rand::random_range(0..lines.len());
                let other = (one + rand::random_range(1..lines.len())) % lines.len();
                (lines.get(one)?, lines.get(other)?)
            }
        };
        let rank = |line: &Line| {
            let endpoint = &line.endpoint;
            let is_trial = endpoint.health.is_on_trial();
            let is_worse =
                avoid == Some(endpoint.address) || !(is_trial || endpoint.health.is_serving());
            (is_worse, !is_trial, endpoint.in_flight())
        };
        let (better, worse) = if rank(first) <= rank(second) {
            (first, second)
        } else {
            (second, first)
        };
        let chosen = if rank(better).0 {
            // Both are bad: there may be a third.
            lines.iter().min_by_key(|line| rank(line))?
        } else if better.endpoint.health.is_on_trial() && !better.endpoint.health.try_it() {
            worse
        } else {
            better
        };
        Some(Arc::clone(chosen))
    }

    /// A line, as soon as there is one; none when every endpoint was tried in vain since, or within
    /// `patience` of the last try.
    pub(super) async fn wait(&self, patience: Duration) -> Option<Arc<Line>> {
        let begun = Instant::now();
        let mut changed = self.changed.subscribe();
        loop {
            changed.borrow_and_update();
            if let Some(line) = self.pick(None) {
                return Some(line);
            }
            let (is_failing, is_over) = {
                let members = self.lock();
                for member in &*members {
                    member.endpoint.ask();
                }
                let is_failing = members.iter().all(|member| member.failed.is_some());
                let since = |member: &Member| member.failed.is_some_and(|at| at >= begun);
                (is_failing, is_failing && members.iter().all(since))
            };
            if is_over && self.is_known() {
                return None;
            }
            let change = changed.changed();
            if is_failing {
                let left = patience.checked_sub(begun.elapsed())?;
                timeout(left, change).await.ok()?.ok()?;
            } else {
                change.await.ok()?;
            }
        }
    }

    fn is_known(&self) -> bool {
        !self.lock().is_empty()
    }

    /// Completes when a call can be sent and every endpoint was tried.
    pub(super) async fn warm(&self) {
        let mut changed = self.changed.subscribe();
        loop {
            changed.borrow_and_update();
            let is_tried = self.lock().iter().all(Member::is_tried);
            if is_tried && !self.ready.load().is_empty() {
                return;
            }
            // The pool holds the sender.
            let _ = changed.changed().await;
        }
    }

    pub(super) fn insert(&self, endpoint: Arc<Endpoint>) {
        let mut members = self.lock();
        members.push(Member {
            endpoint,
            line: None,
            ejections: Ejections::default(),
            failed: None,
        });
        self.publish(&members);
    }

    pub(super) fn remove(&self, address: SocketAddr) {
        let mut members = self.lock();
        members.retain(|member| member.endpoint.address != address);
        self.publish(&members);
    }

    pub(super) fn connected(&self, line: &Arc<Line>) {
        self.change(&line.endpoint, |member| {
            member.line = Some(Arc::clone(line));
            member.failed = None;
        });
    }

    /// The line takes no further call.
    pub(super) fn left(&self, line: &Line) {
        self.change(&line.endpoint, |member| member.line = None);
    }

    /// As [`left`](Self::left), found out by a call.
    pub(super) fn gone(&self, line: &Line) {
        line.leaving.cancel();
        self.publish(&self.lock());
    }

    pub(super) fn unreachable(&self, endpoint: &Endpoint) {
        self.change(endpoint, |member| member.failed = Some(Instant::now()));
    }

    /// A call had an answer, whatever it says.
    pub(super) fn answered(&self, line: &Line) {
        line.answered();
        let endpoint = &line.endpoint;
        if endpoint.health.succeeded() {
            tracing::info!(upstream = &*self.upstream, address = %endpoint.address, "an endpoint is used again");
            self.publish(&self.lock());
        }
    }

    /// A call, or the answer to one, broke off.
    pub(super) fn broken(self: &Arc<Self>, line: &Line, error: &h2::Error) {
        self.failed(line, &error);
    }

    /// An answer came, and nobody could read it to its end.
    pub(super) fn unusable(&self) {
        self.metrics.complain("its answer is not read to the end");
    }

    /// A call had no answer by its deadline.
    pub(super) fn missed(self: &Arc<Self>, line: &Line) {
        line.doubt();
        self.failed(line, &"a deadline was missed");
    }

    fn failed(self: &Arc<Self>, line: &Line, error: &dyn std::fmt::Display) {
        let (upstream, endpoint) = (&*self.upstream, &line.endpoint);
        let (is_bad, is_first) = endpoint.health.failed();
        if is_first {
            tracing::warn!(upstream, address = %endpoint.address, %error, "a call to an upstream failed");
        }
        if !is_bad {
            return;
        }
        let mut members = self.lock();
        let is_other = |member: &Member| {
            member.endpoint.address != endpoint.address
                && member.open().is_some()
                && !member.endpoint.health.is_ejected()
        };
        if !members.iter().any(is_other) {
            // With nothing else to go to it may as well be this side that is at fault.
            endpoint.health.untried();
            return;
        }
        let Some(member) = find(&mut members, endpoint) else {
            return;
        };
        let lasts = member.ejections.next(Instant::now());
        endpoint.health.eject();
        tracing::warn!(upstream, address = %endpoint.address, %error, ?lasts, "an endpoint is left out");
        self.publish(&members);
        drop(members);
        let (pool, endpoint) = (Arc::downgrade(self), Arc::clone(endpoint));
        tokio::spawn(async move {
            tokio::time::sleep(lasts).await;
            endpoint.health.end();
            if let Some(pool) = pool.upgrade() {
                pool.publish(&pool.lock());
            }
        });
    }

    fn change(&self, endpoint: &Endpoint, how: impl FnOnce(&mut Member)) {
        let mut members = self.lock();
        if let Some(member) = find(&mut members, endpoint) {
            how(member);
        }
        self.publish(&members);
    }

    /// Replaces what takes calls. When all that are connected are ejected, the one that was ejected
    /// first takes them.
    fn publish(&self, members: &[Member]) {
        let is_ejected = |member: &&Member| member.endpoint.health.is_ejected();
        let open = || members.iter().filter(|member| member.open().is_some());
        let lines = |these: &mut dyn Iterator<Item = &Member>| {
            these.filter_map(Member::open).cloned().collect::<Vec<_>>()
        };
        let mut ready = lines(&mut open().filter(|member| !is_ejected(member)));
        let (connected, serving) = (open().count(), ready.len());
        if ready.is_empty() {
            ready = lines(
                &mut open()
                    .min_by_key(|member| member.ejections.until())
                    .into_iter(),
            );
        }
        self.ready.store(Arc::new(ready));
        self.metrics
            .endpoints(serving, connected - serving, members.len() - connected);
        self.changed.send_replace(());
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Member>> {
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn find<'m>(members: &'m mut [Member], endpoint: &Endpoint) -> Option<&'m mut Member> {
    members
        .iter_mut()
        .find(|member| member.endpoint.address == endpoint.address)
}
