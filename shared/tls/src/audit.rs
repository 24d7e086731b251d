//! Who keeps an audit trail, and what its checkpoints are signed with. As for transaction tokens, the
//! leaf is one of a CA of its own, for this use alone: who takes over a service's handshake or token key
//! cannot vouch for a trail that was changed.

use std::{fmt, path::Path, sync::Arc};

use rustls::{SignatureScheme, sign::CertifiedKey};
use rustls_pki_types::{CertificateDer, UnixTime};
use strata_core::{SpiffeId, TrustDomain};
use webpki::EndEntityCert;

use crate::{
    anchors::{Anchors, Bundle},
    certificate::Certificate,
    error::MaterialError,
    live::Live,
    refusal::Refusal,
    verify::{Role, verify},
};

/// The extended key usage of an audit leaf: 1.3.6.1.4.1.32473.1.2, beside that of token leaves.
pub const AUDIT_USAGE: [u64; 9] = [1, 3, 6, 1, 4, 1, 32473, 1, 2];

/// The same as DER has it.
pub(crate) const AUDIT_USAGE_DER: &[u8] = &[43, 6, 1, 4, 1, 0x81, 0xfd, 0x59, 1, 2];

/// Signs with the audit key in force. The key does not leave this crate.
#[derive(Clone)]
pub struct AuditSigner {
    live: Arc<Live>,
}

/// What was signed, and by whom.
pub struct Signed {
    /// The leaf (DER) of the key.
    pub leaf: Vec<u8>,
    /// The signature (Ed25519, RFC 8032).
    pub signature: Vec<u8>,
}

impl AuditSigner {
    pub(crate) const fn new(live: Arc<Live>) -> Self {
        Self { live }
    }

    /// Signs a message; none when the key cannot.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> Option<Signed> {
        let material = self.live.get();
        let CertifiedKey { cert, key, .. } = &*material.audit;
        let signer = key.choose_scheme(&[SignatureScheme::ED25519])?;
        Some(Signed {
            leaf: cert.first()?.to_vec(),
            signature: signer.sign(message).ok()?,
        })
    }
}

impl fmt::Debug for AuditSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AuditSigner")
    }
}

/// Tells who keeps a trail, by the bundle of the audit CAs.
#[derive(Clone, Debug)]
pub struct Auditors(From);

#[derive(Clone, Debug)]
enum From {
    Live(Arc<Live>),
    Folder(Arc<Anchors>),
}

/// Who keeps a trail, and the key that vouches for it.
#[derive(Clone, Debug)]
pub struct AuditKey {
    /// The service.
    pub id: SpiffeId,
    leaf: CertificateDer<'static>,
}

impl Auditors {
    pub(crate) const fn of(live: Arc<Live>) -> Self {
        Self(From::Live(live))
    }

    /// Those that `bundles/audit.pem` of a material folder vouches for, whichever service's it is: of the
    /// environment of `domain`.
    ///
    /// # Errors
    /// [`MaterialError`] when it is missing, or holds another CA.
    pub fn load(material: &Path, domain: &TrustDomain) -> Result<Self, MaterialError> {
        let anchors = Anchors::load(material, &Bundle::of_audit(domain), true)?;
        Ok(Self(From::Folder(Arc::new(anchors))))
    }

    /// Who the leaf (DER) was at a moment, in seconds since 1970: a trail outlives the leaves that
    /// vouched for it. The moment is what the key's holder says that it was. One before the leaf's time is
    /// that of a clock which stepped back, and is taken for the beginning of that time.
    ///
    /// # Errors
    /// [`Refusal`] when it is not a leaf of this environment's audit CA for this use alone, or its time was
    /// over then.
    pub fn verify(&self, leaf: &[u8], at: u64) -> Result<AuditKey, Refusal> {
        let leaf = CertificateDer::from(leaf).into_owned();
        let at = UnixTime::since_unix_epoch(std::time::Duration::from_secs(at));
        let at = at.max(Certificate::parse(&leaf)?.not_before());
        let id = match &self.0 {
            From::Live(live) => verify(&live.get().auditors, Role::Auditor, &leaf, &[], at),
            From::Folder(anchors) => verify(anchors, Role::Auditor, &leaf, &[], at),
        }?;
        let certificate = Certificate::parse(&leaf)?;
        let sound = certificate.is_only_for(AUDIT_USAGE_DER) && certificate.ed25519_key().is_some();
        if !sound {
            return Err(Refusal::WrongKeyUsage);
        }
        Ok(AuditKey { id, leaf })
    }
}

impl AuditKey {
    /// Whether this key signed the message.
    #[must_use]
    pub fn signed(&self, message: &[u8], signature: &[u8]) -> bool {
        let Ok(leaf) = EndEntityCert::try_from(&self.leaf) else {
            return false;
        };
        let verified = leaf.verify_signature(webpki::aws_lc_rs::ED25519, message, signature);
        verified.is_ok()
    }
}
