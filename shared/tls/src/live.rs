//! The material in force. Everything that decides a handshake reads it at that moment, so that a
//! replacement takes effect with the next handshake and disturbs none.

use std::{fmt, sync::Arc};

use arc_swap::{ArcSwap, Guard};
use rustls::{
    SignatureScheme,
    client::ResolvesClientCert,
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use tokio::sync::watch;

use crate::snapshot::Snapshot;

pub(crate) struct Live {
    snapshot: ArcSwap<Snapshot>,
    replaced: watch::Sender<()>,
}

impl Live {
    pub(crate) fn new(snapshot: Snapshot) -> Self {
        Self {
            snapshot: ArcSwap::from_pointee(snapshot),
            replaced: watch::Sender::new(()),
        }
    }

    pub(crate) fn get(&self) -> Guard<Arc<Snapshot>> {
        self.snapshot.load()
    }

    /// Takes over `snapshot`, when it says something else than the one in force.
    pub(crate) fn replace(&self, mut snapshot: Snapshot) -> bool {
        let before = self.get();
        let differs = !before.is_same(&snapshot);
        if differs {
            snapshot.generation = before.generation + 1;
            self.snapshot.store(Arc::new(snapshot));
            self.replaced.send_replace(());
        }
        differs
    }

    /// Changes whenever the material was replaced.
    pub(crate) fn replaced(&self) -> watch::Receiver<()> {
        self.replaced.subscribe()
    }
}

/// rustls prints what it holds; keys stay out of it.
impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Live")
    }
}

/// Presents the SVID in force, on both sides.
#[derive(Debug)]
pub(crate) struct Svid(pub(crate) Arc<Live>);

impl ResolvesServerCert for Svid {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.get().svid.clone())
    }
}

impl ResolvesClientCert for Svid {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        Some(self.0.get().svid.clone())
    }

    fn has_certs(&self) -> bool {
        true
    }
}

/// Presents the public certificate in force.
#[derive(Debug)]
pub(crate) struct Edge(pub(crate) Arc<Live>);

impl ResolvesServerCert for Edge {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.0.get().edge.clone()
    }
}
