//! What a client asks of the service it calls.

use std::sync::Arc;

use rustls::{
    DigitallySignedStruct, Error, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use strata_core::SpiffeId;

use super::identity::{PeerVerifier, Role};
use crate::{live::Live, refusal::Refusal};

/// Accepts the SVID of one service, whatever the address it answers at.
#[derive(Debug)]
pub(crate) struct CalleeVerifier {
    peer: PeerVerifier,
    callee: SpiffeId,
}

impl CalleeVerifier {
    pub(crate) fn new(live: Arc<Live>, callee: SpiffeId) -> Self {
        Self {
            peer: PeerVerifier::new(live, Role::Callee),
            callee,
        }
    }
}

impl ServerCertVerifier for CalleeVerifier {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if self.peer.verify(leaf, intermediates, now)? == self.callee {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(Refusal::WrongIdentity.into())
        }
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Refusal::Protocol.into())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.peer.verify_signature(message, leaf, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.peer.schemes()
    }
}
