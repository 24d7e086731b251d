//! The HTTP route of an Experience method, as far as the subset of google.api.http goes: literal
//! segments, `{field}` segments, and `*` or one field as the body.

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor, MethodDescriptor};

use crate::options::{HttpRule, Pattern};

/// A method's route.
#[derive(Clone, Debug)]
pub(crate) struct Route {
    /// The HTTP method.
    pub(crate) verb: Verb,
    /// `/v1/orders/{order_id}`.
    pub(crate) template: String,
    /// Request fields the path names, in its order.
    pub(crate) path: Vec<FieldDescriptor>,
    /// Request fields the query may name.
    pub(crate) query: Vec<FieldDescriptor>,
    /// What the body is bound to.
    pub(crate) body: Body,
}

/// The HTTP method of a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Get,
    Put,
    Post,
    Delete,
    Patch,
}

impl Verb {
    /// Its name in OpenAPI.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Put => "put",
            Self::Post => "post",
            Self::Delete => "delete",
            Self::Patch => "patch",
        }
    }
}

/// What a route binds its body to.
#[derive(Clone, Debug)]
pub(crate) enum Body {
    /// There is none.
    None,
    /// The request message.
    Whole,
    /// One field of it.
    Field(FieldDescriptor),
}

impl Route {
    /// Reads the rule of `method`; every problem it has is the rest of a sentence that starts with
    /// the method.
    pub(crate) fn read(rule: &HttpRule, method: &MethodDescriptor) -> Result<Self, Vec<String>> {
        let (verb, template) = match &rule.pattern {
            Some(Pattern::Get(template)) => (Verb::Get, template),
            Some(Pattern::Put(template)) => (Verb::Put, template),
            Some(Pattern::Post(template)) => (Verb::Post, template),
            Some(Pattern::Delete(template)) => (Verb::Delete, template),
            Some(Pattern::Patch(template)) => (Verb::Patch, template),
            None => {
                return Err(vec![
                    "has an http option without a path: write {get: \"/v1/...\"}".to_owned(),
                ]);
            }
        };
        let request = method.input();
        let mut problems = Vec::new();
        if method.is_client_streaming() {
            problems.push("streams its request: an HTTP route takes one message".to_owned());
        }
        let path = path_fields(template, &request, &mut problems);
        let body = body(verb, &rule.body, &request, &path, &mut problems);
        let query: Vec<_> = match &body {
            Body::Whole => Vec::new(),
            Body::None => unbound(&request, &path, None),
            Body::Field(field) => unbound(&request, &path, Some(field)),
        };
        problems.extend(query.iter().filter(|field| !fits_query(field)).map(|field| {
            let name = field.name();
            format!(
                "leaves `{name}` to the query, which takes scalars, enums and timestamps only: \
                 bind it with body"
            )
        }));
        if problems.is_empty() {
            Ok(Self {
                verb,
                template: template.clone(),
                path,
                query,
                body,
            })
        } else {
            Err(problems)
        }
    }
}

fn path_fields(
    template: &str,
    request: &MessageDescriptor,
    problems: &mut Vec<String>,
) -> Vec<FieldDescriptor> {
    let Some(relative) = template.strip_prefix('/') else {
        problems.push(format!("has path `{template}`: start it with `/`"));
        return Vec::new();
    };
    let mut fields: Vec<FieldDescriptor> = Vec::new();
    for segment in relative.split('/') {
        let name = segment
            .strip_prefix('{')
            .and_then(|rest| rest.strip_suffix('}'));
        match name {
            None if is_literal(segment) => {}
            Some(name) if is_identifier(name) => match request.get_field_by_name(name) {
                Some(field) if !fits_path(&field) => problems.push(format!(
                    "has path field `{name}`, which is no scalar of {}: name a scalar field",
                    request.name()
                )),
                Some(field) if fields.contains(&field) => problems.push(format!(
                    "has path field `{name}` twice: name each field once"
                )),
                Some(field) => fields.push(field),
                None => problems.push(format!(
                    "has path field `{name}`, which {} does not have: name one of its fields",
                    request.name()
                )),
            },
            _ => problems.push(format!(
                "has path segment `{segment}`: use letters, digits, `-`, `.`, `_`, `~`, or one \
                 `{{field}}`"
            )),
        }
    }
    fields
}

fn body(
    verb: Verb,
    name: &str,
    request: &MessageDescriptor,
    path: &[FieldDescriptor],
    problems: &mut Vec<String>,
) -> Body {
    if name.is_empty() {
        return Body::None;
    }
    if matches!(verb, Verb::Get | Verb::Delete) {
        problems.push("has a body, which get and delete do not take: leave body out".to_owned());
    }
    if name == "*" {
        return Body::Whole;
    }
    match request.get_field_by_name(name) {
        Some(field) if path.contains(&field) => {
            problems.push(format!("binds `{name}` to path and body: bind it once"));
            Body::None
        }
        Some(field) => Body::Field(field),
        None => {
            problems.push(format!(
                "has body `{name}`, which {} does not have: use `*` or one of its fields",
                request.name()
            ));
            Body::None
        }
    }
}

/// The request's fields that neither path nor body binds.
fn unbound(
    request: &MessageDescriptor,
    path: &[FieldDescriptor],
    body: Option<&FieldDescriptor>,
) -> Vec<FieldDescriptor> {
    request
        .fields()
        .filter(|field| !path.contains(field) && Some(field) != body)
        .collect()
}

