//! What a client asks of the service it calls.

use rustls::{
    DigitallySignedStruct, Error, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::WebPkiSupportedAlgorithms,
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use strata_core::SpiffeId;
use webpki::KeyUsage;

use super::identity::PeerVerifier;
use crate::{refusal::Refusal, trust::Anchors};

/// id-kp-serverAuth (RFC 5280, section 4.2.1.12), required to be present:
/// [`KeyUsage::server_auth`] would accept a leaf without any.
const SERVER_AUTH: KeyUsage = KeyUsage::required(&[43, 6, 1, 5, 5, 7, 3, 1]);

/// Accepts the SVID of one service, whatever the address it answers at.
#[derive(Debug)]
pub(crate) struct CalleeVerifier {
    peer: PeerVerifier,
    callee: SpiffeId,
}

impl CalleeVerifier {
    pub(crate) const fn new(
        callees: Anchors,
        callee: SpiffeId,
        algorithms: WebPkiSupportedAlgorithms,
    ) -> Self {
        Self {
            peer: PeerVerifier::new(callees, SERVER_AUTH, algorithms),
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
