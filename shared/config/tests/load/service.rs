//! A service folder to load from.

use std::{fs, path::Path};

use strata_config::{Config, Environment, Manifest};
use tempfile::TempDir;

/// A value no error and no log may ever repeat.
pub(crate) const SECRET: &str = "hunter2";

pub(crate) struct Service {
    pub(crate) folder: TempDir,
    manifest: Manifest,
}

impl Service {
    pub(crate) fn new(layer: &str, base: &str) -> Self {
        let calls = match layer {
            "system" => "",
            _ => "[[calls]]\nservice = 'order-book'\nmethods = ['GetOrder']\n",
        };
        let text = format!(
            "name = 'sample'\nlayer = '{layer}'\nowner = 'team'\ndescription = 'Sample.'\n{calls}"
        );
        let manifest = Manifest::parse(&text, Path::new("service.toml")).unwrap();
        let service = Self {
            folder: tempfile::tempdir().unwrap(),
            manifest,
        };
        fs::create_dir(service.folder.path().join("config")).unwrap();
        service
            .with("base", base)
            .with("dev", "")
            .with("test", "")
            .with("staging", "")
            .with("prod", "")
    }

    pub(crate) fn with(self, file: &str, text: &str) -> Self {
        fs::write(self.folder.path().join(format!("config/{file}.toml")), text).unwrap();
        self
    }

    pub(crate) fn load(
        &self,
        environment: Environment,
        variables: &[(&str, &str)],
    ) -> Result<Config, String> {
        let variables = variables
            .iter()
            .map(|(name, text)| ((*name).into(), (*text).into()));
        let prefix = format!("{}/", self.folder.path().display());
        Config::load(self.folder.path(), &self.manifest, environment, variables).map_err(|error| {
            let text = error.to_string().replace(&prefix, "");
            assert!(!text.contains(SECRET), "an error repeats a value: {text}");
            text
        })
    }

    pub(crate) fn dev(&self) -> Result<Config, String> {
        self.load(Environment::Dev, &[])
    }

    pub(crate) fn problem(&self, variables: &[(&str, &str)]) -> String {
        self.load(Environment::Dev, variables).unwrap_err()
    }
}
