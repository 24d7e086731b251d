//! What a service that calls others is made of: clients, and one method for each it passes on.

use std::collections::BTreeSet;

use heck::{ToKebabCase as _, ToUpperCamelCase as _};
use prost_reflect::{FieldDescriptor, Kind, MethodDescriptor};
use serde::Serialize;
use strata_core::{Label, Layer};

use super::{
    contract::{Annotations, Found, comment},
    label,
    mirror::{Enum, Message, Mirror, Origin, converter},
    names,
};

/// A service of the layer below and the methods called there.
pub(super) struct Callee {
    /// Its name.
    pub(super) name: String,
    /// The methods, in the order asked for.
    pub(super) methods: Vec<Found>,
}

impl Callee {
    pub(super) fn has(&self, found: &Found) -> bool {
        self.methods
            .iter()
            .any(|known| known.method == found.method)
    }
}

/// What the templates of a calling service see.
#[derive(Serialize)]
pub(super) struct Calling {
    clients: Vec<Client>,
    methods: Vec<Method>,
    messages: Vec<Message>,
    enums: Vec<Enum>,
    imports: BTreeSet<String>,
    /// Whether a callee's method takes or returns a well-known type.
    well_known: bool,
    /// What is passed on, of each callee.
    #[serde(skip)]
    pub(super) labels: Vec<Label>,
    /// The most its methods may return or are sent, of each callee.
    #[serde(skip)]
    pub(super) clearances: Vec<Label>,
}

/// A client of one version of a callee's contract.
#[derive(Serialize)]
struct Client {
    /// `customers_v1`: its field, and the module of the contract.
    name: String,
    module: String,
    kind: String,
    /// Whether a request or an answer is of that contract.
    named: bool,
}

/// A policy of the new service.
#[derive(Serialize)]
pub(super) struct Permit {
    id: &'static str,
    principal: &'static str,
    actions: Vec<String>,
}

/// A method of the new service.
#[derive(Serialize)]
struct Method {
    name: String,
    /// The name in types.
    kind: String,
    rust: String,
    comment: Vec<String>,
    callee: CalleeMethod,
    arguments: Vec<Argument>,
    /// Whether the arguments are all the request has.
    complete: bool,
    /// Whether anything of the own request is passed on.
    passed: bool,
    /// Whether the signed-in user stands in for a field of the callee's request.
    own_subject: bool,
    convert: String,
    route: String,
    scope: String,
    purpose: String,
    ceiling: String,
    resource: String,
    idempotent: bool,
    max_records: u64,
    audit: String,
}

#[derive(Serialize)]
struct CalleeMethod {
    client: String,
    rust: String,
    request: String,
    response: String,
}

#[derive(Serialize)]
struct Argument {
    field: String,
    value: String,
}

impl Calling {
    /// The names of its methods, and every scope that any of them needs.
    pub(super) fn methods_and_scopes(&self) -> (Vec<String>, BTreeSet<String>) {
        let scopes = self.methods.iter();
        let scopes = scopes.flat_map(|method| method.scope.split_ascii_whitespace());
        (
            self.methods.iter().map(|it| it.name.clone()).collect(),
            scopes.map(str::to_owned).collect(),
        )
    }

    /// Who may call the methods, those of a service that calls nothing being `own` alone: users, and
    /// workloads where a method acts for no user.
    pub(super) fn permits(&self, layer: Layer, own: &str) -> Vec<Permit> {
        let for_nobody = |method: &&Method| layer != Layer::Experience && method.scope.is_empty();
        let named = |method: &Method| method.name.clone();
        let (workloads, users): (Vec<_>, Vec<_>) = self.methods.iter().partition(for_nobody);
        let mut users: Vec<_> = users.into_iter().map(named).collect();
        if self.methods.is_empty() {
            users.push(own.to_owned());
        }
        let permits = [
            ("users-call-its-methods", "User", users),
            (
                "workloads-call-its-methods",
                "Workload",
                workloads.into_iter().map(named).collect(),
            ),
        ];
        let some = permits
            .into_iter()
            .filter(|(.., actions)| !actions.is_empty());
        some.map(|(id, principal, actions)| Permit {
            id,
            principal,
            actions,
        })
        .collect()
    }

