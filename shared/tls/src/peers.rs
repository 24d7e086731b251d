//! Whether a peer is accepted: at the handshake, and for as long as its connection lasts.

use std::{future::pending, sync::Arc, time::Duration};

use rustls_pki_types::{CertificateDer, UnixTime};
use strata_core::SpiffeId;
use tokio::{sync::watch, time::sleep};

use crate::{
    certificate::Certificate,
    live::Live,
    refusal::Refusal,
    verify::{Role, verify},
};

/// The longest time between two looks at the clock, which may be set forward meanwhile.
const CLOCK: Duration = Duration::from_secs(5);

/// The peers on one side of a service: its callers or its callees.
#[derive(Clone, Debug)]
pub struct Peers {
    live: Option<Arc<Live>>,
    role: Role,
}

impl Peers {
    pub(crate) const fn new(live: Arc<Live>, role: Role) -> Self {
        Self {
            live: Some(live),
            role,
        }
    }

    /// Peers that no material vouches for, such as users: only the end of a certificate ends a
    /// connection, and none has an identity.
    #[must_use]
    pub const fn strangers() -> Self {
        Self {
            live: None,
            role: Role::Caller,
        }
    }

    /// The identity of a peer by the certificates it presented.
    ///
    /// # Errors
    /// [`Refusal`] when it would not be accepted now.
    pub fn identify(&self, presented: &[CertificateDer<'_>]) -> Result<SpiffeId, Refusal> {
        let live = self.live.as_ref().ok_or(Refusal::UnknownIssuer)?;
        let [leaf, intermediates @ ..] = presented else {
            return Err(Refusal::NoCertificate);
        };
        let material = live.get();
        let anchors = self.role.anchors(&material);
        verify(anchors, self.role, leaf, intermediates, UnixTime::now())
    }

    /// Completes when a connection must not go on, with the reason: a certificate of either side
    /// has expired, or the peer would be refused now because its CA was removed or took it back.
    pub async fn ended(
        &self,
        own: Option<&CertificateDer<'_>>,
        peer: Option<&CertificateDer<'_>>,
    ) -> Refusal {
        let mut replaced = self.live.as_ref().map(|live| live.replaced());
        loop {
            let until = match self.until(own, peer) {
                Ok(until) => until,
                Err(refusal) => return refusal,
            };
            tokio::select! {
                () = over(until) => {}
                () = replacement(&mut replaced) => {}
            }
        }
    }

    /// Until when nothing can be found wrong without a change of the material.
    fn until(
        &self,
        own: Option<&CertificateDer<'_>>,
        peer: Option<&CertificateDer<'_>>,
    ) -> Result<UnixTime, Refusal> {
        let now = UnixTime::now();
        let mut until = UnixTime::since_unix_epoch(Duration::from_secs(u64::MAX));
        for leaf in own.into_iter().chain(peer) {
            until = until.min(Certificate::parse(leaf)?.not_after());
        }
        if until < now {
            return Err(Refusal::Expired);
        }
        if let (Some(live), Some(peer)) = (&self.live, peer) {
            self.identify(std::slice::from_ref(peer))?;
            let material = live.get();
            let moments = self.role.anchors(&material).moments();
            until = moments
                .filter(|moment| *moment >= now)
                .fold(until, UnixTime::min);
        }
        Ok(until)
    }
}

/// Completes once `moment` is over.
async fn over(moment: UnixTime) {
    while let Some(left) = moment.as_secs().checked_sub(UnixTime::now().as_secs()) {
        // A certificate is valid until the end of its last second.
        sleep(CLOCK.min(Duration::from_secs(left.saturating_add(1)))).await;
    }
}

/// Completes when the material was replaced; without any, never.
async fn replacement(replaced: &mut Option<watch::Receiver<()>>) {
    if let Some(receiver) = replaced
        && receiver.changed().await.is_ok()
    {
        return;
    }
    *replaced = None;
    pending::<()>().await;
}
