//! The one thread that writes a trail. Whoever waits for the disk wakes it, and a sync is for all who wait
//! by then; what nobody waits for is written at its next look.

use std::{
    fs::File,
    io,
    sync::{Arc, atomic::Ordering, atomic::fence},
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use strata_config::Audit;
use strata_tls::AuditSigner;
use tokio::sync::{mpsc, oneshot};

use crate::{
    chain::Link,
    checkpoint::Checkpoints,
    decision::Decision,
    error::AuditError,
    folder::{self, TRAIL},
    format::{Content, Item, Record, Removed},
    resource::ResourceKey,
    retention,
    sink::Sink,
    start::{Found, Origin},
    trail::{Append, Shared},
};

/// Two syncs begin at least so far apart, so that under load each is for many: nobody waits longer for its
/// beginning.
const PACE: Duration = Duration::from_millis(5);
/// It looks at least so often.
const LOOK: Duration = Duration::from_millis(50);
/// At least so often everything is synced, and vouched for.
const CHECKPOINT: Duration = Duration::from_secs(1);
/// After a failure it is tried again so often.
const RETRY: Duration = Duration::from_millis(200);
/// How often it is looked for files whose time is over, besides when one begins.
const PRUNE: Duration = Duration::from_secs(60 * 60);

/// Writes the trail.
pub(crate) struct Writer {
    settings: Audit,
    origin: Origin,
    key: ResourceKey,
    receiver: mpsc::Receiver<Append>,
    shared: Arc<Shared>,
    /// The end of what is written or held.
    link: Link,
    /// The end of what is vouched for.
    vouched: u64,
    sink: Sink,
    checkpoints: Checkpoints,
    waiting: Vec<oneshot::Sender<()>>,
    /// The first entry of the file that is no header.
    empty_until: u64,
    begun: Instant,
    synced: Instant,
    checkpointed: Instant,
    pruned: Instant,
    failed: Option<Instant>,
    closing: bool,
    // Nobody else writes while it is held.
    _lock: File,
}

fn nanos(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

impl Writer {
    /// Begins a file after what was found, and has it and its first checkpoint on disk.
    pub(crate) fn begin(
        settings: Audit,
        origin: Origin,
        found: Found,
        (key, signer): (ResourceKey, AuditSigner),
        receiver: mpsc::Receiver<Append>,
        shared: Arc<Shared>,
    ) -> Result<Self, AuditError> {
        let Found { link, seal, lock } = found;
        let failed = |path: &std::path::Path, source| AuditError::Io {
            path: path.to_owned(),
            source,
        };
        let name = folder::name(link.sequence + 1, TRAIL);
        let sink = Sink::create(&settings.folder, name);
        let sink = sink.map_err(|source| failed(&settings.folder, source))?;
        let checkpoints = Checkpoints::new(settings.checkpoints.clone(), signer);
        let now = Instant::now();
        let mut writer = Self {
            settings,
            origin,
            key,
            receiver,
            shared,
            link,
            vouched: link.sequence,
            sink,
            checkpoints,
            waiting: Vec::new(),
            empty_until: 0,
            begun: now,
            synced: now,
            checkpointed: now,
            pruned: now,
            failed: None,
            closing: false,
            _lock: lock,
        };
        let before = seal.as_ref().map_or("", |seal| &*seal.file).to_owned();
        writer.head(&before);
        if let Some(seal) = seal {
            writer.append(SystemTime::now(), Content::Seal(seal));
            writer.empty_until = writer.link.sequence;
        }
        let synced = writer.sink.sync();
        synced.map_err(|source| failed(&writer.settings.folder, source))?;
        let vouched = writer.vouch();
        vouched.map_err(|source| failed(&writer.settings.checkpoints, source))?;
        let pruned = writer.prune();
        pruned.map_err(|source| failed(&writer.settings.folder, source))?;
        Ok(writer)
    }

    /// Until it is closed.
    pub(crate) fn run(mut self) {
        loop {
            self.shared.asleep.store(true, Ordering::SeqCst);
            // Either this sees what was appended, or who appended it sees that this sleeps.
            fence(Ordering::SeqCst);
            // Before looking for the last of what was appended.
            self.closing = self.shared.closing.load(Ordering::Acquire);
            self.drain();
            let due = self.act();
            if self.closing && (self.sink.is_synced() || self.failed.is_some()) {
                break;
            }
            match due {
                // Who waits by then is among those that the next sync is for.
                Some(due) => {
                    self.shared.asleep.store(false, Ordering::SeqCst);
                    thread::park_timeout(due);
                }
                None => thread::park_timeout(LOOK),
            }
        }
        if self.failed.is_some() {
            tracing::error!("the audit trail ends without what could not be written");
        } else if let Err(error) = self.vouch() {
            tracing::error!(%error, "the end of the audit trail is not vouched for");
        }
    }

    /// Takes over what was appended.
    fn drain(&mut self) {
        // What is held is bounded by what is taken, and nothing is let in while nothing can be written.
        let most = self.receiver.max_capacity();
        for _ in 0..most {
            let Ok(appended) = self.receiver.try_recv() else {
                break;
            };
            let record = self.record(appended.decision);
            self.append(appended.time, Content::Record(record));
            self.waiting.extend(appended.done);
        }
    }

    /// Does what is due. Gives until when whoever waits has to, where there is something to wait for.
    fn act(&mut self) -> Option<Duration> {
        if let Some(failed) = self.failed {
            // Nobody waits for a disk that does not take anything.
            self.waiting.clear();
            let since = failed.elapsed();
            if since < RETRY && !self.closing {
                return Some(RETRY - since);
            }
            // It can be written again when all of it can: a new file too, where one is due.
            let done = self.commit().and_then(|()| self.vouch());
            let done = done.and_then(|()| self.keep());
            self.outcome(done);
            return None;
        }
        let since = self.synced.elapsed();
        let must = self.closing || !self.waiting.is_empty();
        if must && since < PACE && !self.closing {
            return Some(PACE - since);
        }
        let done = if must || (since >= CHECKPOINT && !self.sink.is_synced()) {
            self.commit()
        } else {
            self.sink.write()
        };
        let done = done.and_then(|()| self.keep());
        self.outcome(done);
        None
    }

    /// What is due now and then.
    fn keep(&mut self) -> io::Result<()> {
        if self.checkpointed.elapsed() >= CHECKPOINT && self.vouched < self.link.sequence {
            self.commit()?;
            self.vouch()?;
        }
        let full = self.sink.length() >= self.settings.file_bytes;
        let old = self.begun.elapsed() >= self.settings.file_age;
        if (full || old) && self.link.sequence > self.empty_until {
            self.rotate()?;
            self.prune()?;
        } else if self.pruned.elapsed() >= PRUNE {
            self.prune()?;
        }
        Ok(())
    }

    fn commit(&mut self) -> io::Result<()> {
        self.synced = Instant::now();
        self.sink.sync()?;
        for waiting in self.waiting.drain(..) {
            // Whoever waited may have gone.
            let _ = waiting.send(());
        }
        Ok(())
    }

    /// Signs what is on disk.
    fn vouch(&mut self) -> io::Result<()> {
        if self.vouched == self.link.sequence {
            return Ok(());
        }
        let now = nanos(SystemTime::now());
        self.checkpoints.write(self.link, self.sink.name(), now)?;
        self.vouched = self.link.sequence;
        self.checkpointed = Instant::now();
        Ok(())
    }

    /// Goes on in a new file. The old one is whole and vouched for.
    fn rotate(&mut self) -> io::Result<()> {
        self.commit()?;
        self.vouch()?;
        let name = folder::name(self.link.sequence + 1, TRAIL);
        let next = Sink::create(self.sink.folder(), name)?;
        let before = std::mem::replace(&mut self.sink, next);
        self.checkpoints.rotate();
        self.begun = Instant::now();
        self.head(before.name());
        self.commit()
    }

    fn prune(&mut self) -> io::Result<()> {
        self.pruned = Instant::now();
        let now = SystemTime::now();
        let folder = self.settings.folder.clone();
        let Some((over, first)) = retention::over(&folder, self.settings.retention, nanos(now))?
        else {
            return Ok(());
        };
        let removed = Removed {
            first: first.name.clone(),
            reason: "retention".to_owned(),
        };
        self.append(now, Content::Removed(removed));
        self.commit()?;
        self.vouch()?;
        retention::remove(&folder, &self.settings.checkpoints, &over, &first)
    }

    fn outcome(&mut self, done: io::Result<()>) {
        match done {
            Ok(()) => {
                if self.failed.take().is_some() {
                    self.shared.failing.store(false, Ordering::Release);
                    self.shared.sound.send_replace(true);
                }
            }
            Err(error) => {
                self.waiting.clear();
                if self.failed.replace(Instant::now()).is_none() {
                    tracing::error!(%error, "the audit trail cannot be written: requests are refused until it can");
                    self.shared.failing.store(true, Ordering::Release);
                    self.shared.sound.send_replace(false);
                }
            }
        }
    }

    fn head(&mut self, before: &str) {
        let header = self.origin.header(before, self.link);
        self.append(SystemTime::now(), Content::Header(header));
        self.empty_until = self.link.sequence;
    }

    fn append(&mut self, time: SystemTime, content: Content) {
        let item = Item {
            sequence: 0,
            time: nanos(time),
            content: Some(content),
        };
        self.link.append(item, self.sink.held());
    }

    fn record(&self, decision: Decision) -> Record {
        let (kind, name) = match &decision.resource {
            Some(resource) => (resource.kind, self.key.name(&resource.id)),
            None => ("", Vec::new()),
        };
        let subject = decision.user.map(|user| user.subject.clone());
        let trace = decision.trace.map(|trace| trace.to_be_bytes().to_vec());
        let mut record = Record {
            trace: trace.unwrap_or_default(),
            subject: subject.unwrap_or_default(),
            via: decision.via.as_str().to_owned(),
            action: decision.action.into_owned(),
            resource_kind: kind.to_owned(),
            resource: name,
            verdict: decision.verdict.into(),
            code: decision.code.to_owned(),
            rule: decision.rule.into_owned(),
            ..Record::default()
        };
        record.set_label(decision.released);
        record
    }
}