fn fits_path(field: &FieldDescriptor) -> bool {
    !field.is_list()
        && !field.is_map()
        && !matches!(field.kind(), Kind::Message(_) | Kind::Enum(_) | Kind::Bytes)
}

fn fits_query(field: &FieldDescriptor) -> bool {
    match field.kind() {
        Kind::Message(message) => {
            !field.is_map()
                && matches!(
                    message.full_name(),
                    "google.protobuf.Timestamp" | "google.protobuf.Duration"
                )
        }
        _ => true,
    }
}

fn is_literal(segment: &str) -> bool {
    !segment.is_empty()
        && segment
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-._~".contains(c))
        && !matches!(segment, "." | "..")
}

fn is_identifier(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use crate::checks::fixture::experience;

    #[test]
    fn a_route_keeps_to_the_subset() {
        let get = "get: \"/v1/tickets/{ticket_id}\"";
        let at = "experience/desk/v1/contract.proto:8: method GetTicket";
        let segments = "use letters, digits, `-`, `.`, `_`, `~`, or one `{field}`";
        for (wrong, problem) in [
            (
                "get: \"v1/{ticket_id}\"",
                "has path `v1/{ticket_id}`: start it with `/`".to_owned(),
            ),
            (
                "get: \"/v1//{ticket_id}\"",
                format!("has path segment ``: {segments}"),
            ),
            (
                "get: \"/v1/*/{ticket_id}\"",
                format!("has path segment `*`: {segments}"),
            ),
            (
                "get: \"/v1/../{ticket_id}\"",
                format!("has path segment `..`: {segments}"),
            ),
            (
                "get: \"/v1/{ticket_id=tickets/*}\"",
                format!(
                    "has path segment `{{ticket_id=tickets`: {segments}; has path segment `*}}`: {segments}"
                ),
            ),
            (
                "get: \"/v1/{ticket_id}:close\"",
                format!("has path segment `{{ticket_id}}:close`: {segments}"),
            ),
            (
                "get: \"/v1/{ticket}\"",
                "has path field `ticket`, which GetTicketRequest does not have: name one of its fields"
                    .to_owned(),
            ),
            (
                "get: \"/v1/{tags}\"",
                "has path field `tags`, which is no scalar of GetTicketRequest: name a scalar field"
                    .to_owned(),
            ),
            (
                "get: \"/v1/{as_of}\"",
                "has path field `as_of`, which is no scalar of GetTicketRequest: name a scalar field"
                    .to_owned(),
            ),
            (
                "get: \"/v1/{ticket_id}/{ticket_id}\"",
                "has path field `ticket_id` twice: name each field once".to_owned(),
            ),
            (
                "get: \"/v1/{ticket_id}\", body: \"*\"",
                "has a body, which get and delete do not take: leave body out".to_owned(),
            ),
            (
                "body: \"*\"",
                "has an http option without a path: write {get: \"/v1/...\"}".to_owned(),
            ),
        ] {
            let expected: Vec<_> = problem
                .split("; ")
                .map(|part| format!("{at} {part}"))
                .collect();
            experience(get, wrong, &expected);
        }
    }

    #[test]
    fn a_route_uses_only_what_the_estate_declares() {
        for (member, extra) in [
            (
                "additional_bindings",
                "additional_bindings: {get: \"/v1/{ticket_id}\"}",
            ),
            ("response_body", "response_body: \"title\""),
            ("custom", "custom: {kind: \"HEAD\", path: \"/v1\"}"),
        ] {
            experience(
                "{get: \"/v1/tickets/{ticket_id}\"}",
                &format!("{{get: \"/v1/tickets/{{ticket_id}}\", {extra}}}"),
                &[&format!(
                    "experience/desk/v1/contract.proto:9:5: invalid value of type \
                     'google.api.HttpRule' for option '(google.api.http)', field '{member}' not found \
                     for message 'google.api.HttpRule': fix the proto, proto/options declares \
                     what there is"
                )],
            );
        }
    }

    #[test]
    fn a_body_is_one_field_and_messages_need_it() {
        let at = "experience/desk/v1/contract.proto:12: method PutTicket";
        for (wrong, problem) in [
            (
                "",
                "leaves `ticket` to the query, which takes scalars, enums and timestamps only: bind it with body",
            ),
            (
                ", body: \"text\"",
                "has body `text`, which PutTicketRequest does not have: use `*` or one of its fields; leaves `ticket` to the query, which takes scalars, enums and timestamps only: bind it with body",
            ),
            (
                ", body: \"ticket_id\"",
                "binds `ticket_id` to path and body: bind it once; leaves `ticket` to the query, which takes scalars, enums and timestamps only: bind it with body",
            ),
        ] {
            let expected: Vec<_> = problem
                .split("; ")
                .map(|part| format!("{at} {part}"))
                .collect();
            experience(", body: \"ticket\"", wrong, &expected);
        }
        experience(", body: \"ticket\"", ", body: \"*\"", &[""; 0]);
    }

    #[test]
    fn a_route_takes_one_message() {
        let method = "rpc GetTicket(GetTicketRequest) returns (Ticket)";
        let answers_many = method.replace("(Ticket)", "(stream Ticket)");
        experience(method, &answers_many, &[""; 0]);
        experience(
            method,
            "rpc GetTicket(stream GetTicketRequest) returns (Ticket)",
            &[
                "experience/desk/v1/contract.proto:8: method GetTicket streams its request: an HTTP \
               route takes one message",
            ],
        );
    }
}
