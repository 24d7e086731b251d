//! Why a service does not start.

use std::{error::Error, io, net::SocketAddr, path::PathBuf};

use strata_core::Layer;

/// Any error of a service's own `build`.
pub type BuildError = Box<dyn Error + Send + Sync>;

/// Why a service does not start: one sentence that says what to do.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// `--folder` is not a folder.
    #[error("cannot enter `{folder}`: give the service's own folder with --folder")]
    Folder {
        /// What was given.
        folder: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// STRATA_ENV is missing or unknown.
    #[error(transparent)]
    Environment(#[from] strata_config::EnvironmentError),
    /// service.toml or the configuration is wrong.
    #[error(transparent)]
    Config(#[from] strata_config::ConfigError),
    /// Code and service.toml disagree about the layer.
    #[error("service.toml says layer `{declared}`, the code builds a {built} API: make them agree")]
    Layer {
        /// What service.toml says.
        declared: Layer,
        /// What `build` is typed for.
        built: Layer,
    },
    /// The contract served is not this service's.
    #[error(
        "service.toml names `{declared}`, the contract is that of `{contract}`: serve your own"
    )]
    Contract {
        /// What service.toml says.
        declared: String,
        /// Whose contract it is.
        contract: &'static str,
    },
    /// A client was asked for that service.toml does not declare.
    #[error("`{callee}` is not declared: add it to [[calls]] in service.toml")]
    UndeclaredCall {
        /// The service asked for.
        callee: &'static str,
    },
    /// A client was asked for that the rule of the layers forbids and service.toml does not exempt.
    #[error(
        "the {caller} layer may not call `{callee}`: ask the layer below for it, or have an exemption \
         agreed with its owner: [[exemptions]] in service.toml with layer = \"{layer}\", service = \
         \"{callee}\", methods, reason, owner and expires"
    )]
    NotExempted {
        /// The layer that asks.
        caller: Layer,
        /// The service asked for.
        callee: &'static str,
        /// Its layer.
        layer: Layer,
    },
    /// The name does not make a SPIFFE ID.
    #[error(transparent)]
    Identity(#[from] strata_core::spiffe::SpiffeError),
    /// Certificates, keys or bundles are wrong.
    #[error(transparent)]
    Material(#[from] strata_tls::MaterialError),
    /// A file of policy/ is wrong.
    #[error(transparent)]
    Policy(#[from] strata_policy::PolicyError),
    /// The Redis that shares quotas has no address.
    #[error(transparent)]
    Redis(#[from] strata_limits::RedisError),
    /// The service's policies cannot be used, or permit nobody a method.
    #[error(transparent)]
    Guard(#[from] strata_guard::GuardError),
    /// The audit trail cannot be kept.
    #[error(transparent)]
    Audit(#[from] strata_audit::AuditError),
    /// A channel cannot be made.
    #[error(transparent)]
    Net(#[from] strata_net::NetError),
    /// Telemetry cannot start.
    #[error(transparent)]
    Telemetry(#[from] strata_telemetry::TelemetryError),
    /// The port is taken or not ours to take.
    #[error("cannot listen on {address} ({key}): {source}")]
    Listen {
        /// The configuration key.
        key: &'static str,
        /// Its value.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// The announcement cannot be written.
    #[error("cannot write `{file}`: give --announce a file in a folder this user may write")]
    Announce {
        /// The file.
        file: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The async runtime or a signal handler cannot be set up.
    #[error("cannot set up the runtime: {0}")]
    Runtime(io::Error),
    /// The service's own code refused.
    #[error("{0}")]
    Build(BuildError),
}
