//! Why a service's material is not accepted: one sentence each that names the file.

use std::{
    io,
    path::{Path, PathBuf},
};

use strata_core::{Layer, SpiffeId};

/// Why material was not loaded. A service that meets one does not start.
#[derive(Debug, thiserror::Error)]
pub enum MaterialError {
    /// A file is missing or unreadable.
    #[error("cannot read `{file}`: {source}: issue the material again")]
    Read {
        /// The file.
        file: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Others than the owner could read or replace the key.
    #[error("`{file}` is open to others (mode {mode:04o}): set it to 0600")]
    KeyMode {
        /// The key.
        file: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// A file does not hold what it should.
    #[error("`{file}` {problem}")]
    Invalid {
        /// The file.
        file: PathBuf,
        /// What is wrong, and what to do.
        problem: &'static str,
    },
    /// The certificate is another workload's.
    #[error("`{file}` is not the certificate of `{expected}`: issue one for this service")]
    Identity {
        /// The certificate.
        file: PathBuf,
        /// Who the service is.
        expected: SpiffeId,
    },
    /// The bundle of a layer this service talks to is missing.
    #[error("`{file}` is missing: nobody of the {layer} layer can be verified without it")]
    MissingBundle {
        /// Where it should be.
        file: PathBuf,
        /// Whose it is.
        layer: Layer,
    },
    /// Lists of what CAs took back are in force, and would not be any more.
    #[error(
        "`{file}` is gone: publish a list that takes nothing back, or restart the service to do without"
    )]
    MissingList {
        /// Where it stood.
        file: PathBuf,
    },
    /// A bundle of a layer this service neither calls nor answers.
    #[error("`{file}` is not a bundle this service may trust: remove it")]
    ExtraBundle {
        /// The bundle.
        file: PathBuf,
    },
    /// The trust asked for breaks the rule of the layers.
    #[error("a {own} service may not hold the trust of the {other} layer in that direction")]
    Trust {
        /// The service's layer.
        own: Layer,
        /// The layer that may not be trusted.
        other: Layer,
    },
    /// Only an Experience API has an edge.
    #[error("a {0} service has no edge: only Experience APIs answer users")]
    NoEdge(Layer),
    /// The operating system offers no certification authorities.
    #[error("the system has no trusted root certificates: name a file of them instead")]
    NoSystemRoots,
    /// The TLS library does not accept the composition.
    #[error("cannot compose the TLS configuration: {0}")]
    Compose(#[from] rustls::Error),
}

impl MaterialError {
    /// The same in a word, for events.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Read { .. } => "unreadable",
            Self::KeyMode { .. } => "open_to_others",
            Self::Invalid { .. } => "invalid",
            Self::Identity { .. } => "another_identity",
            Self::MissingBundle { .. } => "missing_bundle",
            Self::MissingList { .. } => "missing_list",
            Self::ExtraBundle { .. } => "extra_bundle",
            Self::Trust { .. } => "wrong_trust",
            Self::NoEdge(_) | Self::NoSystemRoots | Self::Compose(_) => "unusable",
        }
    }

    /// The file that is wrong; none where no single one is.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::Read { file, .. }
            | Self::KeyMode { file, .. }
            | Self::Invalid { file, .. }
            | Self::Identity { file, .. }
            | Self::MissingBundle { file, .. }
            | Self::MissingList { file }
            | Self::ExtraBundle { file } => Some(file),
            Self::Trust { .. } | Self::NoEdge(_) | Self::NoSystemRoots | Self::Compose(_) => None,
        }
    }
}
