//! The issuer's keys: found by OpenID Connect Discovery, fetched in the background, kept when the
//! issuer is away.

use std::{collections::HashMap, path::PathBuf, sync::Arc, time::Duration};

use jsonwebtoken::{
    Algorithm, DecodingKey,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, KeyAlgorithm, PublicKeyUse},
};
use quick_cache::sync::Cache;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use strata_net::fetch;
use strata_telemetry::{Events, SecurityEvent};
use tokio::{
    sync::{Notify, watch},
    time::sleep,
};

use super::verify::User;

/// Between two tries while there are no keys at all.
const RETRY: Duration = Duration::from_millis(250);
/// Between two fetches once there are keys: a withdrawn key is out after this.
const INTERVAL: Duration = Duration::from_secs(300);
/// Between two fetches when tokens name keys that are not there, however many do: made-up ones cost the
/// issuer no more than this, and a key it has rotated in is taken by then.
const ASKED: Duration = Duration::from_secs(10);

/// Tokens remembered. A user has one or two; the least used go first.
const REMEMBERED: usize = 10_000;

/// The keys of one document, and what they have verified: with other keys, every token is verified
/// anew.
pub(super) struct KeySet {
    document: JwkSet,
    /// By `kid`. Each key fixes its one algorithm; a token's header never chooses.
    pub(super) keys: HashMap<String, (Algorithm, DecodingKey)>,
    /// By SHA-256 of the whole token, so that memory holds no token.
    pub(super) verified: Cache<[u8; 32], User>,
}

impl KeySet {
    /// The usable keys of a document; none without any.
    pub(super) fn of(document: JwkSet) -> Option<Self> {
        let keys: HashMap<_, _> = document.keys.iter().filter_map(usable).collect();
        let verified = Cache::new(REMEMBERED);
        (!keys.is_empty()).then_some(Self {
            document,
            keys,
            verified,
        })
    }
}

/// The keys as last fetched; none until the first fetch succeeds.
#[derive(Clone)]
pub struct Keys {
    current: watch::Receiver<Option<Arc<KeySet>>>,
    wanted: Arc<Notify>,
}

/// The background task that keeps [`Keys`] current.
pub struct Refresh {
    issuer: String,
    roots: Option<PathBuf>,
    current: watch::Sender<Option<Arc<KeySet>>>,
    wanted: Arc<Notify>,
}

impl Keys {
    /// Keys of `issuer`; `roots` is a PEM file of CAs when its certificate is not publicly trusted.
    /// Nothing is fetched until [`Refresh::run`] is polled.
    #[must_use]
    pub fn of(issuer: String, roots: Option<PathBuf>) -> (Self, Refresh) {
        let (sender, current) = watch::channel(None);
        let wanted = Arc::new(Notify::new());
        let refresh = Refresh {
            issuer,
            roots,
            current: sender,
            wanted: Arc::clone(&wanted),
        };
        (Self { current, wanted }, refresh)
    }

    /// Waits for the first keys.
    pub async fn ready(&self) {
        // An error means that the refresh task is gone, which happens only at shutdown.
        let _ = self.current.clone().wait_for(Option::is_some).await;
    }

    /// Has the keys fetched soon, because one is named that is not among them. Who asks does not wait.
    pub(super) fn want(&self) {
        self.wanted.notify_one();
    }

    pub(super) fn get(&self) -> Option<Arc<KeySet>> {
        self.current.borrow().clone()
    }
}

/// OpenID Connect Discovery 1.0, section 3: the two members used here.
#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: String,
}

