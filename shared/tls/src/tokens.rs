//! Who may make transaction tokens, and what signs them. A token leaf is one of a CA of its own, for
//! this use alone: no handshake accepts it, and no leaf of a handshake signs a token.

use std::{fmt, sync::Arc};

use rustls::{SignatureScheme, sign::CertifiedKey};
use rustls_pki_types::{CertificateDer, UnixTime};
use strata_core::{SpiffeId, TrustDomain};

use crate::{
    certificate::Certificate,
    live::Live,
    refusal::Refusal,
    verify::{Role, verify},
};

/// The extended key usage of a token leaf: 1.3.6.1.4.1.32473.1.1. The private enterprise number is the
/// one that everybody may use who has none (RFC 5612). What it means is settled by the token CA of the
/// environment, which signs nothing else; an organisation may put its own number here.
pub const TOKEN_USAGE: [u64; 9] = [1, 3, 6, 1, 4, 1, 32473, 1, 1];

/// The same as DER has it.
pub(crate) const TOKEN_USAGE_DER: &[u8] = &[43, 6, 1, 4, 1, 0x81, 0xfd, 0x59, 1, 1];

/// Signs with the token key in force. The key does not leave this crate.
#[derive(Clone)]
pub struct TokenSigner {
    live: Arc<Live>,
}

impl TokenSigner {
    pub(crate) const fn new(live: Arc<Live>) -> Self {
        Self { live }
    }

    /// Changes with the material.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.live.get().generation
    }

    /// Signs what `message` makes of the leaf (DER) with its Ed25519 key (RFC 8032); none without a key.
    #[must_use]
    pub fn sign(&self, message: impl FnOnce(&[u8]) -> Vec<u8>) -> Option<(Vec<u8>, Vec<u8>)> {
        let material = self.live.get();
        let CertifiedKey { cert, key, .. } = material.token.as_deref()?;
        let signer = key.choose_scheme(&[SignatureScheme::ED25519])?;
        let message = message(cert.first()?);
        let signature = signer.sign(&message).ok()?;
        Some((message, signature))
    }
}

impl fmt::Debug for TokenSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenSigner")
    }
}

/// Tells who made a token, by the token bundle in force.
#[derive(Clone, Debug)]
pub struct TokenIssuers {
    live: Arc<Live>,
}

/// Who made a token.
#[derive(Debug)]
pub struct TokenIssuer {
    /// The Experience API.
    pub id: SpiffeId,
    /// The 32 bytes of its Ed25519 key.
    pub key: Vec<u8>,
    /// The last second at which it may have made one: seconds since 1970.
    pub not_after: u64,
    /// Until when this holds: then a CA ends or a list of what was taken back is due. Seconds since 1970.
    pub until: u64,
}

impl TokenIssuers {
    pub(crate) const fn new(live: Arc<Live>) -> Self {
        Self { live }
    }

    /// Changes with the material. What was found out under another one does not hold any more.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.live.get().generation
    }

    /// The trust domain of those who make tokens; none when it believes nobody's.
    #[must_use]
    pub fn domain(&self) -> Option<TrustDomain> {
        self.live.get().tokens.domains().first().cloned()
    }

    /// Who the leaf (DER) of a token is.
    ///
    /// # Errors
    /// [`Refusal`], as in a handshake, when it is not a leaf of this environment's token CA for an
    /// Experience API and for tokens alone.
    pub fn verify(&self, leaf: &[u8]) -> Result<TokenIssuer, Refusal> {
        let material = self.live.get();
        let (leaf, now) = (CertificateDer::from(leaf), UnixTime::now());
        let id = verify(&material.tokens, Role::TokenIssuer, &leaf, &[], now)?;
        let certificate = Certificate::parse(&leaf)?;
        let until = material
            .tokens
            .moments()
            .filter(|moment| *moment >= now)
            .min();
        let key = certificate.ed25519_key();
        let key = key.filter(|_| certificate.is_only_for(TOKEN_USAGE_DER));
        Ok(TokenIssuer {
            id,
            key: key.ok_or(Refusal::WrongKeyUsage)?,
            not_after: certificate.not_after().as_secs(),
            until: until.map_or(u64::MAX, |until| until.as_secs()),
        })
    }
}
