//! A service's material folder: its SVID and key, the bundles it trusts, at the edge its public
//! certificate. Loaded and checked as one before a port is bound.

use std::{fs, path::Path, sync::Arc};

use rustls::{ClientConfig, ServerConfig, sign::CertifiedKey};
use rustls_pki_types::{CertificateDer, UnixTime, pem::PemObject};
use strata_core::{Layer, SpiffeId};

use crate::{
    certificate::{Certificate, Validity},
    config::{self, Clients},
    error::MaterialError,
    key_file,
    trust::{self, Anchors, Trust},
};

/// What a service proves who it is with, and verifies its peers by.
pub struct Material {
    trust: Trust,
    server: Arc<ServerConfig>,
    edge: Option<Arc<ServerConfig>>,
    clients: Clients,
}

impl Material {
    /// Loads `svid.pem`, `svid.key` and `bundles/<layer>.pem` from the folder, and `edge.pem` and
    /// `edge.key` for an Experience API.
    ///
    /// # Errors
    /// [`MaterialError`] naming the file when one is missing, open to others, not for this service,
    /// not valid now, or there is a bundle this service must not trust.
    pub fn load(dir: &Path, trust: Trust) -> Result<Self, MaterialError> {
        trust.check()?;
        let own = Arc::new(svid(dir, &trust.own)?);
        let bundles = dir.join("bundles");
        let callers = Anchors::load(&bundles, &trust.callers)?;
        let callees = Anchors::load(&bundles, &trust.callees)?;
        trust::refuse_extra(&bundles, &trust)?;
        let edge = match trust.own.layer() {
            Layer::Experience => Some(Arc::new(config::edge(edge(dir)?)?)),
            Layer::Process | Layer::System => None,
        };
        let server = Arc::new(config::server(own.clone(), callers)?);
        let clients = Clients::new(own, callees)?;
        Ok(Self {
            trust,
            server,
            edge,
            clients,
        })
    }

    /// Who the service is.
    #[must_use]
    pub const fn id(&self) -> &SpiffeId {
        &self.trust.own
    }

    /// Whom it trusts.
    #[must_use]
    pub const fn trust(&self) -> &Trust {
        &self.trust
    }

    /// For the port other services call: mutual TLS, HTTP/2 only.
    #[must_use]
    pub fn server_config(&self) -> Arc<ServerConfig> {
        self.server.clone()
    }

    /// For calls to `callee`: mutual TLS with exactly that service, HTTP/2 only.
    #[must_use]
    pub fn client_config(&self, callee: &SpiffeId) -> Arc<ClientConfig> {
        Arc::new(self.clients.pinned(callee.clone()))
    }

    /// For the port users call: HTTPS, HTTP/2 and HTTP/1.1.
    ///
    /// # Errors
    /// [`MaterialError::NoEdge`] when the service is no Experience API.
    pub fn edge_config(&self) -> Result<Arc<ServerConfig>, MaterialError> {
        self.edge
            .clone()
            .ok_or(MaterialError::NoEdge(self.trust.own.layer()))
    }
}

/// The SVID: one leaf, this service's, valid now, usable for exactly what its layer does.
fn svid(dir: &Path, id: &SpiffeId) -> Result<CertifiedKey, MaterialError> {
    let file = dir.join("svid.pem");
    let invalid = |problem| MaterialError::Invalid {
        file: file.clone(),
        problem,
    };
    let chain = certificates(&file)?;
    let [leaf] = chain.as_slice() else {
        return Err(invalid("holds a chain: write the leaf alone"));
    };
    let certificate =
        Certificate::parse(leaf).map_err(|_| invalid("holds what is no certificate"))?;
    let uri = certificate.uri().map_err(|_| {
        invalid("has not exactly one URI name: issue an SVID with its SPIFFE ID alone")
    })?;
    if uri != id.as_str() {
        return Err(MaterialError::Identity {
            file,
            expected: id.clone(),
        });
    }
    if certificate.may_sign().unwrap_or(true) {
        return Err(invalid("may sign other certificates: issue a leaf"));
    }
    let answers = id.layer().callers().next().is_some();
    let calls = id.layer().callees().next().is_some();
    if !certificate.is_for(answers, calls) {
        return Err(invalid(
            "has another extended key usage than its layer: clientAuth in Experience, both in \
             Process, serverAuth in System",
        ));
    }
    current(&certificate).map_err(invalid)?;
    certified(chain.clone(), dir, "svid")
}

/// The public certificate, with its chain: clients outside the estate need it.
fn edge(dir: &Path) -> Result<CertifiedKey, MaterialError> {
    let file = dir.join("edge.pem");
    let invalid = |problem| MaterialError::Invalid {
        file: file.clone(),
        problem,
    };
    let chain = certificates(&file)?;
    let leaf = chain
        .first()
        .ok_or_else(|| invalid("holds no certificate"))?;
    let certificate =
        Certificate::parse(leaf).map_err(|_| invalid("holds what is no certificate"))?;
    current(&certificate).map_err(invalid)?;
    certified(chain.clone(), dir, "edge")
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, MaterialError> {
    let pem = fs::read(file).map_err(|source| MaterialError::Read {
        file: file.to_owned(),
        source,
    })?;
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&pem)
        .collect::<Result<_, _>>()
        .unwrap_or_default();
    if chain.is_empty() {
        let problem = "holds no certificate: write it in PEM";
        return Err(MaterialError::Invalid {
            file: file.to_owned(),
            problem,
        });
    }
    Ok(chain)
}

fn current(certificate: &Certificate<'_>) -> Result<(), &'static str> {
    match certificate.validity(UnixTime::now()) {
        Validity::Current => Ok(()),
        Validity::NotYet => Err("is not valid yet: compare the clocks, or issue it again"),
        Validity::Over => Err("has expired: issue it again"),
    }
}

fn certified(
    chain: Vec<CertificateDer<'static>>,
    dir: &Path,
    name: &str,
) -> Result<CertifiedKey, MaterialError> {
    let file = dir.join(format!("{name}.key"));
    let key = key_file::read(&file)?;
    CertifiedKey::from_der(chain, key, &config::provider()).map_err(|_| MaterialError::Invalid {
        file,
        problem: "is not the key of the certificate beside it: issue both again",
    })
}

#[cfg(test)]
mod tests;
