//! What requests append to.

use std::{
    fmt,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering, fence},
    },
    task::{Context, Poll, ready},
    thread::{self, JoinHandle, Thread},
    time::SystemTime,
};

use strata_config::Audit;
use strata_core::SpiffeId;
use strata_tls::{AuditSigner, Auditors};
use tokio::sync::{mpsc, oneshot, watch};

use crate::{
    decision::Decision,
    error::{AuditError, NotRecorded},
    resource::ResourceKey,
    start::{self, Origin},
    writer::Writer,
};

/// What the writer is given.
pub(crate) struct Append {
    pub(crate) decision: Decision,
    /// When it was made.
    pub(crate) time: SystemTime,
    /// Whom to tell once it is on disk.
    pub(crate) done: Option<oneshot::Sender<()>>,
}

/// What appenders and the writer share.
pub(crate) struct Shared {
    /// Whether the writer waits for somebody who waits for it.
    pub(crate) asleep: AtomicBool,
    /// Whether the trail can be written.
    pub(crate) sound: watch::Sender<bool>,
    /// The same, for each request to look at.
    pub(crate) failing: AtomicBool,
    /// Nothing more comes.
    pub(crate) closing: AtomicBool,
}

/// The audit trail of this process. Cheap to clone.
#[derive(Clone)]
pub struct Trail {
    sender: mpsc::Sender<Append>,
    shared: Arc<Shared>,
    writer: Thread,
}

/// Keeps the trail: whoever has it ends it.
pub struct Keeper {
    trail: Trail,
    thread: JoinHandle<()>,
}

impl Trail {
    /// Continues the trail in the folder of `settings`, or begins one, for this process alone, and starts
    /// the thread that writes it. Everything that is found wrong is found before.
    ///
    /// # Errors
    /// [`AuditError`] when the folders cannot be used, another process uses them, or the trail is another
    /// service's or not what its last checkpoint says.
    pub fn open(
        settings: Audit,
        service: &SpiffeId,
        key: ResourceKey,
        signer: AuditSigner,
        auditors: &Auditors,
    ) -> Result<(Self, Keeper), AuditError> {
        let found = start::find(&settings, service, auditors)?;
        let origin = Origin {
            service: service.clone(),
            instance: rand::random(),
        };
        let (sender, receiver) = mpsc::channel(settings.queue);
        let shared = Arc::new(Shared {
            asleep: AtomicBool::new(false),
            sound: watch::Sender::new(true),
            failing: AtomicBool::new(false),
            closing: AtomicBool::new(false),
        });
        let path = settings.folder.clone();
        let failed = move |source| AuditError::Io {
            path: path.clone(),
            source,
        };
        let writer = Writer::begin(
            settings,
            origin,
            found,
            (key, signer),
            receiver,
            Arc::clone(&shared),
        )?;
        let thread = thread::Builder::new()
            .name("audit".to_owned())
            .spawn(move || writer.run())
            .map_err(failed)?;
        let trail = Self {
            sender,
            shared,
            writer: thread.thread().clone(),
        };
        let keeper = Keeper {
            trail: trail.clone(),
            thread,
        };
        Ok((trail, keeper))
    }

    /// A place for one decision, before anything is done that must be recorded: with it, being recorded
    /// fails only when the disk does.
    ///
    /// # Errors
    /// [`NotRecorded`], and then nothing may be done.
    pub fn reserve(&self) -> Result<Place, NotRecorded> {
        if self.shared.failing.load(Ordering::Acquire) {
            return Err(NotRecorded::Failing);
        }
        let permit = self.sender.clone().try_reserve_owned();
        let permit = permit.map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => NotRecorded::Full,
            mpsc::error::TrySendError::Closed(_) => NotRecorded::Failing,
        })?;
        Ok(Place {
            permit,
            shared: Arc::clone(&self.shared),
            writer: self.writer.clone(),
        })
    }

    /// Records what needs no answer, such as a refusal. It has half of the places at most, so that whoever
    /// is refused cannot keep out whoever is not.
    ///
    /// # Errors
    /// [`NotRecorded`]; then it is for the caller to tell of it.
    pub fn note(&self, decision: Decision) -> Result<(), NotRecorded> {
        if self.sender.capacity() * 2 < self.sender.max_capacity() {
            return Err(NotRecorded::Full);
        }
        self.reserve()?.buffered(decision);
        Ok(())
    }

    /// Whether the trail can be written, and each change of that.
    #[must_use]
    pub fn sound(&self) -> watch::Receiver<bool> {
        self.shared.sound.subscribe()
    }
}

impl fmt::Debug for Trail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Trail")
    }
}

/// A place in the trail for one decision.
pub struct Place {
    permit: mpsc::OwnedPermit<Append>,
    shared: Arc<Shared>,
    writer: Thread,
}

impl Place {
    /// Records it soon: within a tenth of a second it survives the process, within a second the machine.
    pub fn buffered(self, decision: Decision) {
        self.permit.send(Append {
            decision,
            time: SystemTime::now(),
            done: None,
        });
    }

    /// Records it, and says when it is on disk.
    pub fn durable(self, decision: Decision) -> OnDisk {
        let (done, on_disk) = oneshot::channel();
        self.permit.send(Append {
            decision,
            time: SystemTime::now(),
            done: Some(done),
        });
        // Either the writer sees what was sent before it sleeps, or this sees that it sleeps.
        fence(Ordering::SeqCst);
        if self.shared.asleep.swap(false, Ordering::SeqCst) {
            self.writer.unpark();
        }
        OnDisk(on_disk)
    }
}

/// When a decision is on disk. It fails when it could not be written; it will be once the trail can be
/// again, since what it tells of was done.
pub struct OnDisk(oneshot::Receiver<()>);

impl Future for OnDisk {
    type Output = Result<(), NotRecorded>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let on_disk = ready!(Pin::new(&mut self.0).poll(cx));
        Poll::Ready(on_disk.map_err(|_| NotRecorded::Failing))
    }
}

impl Keeper {
    /// Writes what waits, vouches for it, and ends the trail. What is appended from now on is not recorded.
    pub async fn close(self) {
        self.trail.shared.closing.store(true, Ordering::Release);
        self.trail.writer.unpark();
        let thread = self.thread;
        // A panic in it has been logged by the hook.
        let _ = tokio::task::spawn_blocking(move || thread.join()).await;
    }
}
