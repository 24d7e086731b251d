//! What a suite works on: the real estate, and what is known of it.

use std::{
    collections::BTreeSet,
    ffi::OsString,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use http::HeaderMap;
use strata_config::{Environment, dns_name};
use strata_core::{
    Authentication, Category, Clearance, Label, Layer, Principal, Sensitivity, SpiffeId,
};
use strata_estate::{
    Binaries, Estate, Options, Profile, Running, ServiceFolder, TokenRequest, Workspace, build,
};
use strata_testkit::TransactionToken;

use crate::{contracts::Contracts, edge::Edge, launch::Launch};

const PROFILE: Profile = if cfg!(debug_assertions) {
    Profile::Debug
} else {
    Profile::Release
};

/// The folder of the binaries to test in place of those of this repository: `tests/weakened` has some
/// from which a control was taken away.
pub const BINARIES: &str = "STRATA_TESTS_BINARIES";

/// The brand that agents of a suite are of, unless they say otherwise.
pub const TENANT: &str = "teahouse";

/// The binary of the command line.
const TOOL: &str = "strata";

fn built_elsewhere(services: &[ServiceFolder], folder: &Path) -> Binaries {
    let names = services.iter().map(|service| service.binary.as_str());
    let named = names
        .chain([TOOL])
        .map(|name| (name.to_owned(), folder.join(name)));
    Binaries::of(named.collect())
}

/// Tests ask as one user from one address what many ask elsewhere.
fn one_user_stands_for_many() -> Vec<(String, String)> {
    let limits = ["NETWORK", "USER", "WORKLOAD"].into_iter().flat_map(|of| {
        let set =
            |key: &str, value: &str| (format!("STRATA_LIMITS__{of}__{key}"), value.to_owned());
        [set("REQUESTS", "1000000"), set("PER", "10s")]
    });
    limits.collect()
}

/// A running estate.
pub struct Rig {
    /// Every service, as its folder describes it.
    pub services: Vec<ServiceFolder>,
    /// Every method of every contract.
    pub contracts: Contracts,
    /// What runs.
    pub estate: Estate,
    binaries: Binaries,
}

impl Rig {
    /// Builds and starts everything, optimised when the tests are.
    ///
    /// # Errors
    /// When it does not build or start.
    pub async fn start() -> Result<Self> {
        let workspace = Workspace::find()?;
        let services = workspace.services()?;
        let contracts = Contracts::read(&workspace, &services)?;
        let binaries = match std::env::var_os(BINARIES) {
            Some(folder) => built_elsewhere(&services, Path::new(&folder)),
            None => build(&workspace, PROFILE, |_| {}).await?,
        };
        let estate = Estate::start(Options {
            workspace: &workspace,
            binaries: &binaries,
            environment: Environment::Dev,
            settings: &one_user_stands_for_many(),
            edge_port: None,
            progress: &mut |_| {},
        })
        .await?;
        Ok(Self {
            services,
            contracts,
            estate,
            binaries,
        })
    }

    /// Stops everything.
    pub async fn stop(self) {
        self.estate.stop().await;
    }

    /// The services that others call.
    pub fn callees(&self) -> impl Iterator<Item = &Running> {
        let called = |service: &&Running| service.layer.callers().next().is_some();
        self.estate.services().iter().filter(called)
    }

    /// A further process of a service, configured like the one that runs: its material, its store,
    /// its neighbours.
    ///
    /// # Errors
    /// When the estate has no such service.
    pub fn another(&self, service: &str) -> Result<Launch> {
        let running = self.estate.service(service)?;
        let described = self
            .services
            .iter()
            .find(|described| described.folder == running.folder)
            .with_context(|| format!("{service} has no folder"))?;
        let mut launch = Launch::new(self.binaries.path(&described.binary)?, &running.folder)?
            .set("STRATA_TLS__MATERIAL", &running.material);
        if running.layer == Layer::System {
            let mut url = OsString::from("sqlite:");
            url.push(self.store(service)?);
            launch = launch.set("STRATA_DATABASE__URL", url);
        }
        if running.layer == Layer::Experience {
            let name = dns_name(running.layer, Environment::Dev, service);
            launch = launch
                .set("STRATA_TOKENS__ISSUER", self.estate.issuer().url())
                .set("STRATA_TOKENS__AUDIENCE", format!("https://{name}"));
        }
        for edge in described.manifest.edges() {
            let callee = format!("{}/{}", edge.layer, edge.service);
            let callee = self.estate.service(&callee)?;
            launch = launch.upstream(&callee.name, callee.address);
        }
        Ok(launch)
    }

    /// The command line.
    ///
    /// # Errors
    /// When it was not built.
    pub fn tool(&self) -> Result<&Path> {
        self.binaries.path(TOOL)
    }

    /// The same, for a process that one user asks what many ask elsewhere.
    ///
    /// # Errors
    /// When the estate has no such service.
    pub fn another_for_many(&self, service: &str) -> Result<Launch> {
        let settings = one_user_stands_for_many().into_iter();
        Ok(
            settings.fold(self.another(service)?, |launch, (variable, value)| {
                launch.set(variable, value)
            }),
        )
    }

    /// The file of a System API's store.
    ///
    /// # Errors
    /// When the estate has no such service.
    pub fn store(&self, service: &str) -> Result<PathBuf> {
        let log = &self.estate.service(service)?.log;
        Ok(log.with_file_name("data.db"))
    }

    /// An Experience API as its users see it.
    ///
    /// # Errors
    /// When the estate has no such Experience API.
    pub fn edge(&self, service: &str) -> Result<Edge> {
        Ok(Edge::new(
            self.estate.edge_url(service)?,
            self.estate.edge_ca(),
        ))
    }

    /// An access token of a customer, with every scope.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub fn token(&self, customer: &str) -> Result<String> {
        self.token_with(customer, &self.contracts.scopes())
    }

    /// An access token of a customer, with the given scopes.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub fn token_with(&self, customer: &str, scopes: &BTreeSet<String>) -> Result<String> {
        self.sign(customer, &["customer"], (None, None), scopes)
    }

    /// An access token of an agent, with every scope; of no region means of none.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub fn agent_token(&self, region: Option<&str>) -> Result<String> {
        self.agent_token_with(region, &self.contracts.scopes())
    }

    /// An access token of an agent, with the given scopes.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub fn agent_token_with(
        &self,
        region: Option<&str>,
        scopes: &BTreeSet<String>,
    ) -> Result<String> {
        self.sign("agent-7", &["agent"], (region, Some(TENANT)), scopes)
    }

    /// An access token of an agent who supervises others, with every scope.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub fn supervisor_token(&self, region: &str) -> Result<String> {
        self.token_of("agent-1", &["agent", "supervisor"], region)
    }

    /// An access token of any user, with these roles and every scope.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub fn token_of(&self, user: &str, roles: &[&str], region: &str) -> Result<String> {
        self.token_in(user, roles, Some(region), Some(TENANT))
    }

    /// An access token of any user, with these roles and every scope, bound to a region and a tenant or not.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub fn token_in(
        &self,
        user: &str,
        roles: &[&str],
        region: Option<&str>,
        tenant: Option<&str>,
    ) -> Result<String> {
        self.sign(user, roles, (region, tenant), &self.contracts.scopes())
    }

    fn sign(
        &self,
        user: &str,
        roles: &[&str],
        (region, tenant): (Option<&str>, Option<&str>),
        scopes: &BTreeSet<String>,
    ) -> Result<String> {
        let scopes: Vec<&str> = scopes.iter().map(String::as_str).collect();
        self.estate.issuer().token(&TokenRequest {
            username: user.to_owned(),
            scope: scopes.join(" "),
            roles: roles.iter().map(|&role| role.to_owned()).collect(),
            region: region.map(str::to_owned),
            tenant: tenant.map(str::to_owned),
            ..TokenRequest::default()
        })
    }

    /// The transaction token by which `caller` acts for a user: of its own making when it is an Experience
    /// API, and else one that the first Experience API made.
    ///
    /// # Errors
    /// When there is no Experience API, or the token's leaf cannot be signed.
    pub fn transaction_token(
        &self,
        caller: &SpiffeId,
        user: &Principal,
    ) -> Result<TransactionToken> {
        let mut services = self.estate.services().iter();
        let edge = services.find(|service| service.layer == Layer::Experience);
        let requester = match caller.layer() {
            Layer::Experience => caller,
            Layer::Process | Layer::System => &edge.context("there is no Experience API")?.id,
        };
        TransactionToken::honest(self.estate.pki(), requester, user)
    }

    /// Writes for whom `caller` calls.
    ///
    /// # Errors
    /// As for [`Self::transaction_token`].
    pub fn act_for(
        &self,
        user: &Principal,
        caller: &SpiffeId,
        headers: &mut HeaderMap,
    ) -> Result<()> {
        self.transaction_token(caller, user)?.write(headers)
    }

    /// A customer whom no method refuses for want of a scope, a role, a region or a tenant, and who may see all
    /// there is.
    #[must_use]
    pub fn principal(&self, customer: &str) -> Principal {
        Principal {
            subject: customer.to_owned(),
            roles: vec!["customer".to_owned(), "agent".to_owned()],
            scopes: self.contracts.scopes().into_iter().collect(),
            region: Some("uk".to_owned()),
            tenant: Some(TENANT.to_owned()),
            clearance: Clearance(Label::new(Sensitivity::Restricted, &Category::ALL)),
            authentication: Authentication::default(),
        }
    }
}
