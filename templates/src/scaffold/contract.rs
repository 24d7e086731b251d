//! Reads the contract of a service that is called.

use std::{collections::BTreeSet, fs, path::Path};

use anyhow::{Context as _, Result, anyhow, ensure};
use prost_reflect::{DynamicMessage, FileDescriptor, MethodDescriptor, ReflectMessage as _, Value};
use protox::Compiler;
use strata_core::Layer;
use strata_estate::Workspace;

/// A method, and the version of the contract it stands in.
pub(super) struct Found {
    /// `v1`.
    pub(super) version: String,
    /// The method.
    pub(super) method: MethodDescriptor,
}

/// The method of a service's contract, of the newest version that has it.
pub(super) fn method(
    workspace: &Workspace,
    layer: Layer,
    service: &str,
    name: &str,
) -> Result<Found> {
    let proto = workspace.root().join("proto");
    let folder = proto.join(layer.as_str()).join(service);
    let mut known = BTreeSet::new();
    for version in versions(&folder)? {
        let files = compile(&proto, &folder.join(&version))
            .with_context(|| format!("the contract of {layer}-{service} cannot be compiled"))?;
        let services = files.iter().flat_map(FileDescriptor::services);
        for method in services.flat_map(|service| service.methods().collect::<Vec<_>>()) {
            if method.name() == name {
                check(&method)?;
                return Ok(Found { version, method });
            }
            known.insert(method.name().to_owned());
        }
    }
    let known: Vec<_> = known.into_iter().collect();
    Err(anyhow!(
        "{layer}-{service} has no method {name}: use one of {}, or add it to its contract first",
        known.join(", ")
    ))
}

/// A template calls a method once and waits for its answer.
fn check(method: &MethodDescriptor) -> Result<()> {
    let name = method.name();
    ensure!(
        !method.is_client_streaming() && !method.is_server_streaming(),
        "{name} streams, which no template does: leave it out and add the call by hand"
    );
    let options = method.method_descriptor_proto().options.as_ref();
    ensure!(
        !options.is_some_and(prost_reflect::prost_types::MethodOptions::deprecated),
        "{name} is deprecated: call what replaces it"
    );
    Ok(())
}

/// The versions of a contract, newest first.
fn versions(folder: &Path) -> Result<Vec<String>> {
    let unreadable = || format!("{} cannot be read", folder.display());
    let mut versions: Vec<(u16, String)> = Vec::new();
    for entry in fs::read_dir(folder).with_context(unreadable)? {
        let name = entry.with_context(unreadable)?.file_name();
        let name = name.to_string_lossy();
        if let Some(number) = name.strip_prefix('v').and_then(|text| text.parse().ok()) {
            versions.push((number, name.into_owned()));
        }
    }
    versions.sort_unstable_by(|a, b| b.cmp(a));
    Ok(versions.into_iter().map(|(_, name)| name).collect())
}

fn compile(proto: &Path, version: &Path) -> Result<Vec<FileDescriptor>> {
    let mut compiler = Compiler::new([proto.to_owned(), proto.join("options")])?;
    compiler.include_imports(true).include_source_info(true);
    let mut names = Vec::new();
    for entry in fs::read_dir(version)? {
        let file = entry?.path();
        if file
            .extension()
            .is_some_and(|extension| extension == "proto")
        {
            // `Debug` of this error says file, line and column.
            compiler
                .open_file(&file)
                .map_err(|error| anyhow!("{error:?}"))?;
            names.push(file.strip_prefix(proto)?.display().to_string());
        }
    }
    names.sort_unstable();
    let pool = compiler.descriptor_pool();
    Ok(names
        .iter()
        .filter_map(|name| pool.get_file_by_name(name))
        .collect())
}

/// The comment above an element, line by line; never empty.
pub(super) fn comment(file: &FileDescriptor, path: &[i32], name: &str) -> Vec<String> {
    let info = file.file_descriptor_proto().source_code_info.as_ref();
    let location = info.and_then(|info| info.location.iter().find(|at| at.path == path));
    match location.and_then(|location| location.leading_comments.as_deref()) {
        Some(text) => text
            .lines()
            .map(|line| line.trim_end().to_owned())
            .collect(),
        None => vec![format!(" `{name}`.")],
    }
}

/// What `(strata.options.v1.*)` says of an element.
pub(super) struct Annotations(Option<DynamicMessage>);

impl Annotations {
    /// Reads them from the element's options; `kind` is `field`, `message` or `method`.
    pub(super) fn of(options: &DynamicMessage, kind: &str) -> Self {
        let pool = options.descriptor().parent_pool().clone();
        let extension = pool.get_extension_by_name(&format!("strata.options.v1.{kind}"));
        let value = extension.map(|extension| options.get_extension(&extension).into_owned());
        Self(value.and_then(|value| value.as_message().cloned()))
    }

    /// A text; empty when nothing is said.
    pub(super) fn text(&self, name: &str) -> String {
        let value = self.value(name);
        value
            .and_then(|v| v.as_str().map(str::to_owned))
            .unwrap_or_default()
    }

    /// Whether it is so.
    pub(super) fn flag(&self, name: &str) -> bool {
        self.value(name)
            .and_then(|value| value.as_bool())
            .unwrap_or_default()
    }

    /// A count; 0 when nothing is said.
    pub(super) fn count(&self, name: &str) -> u64 {
        self.value(name)
            .and_then(|value| value.as_u64().or(value.as_u32().map(u64::from)))
            .unwrap_or_default()
    }

    /// The names of what an enum, or a list of enums, says; none for its zero.
    pub(super) fn words(&self, name: &str) -> Vec<String> {
        let numbers: Vec<i32> = match self.value(name) {
            Some(Value::EnumNumber(number)) => vec![number],
            Some(Value::List(list)) => list.iter().filter_map(Value::as_enum_number).collect(),
            _ => Vec::new(),
        };
        let field = self
            .0
            .as_ref()
            .and_then(|m| m.descriptor().get_field_by_name(name));
        let kind = field.map(|field| field.kind());
        let values = kind.as_ref().and_then(prost_reflect::Kind::as_enum);
        let named = |number: i32| {
            values?
                .get_value(number)
                .map(|value| value.name().to_owned())
        };
        numbers
            .into_iter()
            .filter(|n| *n != 0)
            .filter_map(named)
            .collect()
    }

    /// What a message says.
    pub(super) fn inner(&self, name: &str) -> Self {
        Self(
            self.value(name)
                .and_then(|value| value.as_message().cloned()),
        )
    }

    /// What a list of texts says.
    pub(super) fn texts(&self, name: &str) -> Vec<String> {
        let texts = self.value(name).and_then(|value| {
            let list = value.as_list()?.iter();
            Some(
                list.filter_map(|text| Some(text.as_str()?.to_owned()))
                    .collect(),
            )
        });
        texts.unwrap_or_default()
    }

    fn value(&self, name: &str) -> Option<Value> {
        Some(self.0.as_ref()?.get_field_by_name(name)?.into_owned())
    }
}
