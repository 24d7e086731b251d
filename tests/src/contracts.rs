//! Every method of every contract, read from the protos themselves: a new service is tested without
//! a line here.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, ensure};
use prost_reflect::{DescriptorPool, ExtensionDescriptor, MethodDescriptor};
use protox::Compiler;
use strata_core::Layer;
use strata_estate::{ServiceFolder, Workspace};
use walkdir::WalkDir;

/// A method of a contract.
#[derive(Clone, Debug)]
pub struct Method {
    /// `GetCustomer`.
    pub name: String,
    /// `/system.customers.v1.CustomersService/GetCustomer`.
    pub path: String,
    /// The scopes its user's token needs.
    pub scopes: BTreeSet<String>,
}

/// The methods of each service.
pub struct Contracts(BTreeMap<(Layer, String), Vec<Method>>);

impl Contracts {
    /// Compiles the protos of every service.
    ///
    /// # Errors
    /// When one does not compile, or a service has no method.
    pub fn read(workspace: &Workspace, services: &[ServiceFolder]) -> Result<Self> {
        let root = workspace.root().join("proto");
        let contracts = services.iter().map(|service| {
            let (layer, name) = (service.manifest.layer, &service.manifest.name);
            let folder = root.join(layer.as_str()).join(name);
            let methods = methods(&root, &folder)
                .with_context(|| format!("{} has no contract", service.binary))?;
            ensure!(!methods.is_empty(), "{} has no method", service.binary);
            Ok(((layer, name.clone()), methods))
        });
        Ok(Self(contracts.collect::<Result<_>>()?))
    }

    /// The methods of a service.
    #[must_use]
    pub fn methods(&self, layer: Layer, service: &str) -> &[Method] {
        self.0
            .get(&(layer, service.to_owned()))
            .map_or(&[], Vec::as_slice)
    }

    /// Every scope any method needs.
    #[must_use]
    pub fn scopes(&self) -> BTreeSet<String> {
        let methods = self.0.values().flatten();
        methods.flat_map(|method| method.scopes.clone()).collect()
    }
}

fn methods(root: &Path, folder: &Path) -> Result<Vec<Method>> {
    let files = WalkDir::new(folder)
        .into_iter()
        .collect::<Result<Vec<_>, _>>()?;
    let protos = files.into_iter().map(walkdir::DirEntry::into_path);
    let protos: Vec<PathBuf> = protos
        .filter(|file| {
            file.extension()
                .is_some_and(|extension| extension == "proto")
        })
        .collect();
    let mut compiler = Compiler::new([root.to_owned(), root.join("options")])?;
    compiler.include_imports(true).open_files(&protos)?;
    let pool = DescriptorPool::decode(compiler.encode_file_descriptor_set().as_slice())?;
    let options = pool
        .get_extension_by_name("strata.options.v1.method")
        .context("the annotations are missing")?;
    Ok(pool
        .services()
        .flat_map(|service| service.methods().collect::<Vec<_>>())
        .map(|method| describe(&method, &options))
        .collect())
}

fn describe(method: &MethodDescriptor, options: &ExtensionDescriptor) -> Method {
    let annotations = method.options();
    let annotations = annotations.get_extension(options);
    let scopes = annotations
        .as_message()
        .and_then(|message| message.get_field_by_name("scope"));
    let scopes = scopes.as_ref().and_then(|scopes| scopes.as_str());
    let scopes = scopes.unwrap_or_default().split_whitespace();
    Method {
        name: method.name().to_owned(),
        path: format!("/{}/{}", method.parent_service().full_name(), method.name()),
        scopes: scopes.map(str::to_owned).collect(),
    }
}