    /// The service `name` of `layer`, calling `callees`.
    pub(super) fn new(layer: Layer, name: &str, callees: &[Callee]) -> Self {
        let titles = titles(callees);
        let mut builder = Builder {
            layer,
            service: name,
            mirror: Mirror::default(),
            paths: BTreeSet::new(),
        };
        for title in &titles {
            builder.mirror.reserve(format!("{title}Request"));
            builder.mirror.reserve(format!("{title}Response"));
        }
        let mut titles = titles.into_iter();
        let (mut methods, mut labels, mut clearances) = (Vec::new(), Vec::new(), Vec::new());
        let mut clients: Vec<Client> = Vec::new();
        for callee in callees {
            let (mut passed_on, mut handled) = (Label::default(), Label::default());
            for (found, title) in callee.methods.iter().zip(titles.by_ref()) {
                let client = Client::of(layer, callee, found);
                let (method, label, sent) = builder.method(callee, found, title, &client);
                passed_on = passed_on.join(label);
                let annotations = Annotations::of(&found.method.options(), "method");
                let returned = label::stated(&annotations.inner("ceiling"));
                handled = handled.join(returned).join(sent);
                let named = method.callee.names(&client.name);
                methods.push(method);
                match clients.iter_mut().find(|known| known.name == client.name) {
                    Some(known) => known.named |= named,
                    None => clients.push(Client { named, ..client }),
                }
            }
            labels.push(passed_on);
            clearances.push(handled);
        }
        let Mirror {
            messages,
            enums,
            imports,
            ..
        } = builder.mirror;
        Self {
            well_known: methods
                .iter()
                .any(|method| method.callee.names(names::WELL_KNOWN_CRATE)),
            clients,
            methods,
            messages,
            enums,
            imports,
            labels,
            clearances,
        }
    }
}

impl CalleeMethod {
    /// Whether its request or answer is a type of this crate or module.
    fn names(&self, module: &str) -> bool {
        let types = [&self.request, &self.response];
        types
            .iter()
            .any(|path| path.split("::").next() == Some(module))
    }
}

impl Client {
    fn of(layer: Layer, callee: &Callee, found: &Found) -> Self {
        let below = layer.callees().map(Layer::as_str).collect::<String>();
        let snake = callee.name.replace('-', "_");
        let version = &found.version;
        Self {
            name: format!("{snake}_{version}"),
            module: format!("proto_{below}_{snake}::{version}"),
            kind: format!("{}Client", found.method.parent_service().name()),
            named: false,
        }
    }
}

/// The names of the new methods: those of the callees' own, told apart where two have one.
fn titles(callees: &[Callee]) -> Vec<String> {
    let mut taken = BTreeSet::new();
    let mut titles = Vec::new();
    for callee in callees {
        for Found { method, .. } in &callee.methods {
            let mut title = method.name().to_owned();
            while !taken.insert(title.clone()) {
                title = format!("{title}Of{}", callee.name.to_upper_camel_case());
            }
            titles.push(title);
        }
    }
    titles
}

struct Builder<'a> {
    layer: Layer,
    service: &'a str,
    mirror: Mirror,
    /// The paths of the routes so far.
    paths: BTreeSet<String>,
}

