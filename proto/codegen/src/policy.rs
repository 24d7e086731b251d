//! What policies may speak of: the contract as a Cedar schema
//! (<https://docs.cedarpolicy.com/schema/human-readable-schema.html>). Methods of one name are one action
//! in every version of an Experience API: what somebody may do does not change with how it is asked.

use std::collections::BTreeSet;

use prost_reflect::{MessageDescriptor, MethodDescriptor, ServiceDescriptor};
use strata_core::Layer;

use crate::{
    compile::{Contract, Version},
    options::FieldAnnotations,
};

/// The schema of one service of the contract; of all versions of an Experience API.
pub(crate) fn schema(
    contract: &Contract,
    version: &Version,
    service: &ServiceDescriptor,
) -> String {
    let layer = contract.folder.layer;
    // What an issuer may leave out is not marked so: a policy reads it without asking whether it is
    // there, and where it is not, the policy fails, which refuses.
    let caller = match layer {
        Layer::Experience => "",
        Layer::Process | Layer::System => ", caller: Workload",
    };
    let mut schema = format!(
        "entity Role;\n\
         entity User in [Role] = {{ scopes: Set<String>, region?: String, tenant?: String }};\n\
         entity Workload;\n\
         entity Api;\n\
         type Context = {{ environment: String, time: datetime, network: ipaddr, authentication: \
         {{ level: String, methods: Set<String>, age: Long }}, risk: Long{caller} }};\n"
    );
    let objects = objects(contract, version);
    let mut of_objects = String::new();
    for (name, message) in &objects {
        let mut attributes = "owner: User".to_owned();
        if annotated(contract, message, |annotations| annotations.region) {
            attributes.push_str(", region: String");
        }
        if annotated(contract, message, |annotations| annotations.tenant) {
            attributes.push_str(", tenant: String");
        }
        schema.push_str(&format!("entity {name} = {{ {attributes} }};\n"));
        of_objects.push_str(&format!(", {name}"));
    }
    for method in methods(contract, service) {
        let annotations = contract.options.method(&method);
        let principal = match layer {
            Layer::Process | Layer::System if annotations.scope().is_empty() => "Workload",
            _ => "User",
        };
        let objects = match annotations.resource.as_str() {
            "" => "",
            _ => of_objects.as_str(),
        };
        schema.push_str(&format!(
            "action \"{}\" appliesTo {{ principal: [{principal}], resource: [Api{objects}], context: \
             Context }};\n",
            method.name()
        ));
    }
    schema
}

/// One of each name. An Experience API serves all its versions at once.
fn methods(contract: &Contract, service: &ServiceDescriptor) -> Vec<MethodDescriptor> {
    let services = match contract.folder.layer {
        Layer::Experience => contract
            .versions
            .iter()
            .flat_map(Version::services)
            .collect(),
        Layer::Process | Layer::System => vec![service.clone()],
    };
    let mut known = BTreeSet::new();
    let methods = services.iter().flat_map(ServiceDescriptor::methods);
    methods
        .filter(|method| known.insert(method.name().to_owned()))
        .collect()
}

/// The messages that say whose they are, by their names in the schema. Only a System API has the
/// objects themselves; what other layers answer, it has decided about.
fn objects(contract: &Contract, version: &Version) -> Vec<(String, MessageDescriptor)> {
    if contract.folder.layer != Layer::System {
        return Vec::new();
    }
    let messages = version.messages().into_iter();
    let owned = messages.filter(|message| annotated(contract, message, |of| of.owner));
    owned.map(|message| (name(&message), message)).collect()
}

/// The name of a message in the schema, that of one within another after its own:
/// `Price_Amount`.
pub(crate) fn name(message: &MessageDescriptor) -> String {
    match message.parent_message() {
        Some(parent) => format!("{}_{}", name(&parent), message.name()),
        None => message.name().to_owned(),
    }
}

fn annotated(
    contract: &Contract,
    message: &MessageDescriptor,
    is: impl Fn(&FieldAnnotations) -> bool,
) -> bool {
    message
        .fields()
        .any(|field| is(&contract.options.field(&field)))
}
#[cfg(test)]
mod tests {
    use crate::checks::fixture::{EXPERIENCE, SYSTEM, compile};

    fn schema(folder: &str, proto: &str) -> String {
        let contract = compile(folder, proto).unwrap();
        let version = &contract.versions[0];
        let service = version.services().next().unwrap();
        super::schema(&contract, version, &service)
    }

    #[test]
    fn a_method_is_an_action_of_whom_it_acts_for() {
        let price = |principal| {
            format!(
                "action \"GetPrice\" appliesTo {{ principal: [{principal}], resource: [Api], \
                 context: Context }};\n"
            )
        };
        assert!(schema("system/price-list", SYSTEM).contains(&price("User")));
        let nobody = SYSTEM.replace("prices:read", "");
        assert!(schema("system/price-list", &nobody).contains(&price("Workload")));
        // At the edge there is always a user.
        let edge = schema("experience/desk", EXPERIENCE);
        assert!(edge.contains("action \"PutTicket\" appliesTo { principal: [User]"));
    }

    #[test]
    fn a_method_about_an_object_is_of_what_has_an_owner() {
        let honest = schema("system/price-list", SYSTEM);
        assert!(honest.contains("resource: [Api],"));
        let amount = "int64 minor = 1";
        let owner = "string owner = 2 [(strata.options.v1.field) = {sensitivity: INTERNAL, owner: \
             true}];\nint64 minor = 1";
        let owned = SYSTEM.replace(amount, owner);
        let of_owned = schema("system/price-list", &owned);
        assert!(of_owned.contains("entity Price_Amount = { owner: User };\n"));
        assert!(of_owned.contains("resource: [Api, Price_Amount],"));
        let no_resource = owned.replace("resource: \"sku\"", "");
        assert!(schema("system/price-list", &no_resource).contains("resource: [Api],"));
        let process = owned
            .replace("system.", "process.")
            .replace("SYSTEM", "PROCESS");
        assert!(schema("process/price-list", &process).contains("resource: [Api],"));
    }

    #[test]
    fn an_object_has_what_is_annotated_of_it() {
        assert!(schema("system/price-list", SYSTEM).contains("region?: String, tenant?: String }"));
        let of = |name: &str| {
            let place = format!(
                "string {name} = 6 [(strata.options.v1.field) = {{sensitivity: INTERNAL, {name}: true}}];\n"
            );
            let owner = place.replace(name, "owner").replace('6', "7");
            let since = "google.protobuf.Timestamp since";
            let owned = SYSTEM.replace(since, &format!("{place}{owner}{since}"));
            schema("system/price-list", &owned)
        };
        assert!(of("region").contains("entity Price = { owner: User, region: String };"));
        assert!(of("tenant").contains("entity Price = { owner: User, tenant: String };"));
    }

    #[test]
    fn only_between_services_there_is_a_caller() {
        assert!(schema("system/price-list", SYSTEM).contains("caller: Workload"));
        assert!(!schema("experience/desk", EXPERIENCE).contains("caller"));
    }
}
