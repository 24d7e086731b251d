//! Which networks may connect to which listener: policy/networks.toml of every service.
//!
//! ```toml
//! [listen]
//! allow = ["10.0.0.0/8", "fc00::/7"]
//! block = ["10.66.0.0/16"]
//!
//! [admin]
//! allow = ["127.0.0.0/8", "::1/128"]
//!
//! [prod.listen]
//! allow = ["10.1.0.0/16"]
//! ```
//!
//! A listener's lists of an environment stand in place of its general ones.

use std::path::Path;

use ipnet::IpNet;
use serde::Deserialize;
use strata_config::{Document, Environment, Problem};

use crate::{
    PolicyError,
    document::{checked, read},
};

/// The lists of one listener. What is not allowed may not connect, and what is blocked may not
/// although it is allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkLists {
    /// Networks that may connect; none lets nobody in.
    pub allow: Vec<IpNet>,
    /// Networks within these that may not.
    pub block: Vec<IpNet>,
}

/// The lists of each listener of a service, in its environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenerNetworks {
    /// Of `listen.address`.
    pub listen: NetworkLists,
    /// Of `admin.address`.
    pub admin: NetworkLists,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Paper {
    listen: Lists,
    admin: Lists,
    #[serde(default)]
    dev: Overrides,
    #[serde(default)]
    test: Overrides,
    #[serde(default)]
    staging: Overrides,
    #[serde(default)]
    prod: Overrides,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Overrides {
    listen: Option<Lists>,
    admin: Option<Lists>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Lists {
    allow: Vec<String>,
    #[serde(default)]
    block: Vec<String>,
}

impl Paper {
    const fn overrides(&self, environment: Environment) -> &Overrides {
        match environment {
            Environment::Dev => &self.dev,
            Environment::Test => &self.test,
            Environment::Staging => &self.staging,
            Environment::Prod => &self.prod,
        }
    }
}

impl ListenerNetworks {
    /// Reads the file for `environment`. All of it is checked, whatever the environment.
    ///
    /// # Errors
    /// [`PolicyError`] naming file, line and key of everything that is wrong.
    pub fn load(file: &Path, environment: Environment) -> Result<Self, PolicyError> {
        let document: Document<Paper> = read(file)?;
        let paper = &document.value;
        let mut problems = Vec::new();
        let mut lists = |path: &[&str], lists: &Lists| NetworkLists {
            allow: networks(
                &document,
                &[path, &["allow"]].concat(),
                &lists.allow,
                &mut problems,
            ),
            block: networks(
                &document,
                &[path, &["block"]].concat(),
                &lists.block,
                &mut problems,
            ),
        };
        let mut found = Self {
            listen: lists(&["listen"], &paper.listen),
            admin: lists(&["admin"], &paper.admin),
        };
        for each in Environment::ALL {
            let overrides = paper.overrides(each);
            let listen = overrides.listen.as_ref();
            let listen = listen.map(|it| lists(&[each.as_str(), "listen"], it));
            let admin = overrides.admin.as_ref();
            let admin = admin.map(|it| lists(&[each.as_str(), "admin"], it));
            if each == environment {
                found.listen = listen.unwrap_or(found.listen);
                found.admin = admin.unwrap_or(found.admin);
            }
        }
        checked(found, problems)
    }
}

/// The networks of a list. One with host bits is a mistake: whether the host or its network was meant
/// cannot be known.
fn networks(
    document: &Document<Paper>,
    path: &[&str],
    texts: &[String],
    problems: &mut Vec<Problem>,
) -> Vec<IpNet> {
    let mut networks = Vec::with_capacity(texts.len());
    for (at, text) in texts.iter().enumerate() {
        let wrong = match text.parse::<IpNet>() {
            Ok(IpNet::V6(network)) if network.addr().to_ipv4_mapped().is_some() => {
                "is IPv4 in IPv6's clothes: write one such as 10.0.0.0/8".to_owned()
            }
            Ok(network) if network == network.trunc() => {
                networks.push(network);
                continue;
            }
            Ok(network) => format!(
                "'{network}' has host bits: write {} or {}",
                network.trunc(),
                IpNet::from(network.addr())
            ),
            Err(_) => "is no network: write one such as 10.0.0.0/8".to_owned(),
        };
        let at = at.to_string();
        problems.push(document.problem(&[path, &[&at]].concat(), wrong));
    }
    networks
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const GOOD: &str = "[listen]\nallow = ['10.0.0.0/8', '::/0']\nblock = [\n '10.66.0.0/16',\n]\n\
        [admin]\nallow = ['127.0.0.0/8']\n[prod.listen]\nallow = ['10.1.0.0/16']\n";

    fn load(text: &str, environment: Environment) -> Result<ListenerNetworks, String> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("networks.toml");
        fs::write(&file, text).unwrap();
        let prefix = format!("{}/", folder.path().display());
        ListenerNetworks::load(&file, environment)
            .map_err(|error| error.to_string().replace(&prefix, ""))
    }

    #[test]
    fn an_environments_lists_stand_in_place_of_the_general_ones() {
        let dev = load(GOOD, Environment::Dev).unwrap();
        assert_eq!(dev.listen.allow.len(), 2);
        assert_eq!(dev.listen.block, ["10.66.0.0/16".parse().unwrap()]);
        let prod = load(GOOD, Environment::Prod).unwrap();
        assert_eq!(prod.listen.allow, ["10.1.0.0/16".parse().unwrap()]);
        assert!(prod.listen.block.is_empty());
        assert_eq!(prod.admin, dev.admin);
    }

    #[test]
    fn mistakes_are_named_with_line_and_remedy() {
        let changed =
            |from: &str, to: &str| load(&GOOD.replace(from, to), Environment::Dev).unwrap_err();
        assert_eq!(
            changed("10.66.0.0/16", "10.66.0.1/16"),
            "networks.toml:4: '10.66.0.1/16' has host bits: write 10.66.0.0/16 or 10.66.0.1/32"
        );
        // Addresses are compared as IPv4 ones: it would block nobody.
        assert_eq!(
            changed("10.66.0.0/16", "::ffff:10.66.0.0/112"),
            "networks.toml:4: is IPv4 in IPv6's clothes: write one such as 10.0.0.0/8"
        );
        // Of another environment too.
        assert_eq!(
            changed("10.1.0.0/16", "10.1.0.0"),
            "networks.toml:9: is no network: write one such as 10.0.0.0/8"
        );
        assert_eq!(
            changed("block", "blocked"),
            "networks.toml:3: unknown key 'listen.blocked'; did you mean 'block'?"
        );
        assert_eq!(
            changed("[admin]\nallow = ['127.0.0.0/8']\n", ""),
            "networks.toml: key 'admin' is missing"
        );
    }
}
