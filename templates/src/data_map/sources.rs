//! What the map is made from: every contract, who is granted what, and what each role may see.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use strata_codegen::model::{Combination, Field, Message, Method, Model};
use strata_config::Manifest;
use strata_core::{Clearance, Label, Layer, masking::Mask};
use strata_estate::Workspace;
use strata_policy::{CallerEntry, CallersFile, Roles};

/// The estate as its documents declare it.
pub(super) struct Sources {
    /// Callees before their callers.
    pub(super) services: Vec<Service>,
    /// What kinds of value amount to together.
    pub(super) combinations: Vec<Combination>,
    /// Where each message is: which service, and which of its messages.
    places: BTreeMap<String, (usize, usize)>,
}

/// One service.
pub(super) struct Service {
    pub(super) manifest: Manifest,
    pub(super) contract: Model,
    /// Who may call it; empty for an Experience API.
    pub(super) callers: Vec<CallerEntry>,
    /// What each role of a user may see; empty for any other.
    pub(super) roles: BTreeMap<String, Clearance>,
}

/// A value of a message, at whatever depth.
pub(super) struct Value<'a> {
    /// From the message, `orders.lines.sku`.
    pub(super) path: String,
    /// Fully qualified, `system.orders.v1.OrderLine.sku`.
    pub(super) name: String,
    pub(super) label: Label,
    pub(super) field: &'a Field,
}

/// A method a service may call, and what it may be answered.
pub(super) struct Call<'a> {
    pub(super) callee: &'a Service,
    pub(super) method: &'a Method,
    pub(super) clearance: Clearance,
}

impl Service {
    /// `<layer>-<name>`.
    pub(super) fn id(&self) -> String {
        format!("{}-{}", self.manifest.layer, self.manifest.name)
    }

    /// How a method is told from those of the same name in other versions: `ListOrders (v1)`, and
    /// `ListOrders` where there is one version.
    pub(super) fn title(&self, method: &Method) -> String {
        match self.contract.versions.as_slice() {
            [_] => method.name.clone(),
            _ => format!("{} ({})", method.name, method.version),
        }
    }

    /// What `caller` is granted here.
    fn granted(&self, caller: &Self) -> Option<&CallerEntry> {
        let is = |entry: &&CallerEntry| {
            entry.layer == caller.manifest.layer && entry.service == caller.manifest.name
        };
        self.callers.iter().find(is)
    }
}

impl Sources {
    /// Reads them all.
    pub(super) fn read(workspace: &Workspace) -> Result<Self> {
        let proto = workspace.root().join("proto");
        let mut services: Vec<Service> = Vec::new();
        for found in workspace.services()? {
            let layer = found.manifest.layer;
            let folder = proto.join(layer.as_str()).join(&found.manifest.name);
            let roles = match layer {
                Layer::Experience => Roles::load(&found.folder.join("policy").join("roles.toml"))?,
                Layer::System | Layer::Process => Roles::default(),
            };
            let roles = roles.iter().map(|(name, may)| (name.to_owned(), may));
            services.push(Service {
                contract: strata_codegen::read(&folder)?,
                callers: CallersFile::load(&found.callers_file(), layer)?.callers,
                roles: roles.collect(),
                manifest: found.manifest,
            });
        }
        let mut places = BTreeMap::new();
        for (service, found) in services.iter().enumerate() {
            for (at, message) in found.contract.messages.iter().enumerate() {
                places.insert(message.name.clone(), (service, at));
            }
        }
        Ok(Self {
            services,
            places,
            combinations: strata_codegen::combinations(&proto)?,
        })
    }

    /// A message, by its full name, and whose it is.
    pub(super) fn message(&self, name: &str) -> Option<(&Service, &Message)> {
        let (service, message) = self.places.get(name)?;
        let service = self.services.get(*service)?;
        Some((service, service.contract.messages.get(*message)?))
    }

