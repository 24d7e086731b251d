//! What the edge asks of a client's certificate: that whoever presents it holds its key.

use rustls::{
    DigitallySignedStruct, DistinguishedName, Error, SignatureScheme,
    client::danger::HandshakeSignatureValid,
    crypto::{WebPkiSupportedAlgorithms, verify_tls13_signature},
    server::danger::{ClientCertVerified, ClientCertVerifier},
};
use rustls_pki_types::{CertificateDer, UnixTime};

use crate::{
    certificate::{Certificate, Validity},
    config::provider,
    refusal::Refusal,
};

/// Asks for a certificate, and accepts any that is valid now, whoever signed it, and none too. It
/// identifies nobody: a token that is bound to it has come from who may send it (RFC 8705, section 3).
#[derive(Debug)]
pub(crate) struct HolderVerifier(WebPkiSupportedAlgorithms);

impl HolderVerifier {
    pub(crate) fn new() -> Self {
        Self(provider().signature_verification_algorithms)
    }
}

impl ClientCertVerifier for HolderVerifier {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    /// None: no CA is preferred.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        leaf: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        match Certificate::parse(leaf)?.validity(now) {
            Validity::Current => Ok(ClientCertVerified::assertion()),
            Validity::NotYet => Err(Refusal::NotYetValid.into()),
            Validity::Over => Err(Refusal::Expired.into()),
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
        verify_tls13_signature(message, leaf, signature, &self.0)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_schemes()
    }
}
