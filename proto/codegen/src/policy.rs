//! What policies may speak of: the contract as a Cedar schema
//! (<https://docs.cedarpolicy.com/schema/human-readable-schema.html>).

use prost_reflect::ServiceDescriptor;
use strata_core::Layer;

use crate::compile::Contract;

/// The schema of one service of the contract.
pub(crate) fn schema(contract: &Contract, service: &ServiceDescriptor) -> String {
    let layer = contract.folder.layer;
    let caller = match layer {
        Layer::Experience => "",
        Layer::Process | Layer::System => ", caller: Workload",
    };
    let mut schema = format!(
        "entity Role;\n\
         entity User in [Role] = {{ scopes: Set<String>, region?: String }};\n\
         entity Workload;\n\
         entity Api;\n\
         type Context = {{ environment: String, time: datetime, network: ipaddr{caller} }};\n"
    );
    for method in service.methods() {
        let acts_for_nobody = contract.options.method(&method).scope().is_empty();
        let principal = match layer {
            Layer::Process | Layer::System if acts_for_nobody => "Workload",
            _ => "User",
        };
        schema.push_str(&format!(
            "action \"{}\" appliesTo {{ principal: [{principal}], resource: [Api], context: Context }};\n",
            method.name()
        ));
    }
    schema
}

#[cfg(test)]
mod tests {
    use crate::checks::fixture::{EXPERIENCE, SYSTEM, compile};

    fn schema(folder: &str, proto: &str) -> String {
        let contract = compile(folder, proto).unwrap();
        let service = contract.versions[0].services().next().unwrap();
        super::schema(&contract, &service)
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
    fn only_between_services_there_is_a_caller() {
        assert!(schema("system/price-list", SYSTEM).contains("caller: Workload"));
        assert!(!schema("experience/desk", EXPERIENCE).contains("caller"));
    }
}