    /// Every value of a message, by its path; a message within itself once. Only what is stored with it
    /// where `record` says so.
    pub(super) fn values<'a>(&'a self, message: &'a Message, record: bool) -> Vec<Value<'a>> {
        let mut values = Vec::new();
        let mut open = std::collections::VecDeque::from([(String::new(), message, Vec::new())]);
        while let Some((prefix, message, around)) = open.pop_front() {
            let around = [around.as_slice(), &[message.name.as_str()]].concat();
            for field in &message.fields {
                let path = format!("{prefix}{}", field.name);
                let held = field.holds.as_deref().and_then(|name| self.message(name));
                if let Some((_, inner)) = held
                    && (!record || inner.stored_in.is_empty())
                    && !around.contains(&inner.name.as_str())
                {
                    open.push_back((format!("{path}."), inner, around.clone()));
                }
                if let Some(label) = field.label {
                    let name = format!("{}.{}", message.name, field.name);
                    values.push(Value {
                        path,
                        name,
                        label,
                        field,
                    });
                }
            }
        }
        values
    }

    /// What a method of `caller` may call: what service.toml declares, the callee grants, and the
    /// method's own scopes are enough for. No document says which of them it does call.
    pub(super) fn calls<'a>(&'a self, caller: &'a Service, method: &Method) -> Vec<Call<'a>> {
        let mut calls = Vec::new();
        for declared in caller.manifest.edges() {
            let callee = self.services.iter().find(|service| {
                service.manifest.name == declared.service
                    && service.manifest.layer == declared.layer
            });
            let Some((callee, entry)) =
                callee.and_then(|callee| Some((callee, callee.granted(caller)?)))
            else {
                continue;
            };
            let may = |called: &&Method| {
                declared.methods.contains(&called.name)
                    && entry.methods.contains(&called.name)
                    && called
                        .scopes
                        .iter()
                        .all(|scope| method.scopes.contains(scope))
            };
            let methods = callee.contract.methods.iter().filter(may);
            calls.extend(methods.map(|method| Call {
                callee,
                method,
                clearance: entry.clearance,
            }));
        }
        calls
    }

    /// What of a message is masked for `clearance`: each value's name, and by what.
    pub(super) fn masked(&self, message: &str, clearance: Clearance) -> BTreeMap<String, Mask> {
        let Some((_, message)) = self.message(message) else {
            return BTreeMap::new();
        };
        let beyond = |combination: &&Combination| !clearance.covers(combination.label);
        let hidden: BTreeSet<&String> = message
            .combinations
            .iter()
            .filter(beyond)
            .flat_map(|combination| &combination.kinds)
            .collect();
        self.values(message, false)
            .into_iter()
            .filter(|value| !clearance.covers(value.label) || hidden.contains(&value.field.kind))
            .map(|value| (value.name, value.field.mask))
            .collect()
    }

    /// The most of a message that passes to `clearance`.
    pub(super) fn passing(&self, message: &str, clearance: Clearance) -> Label {
        let Some((_, message)) = self.message(message) else {
            return Label::default();
        };
        let values = self.values(message, false).into_iter();
        let labels = values.map(|value| value.label);
        let combined = message.combinations.iter().map(|it| it.label);
        labels
            .chain(combined)
            .filter(|label| clearance.covers(*label))
            .fold(Label::default(), Label::join)
    }

    /// The values of the System layer that a value is made from, itself where it is one.
    pub(super) fn origins(&self, name: &str) -> BTreeSet<String> {
        let mut origins = BTreeSet::new();
        let mut seen = BTreeSet::new();
        let mut open = vec![name.to_owned()];
        while let Some(name) = open.pop() {
            let Some((service, field)) = self.field(&name) else {
                continue;
            };
            if !seen.insert(name.clone()) {
                continue;
            }
            open.extend(field.from.iter().cloned());
            if service.manifest.layer == Layer::System {
                origins.insert(name);
            }
        }
        origins
    }

    /// A field by its full name, and whose it is.
    pub(super) fn field(&self, name: &str) -> Option<(&Service, &Field)> {
        let (message, name) = name.rsplit_once('.')?;
        let (service, message) = self.message(message)?;
        let field = message.fields.iter().find(|field| field.name == name)?;
        Some((service, field))
    }
}