impl Builder<'_> {
    fn method(
        &mut self,
        callee: &Callee,
        Found { method, .. }: &Found,
        title: String,
        client: &Client,
    ) -> (Method, Label, Label) {
        let origin = Origin {
            service: &callee.name.to_upper_camel_case(),
            module: &client.name,
        };
        let annotations = Annotations::of(&method.options(), "method");
        let request = format!("{title}Request");
        let response = format!("{title}Response");
        let (own, asked) = self.split(method);
        let about = format!("What {title} asks for.");
        let passed = self.mirror.request(&request, &about, &asked);
        let label = self.mirror.response(&response, &method.output(), origin);
        let mut arguments: Vec<_> = own
            .iter()
            .map(|field| Argument {
                field: names::value(field.name()),
                value: "call.principal()?.subject.clone()".to_owned(),
            })
            .collect();
        arguments.extend(passed.iter().map(|field| Argument {
            field: names::value(field),
            value: format!("request.{}", names::value(field)),
        }));
        // What it sends on it must be allowed to hold as well.
        let input = method.input();
        let sent = input
            .fields()
            .filter(|field| own.contains(field) || passed.iter().any(|name| name == field.name()));
        let sent = sent.fold(Label::default(), |sent, field| {
            sent.join(label::stated(&Annotations::of(&field.options(), "field")))
        });
        let resource = annotations.text("resource");
        let resource = passed.iter().find(|field| **field == resource).cloned();
        let idempotent = annotations.flag("idempotent");
        let method = Method {
            route: self.route(method, idempotent, resource.as_deref()),
            rust: names::value(&title),
            comment: comment(&method.parent_file(), method.path(), method.name()),
            callee: CalleeMethod {
                client: client.name.clone(),
                rust: names::value(method.name()),
                request: names::path(&client.name, &method.input()),
                response: names::path(&client.name, &method.output()),
            },
            complete: arguments.len() == method.input().fields().len(),
            passed: !passed.is_empty(),
            own_subject: !own.is_empty(),
            arguments,
            convert: converter(&response),
            scope: annotations.text("scope"),
            purpose: annotations.text("purpose"),
            ceiling: format!("{{{}}}", strata_codegen::annotation(label)),
            resource: resource.unwrap_or_default(),
            idempotent,
            max_records: annotations.count("max_records"),
            audit: annotations.words("audit").concat(),
            kind: title.to_upper_camel_case(),
            name: title,
        };
        (method, label, sent)
    }

    /// The fields of the callee's request the signed-in user stands in for, and those asked for. At
    /// the edge nobody names a data subject but themselves.
    fn split(&self, method: &MethodDescriptor) -> (Vec<FieldDescriptor>, Vec<FieldDescriptor>) {
        let input = method.input();
        if input.package_name() == names::WELL_KNOWN {
            return (Vec::new(), Vec::new());
        }
        input.fields().partition(|field| {
            let one_text =
                field.kind() == Kind::String && !field.is_list() && !field.supports_presence();
            self.layer == Layer::Experience
                && one_text
                && Annotations::of(&field.options(), "field").flag("subject")
        })
    }

    /// The route of an Experience method: its path is the method's name without the verb.
    fn route(
        &mut self,
        method: &MethodDescriptor,
        idempotent: bool,
        resource: Option<&str>,
    ) -> String {
        let kebab = method.name().to_kebab_case();
        let noun = kebab
            .split_once('-')
            .map_or(kebab.as_str(), |(_, noun)| noun);
        let mut path = format!("/v1/{}/{noun}", self.service);
        while !self.paths.insert(path.clone()) {
            path = format!("{path}/{kebab}");
        }
        let field = resource.and_then(|name| method.input().get_field_by_name(name));
        if let Some(field) = field.filter(names_a_segment) {
            path = format!("{path}/{{{}}}", field.name());
        }
        if idempotent {
            format!("get: \"{path}\"")
        } else {
            format!("post: \"{path}\", body: \"*\"")
        }
    }
}

/// Whether a path can carry the field.
fn names_a_segment(field: &FieldDescriptor) -> bool {
    let scalar = !matches!(field.kind(), Kind::Message(_) | Kind::Enum(_) | Kind::Bytes);
    scalar && !field.is_list()
}
