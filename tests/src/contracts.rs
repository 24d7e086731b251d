//! Every method of every contract, read from the protos themselves: a new service is tested without
//! a line here.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, ensure};
use prost_reflect::{
    DescriptorPool, DynamicMessage, ExtensionDescriptor, Kind, MethodDescriptor, ReflectMessage,
};
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

/// What the contracts of all services say.
pub struct Contracts {
    methods: BTreeMap<(Layer, String), Vec<Method>>,
    classes: BTreeSet<String>,
}

impl Contracts {
    /// Compiles the protos of every service.
    ///
    /// # Errors
    /// When one does not compile, or a service has no method.
    pub fn read(workspace: &Workspace, services: &[ServiceFolder]) -> Result<Self> {
        let root = workspace.root().join("proto");
        let (mut contracts, mut classes) = (BTreeMap::new(), BTreeSet::new());
        for service in services {
            let (layer, name) = (service.manifest.layer, &service.manifest.name);
            let folder = root.join(layer.as_str()).join(name);
            let pool = compile(&root, &folder)
                .with_context(|| format!("{} has no contract", service.binary))?;
            let methods = methods(&pool)?;
            ensure!(!methods.is_empty(), "{} has no method", service.binary);
            classes.extend(self::classes(&pool)?);
            contracts.insert((layer, name.clone()), methods);
        }
        Ok(Self {
            methods: contracts,
            classes,
        })
    }

    /// The methods of a service.
    #[must_use]
    pub fn methods(&self, layer: Layer, service: &str) -> &[Method] {
        self.methods
            .get(&(layer, service.to_owned()))
            .map_or(&[], Vec::as_slice)
    }

    /// The label of every value some answer can hold, as contracts write it: `INTERNAL PERSONAL`.
    #[must_use]
    pub const fn classes(&self) -> &BTreeSet<String> {
        &self.classes
    }

    /// Every scope any method needs.
    #[must_use]
    pub fn scopes(&self) -> BTreeSet<String> {
        let methods = self.methods.values().flatten();
        methods.flat_map(|method| method.scopes.clone()).collect()
    }
}

fn compile(root: &Path, folder: &Path) -> Result<DescriptorPool> {
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
    let files = compiler.encode_file_descriptor_set();
    Ok(DescriptorPool::decode(files.as_slice())?)
}

fn methods(pool: &DescriptorPool) -> Result<Vec<Method>> {
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

fn classes(pool: &DescriptorPool) -> Result<BTreeSet<String>> {
    let options = pool
        .get_extension_by_name("strata.options.v1.field")
        .context("the annotations are missing")?;
    let methods = pool
        .services()
        .flat_map(|service| service.methods().collect::<Vec<_>>());
    let mut open: Vec<_> = methods.map(|method| method.output()).collect();
    let (mut seen, mut classes) = (BTreeSet::new(), BTreeSet::new());
    while let Some(message) = open.pop() {
        if !seen.insert(message.full_name().to_owned()) {
            continue;
        }
        for field in message.fields() {
            let annotations = field.options();
            let annotations = annotations.get_extension(&options);
            classes.extend(annotations.as_message().and_then(class));
            if let Kind::Message(inner) = field.kind() {
                open.push(inner);
            }
        }
    }
    Ok(classes)
}

/// The label of annotations that state one.
fn class(annotations: &DynamicMessage) -> Option<String> {
    let name = |field: &str, number: i32| {
        let field = ReflectMessage::descriptor(annotations).get_field_by_name(field)?;
        let Kind::Enum(values) = field.kind() else {
            return None;
        };
        Some(values.get_value(number)?.name().to_owned())
    };
    let sensitivity = annotations
        .get_field_by_name("sensitivity")?
        .as_enum_number()?;
    if sensitivity == 0 {
        return None;
    }
    let mut words = vec![name("sensitivity", sensitivity)?];
    let categories = annotations.get_field_by_name("categories")?;
    let categories = categories.as_list()?.iter();
    let categories =
        categories.filter_map(|category| name("categories", category.as_enum_number()?));
    words.extend(categories);
    Some(words.join(" "))
}
