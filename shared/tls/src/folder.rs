//! When to look into a folder of files again that are taken over as one.

use std::{path::Path, time::Duration};

use notify::{
    Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher,
    event::{AccessKind, AccessMode},
};
use tokio::{sync::mpsc, time::timeout};

/// Looked at this often even without a notification: some file systems send none, and a folder
/// that was itself replaced sends none any more.
const POLL: Duration = Duration::from_secs(15);

/// They are several files: a change is taken over once no more has come for this long.
const SETTLE: Duration = Duration::from_millis(200);

/// Tells when a folder may have changed.
pub struct Folder {
    changes: mpsc::Receiver<()>,
    // Watches until dropped.
    _watcher: Option<RecommendedWatcher>,
}

impl Folder {
    /// Watches the folder rather than its files: a Kubernetes volume is replaced by renaming
    /// `..data` in it, of which the files notice nothing.
    #[must_use]
    pub fn watch(dir: &Path) -> Self {
        let (changed, changes) = mpsc::channel(1);
        let watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            if event.map_or(true, |event| is_change(event.kind)) {
                // Full means that a change is known already.
                let _ = changed.try_send(());
            }
        });
        let watcher = watcher.and_then(|mut watcher| {
            watcher.watch(dir, RecursiveMode::Recursive)?;
            Ok(watcher)
        });
        if let Err(error) = &watcher {
            tracing::warn!(%error, folder = %dir.display(), "a folder cannot be watched: it is polled only");
        }
        Self {
            changes,
            _watcher: watcher.ok(),
        }
    }

    /// Waits until it may have changed.
    pub async fn changed(&mut self) {
        // Without a watcher the channel is closed, and its answer must not become a spin.
        if !matches!(timeout(POLL, self.changes.recv()).await, Ok(Some(()))) {
            if self.changes.is_closed() {
                tokio::time::sleep(POLL).await;
            }
            return;
        }
        while let Ok(Some(())) = timeout(SETTLE, self.changes.recv()).await {}
    }
}

/// Reading the files is no change: taking it for one would make each look cause the next.
const fn is_change(kind: EventKind) -> bool {
    !matches!(kind, EventKind::Access(access) if !matches!(access, AccessKind::Close(AccessMode::Write)))
}