#[derive(Debug, thiserror::Error)]
enum FetchError {
    #[error(transparent)]
    Net(#[from] strata_net::NetError),
    #[error("the issuer's document is not as OpenID Connect Discovery says: {0}")]
    Document(#[from] serde_json::Error),
    #[error("the discovery document names another issuer: tokens.issuer must match it exactly")]
    OtherIssuer,
    #[error("the issuer publishes no key this service accepts: use ES256, EdDSA, RS256 or PS256")]
    NoKeys,
}

impl FetchError {
    /// As an event says it.
    const fn reason(&self) -> &'static str {
        match self {
            Self::Net(_) => "unreachable",
            Self::Document(_) => "malformed",
            Self::OtherIssuer => "other_issuer",
            Self::NoKeys => "no_usable_key",
        }
    }
}

impl Refresh {
    /// Fetches now and then for ever, and sooner when a key is missed. A failed fetch keeps the keys there
    /// are. `events` is told of other keys, and once of each outage.
    pub async fn run(self, events: Events) {
        let mut outage = None;
        loop {
            match self.fetch().await {
                Ok(keys) => {
                    outage = None;
                    self.tell(self.replace(keys), &events);
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot fetch the issuer's keys");
                    let reason = error.reason();
                    if outage.replace(reason) != Some(reason) {
                        events.emit(&SecurityEvent::IssuerKeysRefused { reason });
                    }
                }
            }
            if self.current.borrow().is_none() {
                sleep(RETRY).await;
                continue;
            }
            tokio::select! {
                () = sleep(INTERVAL) => {}
                () = self.missed() => {}
            }
        }
    }

    /// Completes when a key was missed, and not before it is time again.
    async fn missed(&self) {
        sleep(ASKED).await;
        self.wanted.notified().await;
    }

    /// The same keys again change nothing. Gives what became of them, as an event says it; none when nothing
    /// did.
    pub(super) fn replace(&self, keys: KeySet) -> Option<&'static str> {
        let mut became = None;
        self.current.send_if_modified(|current| {
            let known = current.as_ref().map(|known| &known.document);
            let differs = known != Some(&keys.document);
            if differs {
                became = Some(known.map_or("fetched", |_| "rotated"));
                *current = Some(Arc::new(keys));
            }
            differs
        });
        became
    }

    fn tell(&self, became: Option<&'static str>, events: &Events) {
        let current = self.current.borrow().clone();
        let (Some(reason), Some(keys)) = (became, current) else {
            return;
        };
        let document = serde_json::to_vec(&keys.document).unwrap_or_default();
        let digest = format!("{:x}", Sha256::digest(document));
        let digest = &digest;
        events.emit(&SecurityEvent::IssuerKeysReplaced { digest, reason });
    }

    async fn fetch(&self) -> Result<KeySet, FetchError> {
        let base = self.issuer.trim_end_matches('/');
        let roots = self.roots.as_deref();
        let document =
            fetch::get(&format!("{base}/.well-known/openid-configuration"), roots).await?;
        let discovery: Discovery = serde_json::from_slice(&document)?;
        if discovery.issuer.trim_end_matches('/') != base {
            return Err(FetchError::OtherIssuer);
        }
        let set: JwkSet = serde_json::from_slice(&fetch::get(&discovery.jwks_uri, roots).await?)?;
        KeySet::of(set).ok_or(FetchError::NoKeys)
    }
}

/// A signature key with an id and an allowed algorithm; everything else in the set is passed over.
fn usable(jwk: &Jwk) -> Option<(String, (Algorithm, DecodingKey))> {
    let common = &jwk.common;
    if !matches!(common.public_key_use, None | Some(PublicKeyUse::Signature)) {
        return None;
    }
    let algorithm = match (&jwk.algorithm, common.key_algorithm) {
        (AlgorithmParameters::EllipticCurve(key), None | Some(KeyAlgorithm::ES256))
            if key.curve == EllipticCurve::P256 =>
        {
            Algorithm::ES256
        }
        (AlgorithmParameters::OctetKeyPair(key), None | Some(KeyAlgorithm::EdDSA))
            if key.curve == EllipticCurve::Ed25519 =>
        {
            Algorithm::EdDSA
        }
        (AlgorithmParameters::RSA(_), None | Some(KeyAlgorithm::RS256)) => Algorithm::RS256,
        (AlgorithmParameters::RSA(_), Some(KeyAlgorithm::PS256)) => Algorithm::PS256,
        _ => return None,
    };
    let key = DecodingKey::from_jwk(jwk).ok()?;
    Some((common.key_id.clone()?, (algorithm, key)))
}
