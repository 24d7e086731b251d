//! Experience contracts, and only they, have HTTP routes, and the router can tell them apart.

use std::collections::BTreeSet;

use strata_core::Layer;

use crate::{compile::Contract, finding::Finding, route::Route};

/// What the edge answers itself, outside production (`shared/middleware/src/documents.rs`): here, and
/// below each version.
const DOCUMENTS: [&str; 2] = ["/docs", "/openapi.json"];

pub(super) fn check(contract: &Contract, findings: &mut Vec<Finding>) {
    let experience = contract.folder.layer == Layer::Experience;
    // The router's own matcher judges what conflicts, over all versions: they share one router.
    let mut matcher = matchit::Router::new();
    let mut served: Vec<Route> = Vec::new();
    let documents = documents(contract);
    let services = contract
        .versions
        .iter()
        .flat_map(|version| version.services());
    for method in services.flat_map(|service| service.methods().collect::<Vec<_>>()) {
        let mut find = |problem: String| {
            let subject = format!("method {}", method.name());
            findings.push(Finding::at(
                &method.parent_file(),
                method.path(),
                &subject,
                problem,
            ));
        };
        match contract.options.http(&method) {
            Some(_) if !experience => find(
                "has a google.api.http route: only Experience contracts are reached over HTTP, \
                 remove it"
                    .to_owned(),
            ),
            None if experience => find(
                "has no route: write `option (google.api.http) = {get: \"/v1/...\"};`".to_owned(),
            ),
            None => {}
            Some(rule) => match Route::read(&rule, &method) {
                Err(problems) => problems.into_iter().for_each(find),
                Ok(route) => {
                    let known = served.iter().any(|other| other.template == route.template);
                    let same = |other: &Route| {
                        other.verb == route.verb && other.template == route.template
                    };
                    if served.iter().any(same)
                        || (!known && matcher.insert(route.template.clone(), ()).is_err())
                    {
                        find(format!(
                            "has path `{}`, which clashes with another method's: use another path, or \
                             the same field names",
                            route.template
                        ));
                    }
                    if documents.contains(&route.template) {
                        find(format!(
                            "has path `{}`, where the edge answers for the documents of the API: use \
                             another path",
                            route.template
                        ));
                    }
                    served.push(route);
                }
            },
        }
    }
}

fn documents(contract: &Contract) -> BTreeSet<String> {
    let versions = contract.versions.iter();
    let folders = versions.map(|version| format!("/{}", version.name));
    let folders = folders.chain([String::new()]);
    folders
        .flat_map(|folder| DOCUMENTS.map(|document| format!("{folder}{document}")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{SYSTEM, experience, findings};

    #[test]
    fn only_experience_contracts_have_routes() {
        let proto = SYSTEM.replace(
            "import \"google/protobuf",
            "import \"google/api/annotations.proto\";\nimport \"google/protobuf",
        );
        let at = "    option (strata.options.v1.method)";
        let route = format!("    option (google.api.http) = {{get: \"/v1\"}};\n{at}");
        assert_eq!(findings("system/price-list", &proto), [""; 0]);
        assert_eq!(
            findings("system/price-list", &proto.replace(at, &route)),
            [
                "system/price-list/v1/contract.proto:8: method GetPrice has a google.api.http route: \
              only Experience contracts are reached over HTTP, remove it"
            ]
        );
        experience(
            "    option (google.api.http) = {get: \"/v1/tickets/{ticket_id}\"};\n",
            "",
            &[
                "experience/desk/v1/contract.proto:8: method GetTicket has no route: write `option \
               (google.api.http) = {get: \"/v1/...\"};`",
            ],
        );
    }

    #[test]
    fn no_method_is_in_the_place_of_the_documents() {
        let route = "{get: \"/v1/tickets/{ticket_id}\"}";
        for (path, expected) in [
            ("/v1/tickets/docs", None),
            ("/docs", Some("/docs")),
            ("/v1/openapi.json", Some("/v1/openapi.json")),
        ] {
            let expected = expected.map(|path| {
                format!(
                    "experience/desk/v1/contract.proto:8: method GetTicket has path `{path}`, where \
                     the edge answers for the documents of the API: use another path"
                )
            });
            let expected: Vec<_> = expected.into_iter().collect();
            experience(route, &format!("{{get: \"{path}\"}}"), &expected);
        }
    }

    #[test]
    fn two_methods_do_not_share_a_path() {
        let at = "experience/desk/v1/contract.proto:12: method PutTicket has path";
        experience(
            "rpc PutTicket(PutTicketRequest) returns (Ticket) {\n    option (google.api.http) = {put: \"/v1/tickets/{ticket_id}\", body: \"ticket\"};",
            "rpc PutTicket(GetTicketRequest) returns (Ticket) {\n    option (google.api.http) = {get: \"/v1/tickets/{ticket_id}\"};",
            &[&format!(
                "{at} `/v1/tickets/{{ticket_id}}`, which clashes with another method's: use \
                 another path, or the same field names"
            )],
        );
        experience(
            "rpc PutTicket(PutTicketRequest) returns (Ticket) {\n    option (google.api.http) = {put: \"/v1/tickets/{ticket_id}\", body: \"ticket\"};",
            "rpc PutTicket(Ticket) returns (Ticket) {\n    option (google.api.http) = {put: \"/v1/tickets/{title}\"};",
            &[&format!(
                "{at} `/v1/tickets/{{title}}`, which clashes with another method's: use \
                 another path, or the same field names"
            )],
        );
    }
}
