//! A contract as its annotations describe it, for who reports on the estate: labels, lineage, what is
//! stored and for how long. Reading changes nothing and generates nothing.

use prost_reflect::{FieldDescriptor, FileDescriptor, MessageDescriptor, MethodDescriptor};
use strata_core::{Label, Layer, masking};

use crate::{
    classification::{self, Classification},
    comments,
    compile::{self, Contract},
    labels, openapi,
    options::{self, BusinessValue},
    route::Route,
};

/// One contract.
#[derive(Clone, Debug)]
pub struct Model {
    /// Its layer.
    pub layer: Layer,
    /// The service, `customer-overview`.
    pub name: String,
    /// The team that answers for the service, as the newest version says.
    pub owner: String,
    /// Its versions, oldest first.
    pub versions: Vec<Version>,
    /// The methods of every version.
    pub methods: Vec<Method>,
    /// The messages of every version, nested ones too.
    pub messages: Vec<Message>,
}

/// A version.
#[derive(Clone, Debug)]
pub struct Version {
    /// `v1`.
    pub name: String,
    /// What it is, in the words of its contract; may be empty.
    pub about: String,
    /// What it has changed for clients; empty below the Experience layer.
    pub changes: Vec<Change>,
}

/// What has changed for clients.
#[derive(Clone, Debug)]
pub struct Change {
    /// When, `2027-06-30`.
    pub date: String,
    /// What.
    pub text: String,
}

/// A method.
#[derive(Clone, Debug)]
pub struct Method {
    /// `GetCustomer`.
    pub name: String,
    /// Of which version, `v1`.
    pub version: String,
    /// What it does, in the words of its contract; may be empty.
    pub about: String,
    /// Its HTTP method and path, `GET /v1/orders/{order_id}`; only Experience methods have one.
    pub route: Option<String>,
    /// From when on clients should use something else, `2027-06-30`; may be empty.
    pub deprecated_after: String,
    /// From when on it is gone, `2027-06-30`; may be empty.
    pub sunset: String,
    /// The OAuth scopes a user needs, all of them.
    pub scopes: Vec<String>,
    /// Why the data is processed (GDPR Art. 5(1)(b)); may be empty.
    pub purpose: String,
    /// The most records one answer holds; 0 when it is no list.
    pub max_records: u32,
    /// The request, fully qualified.
    pub input: String,
    /// The answer, fully qualified.
    pub output: String,
}

/// A message.
#[derive(Clone, Debug)]
pub struct Message {
    /// Fully qualified, `system.customers.v1.Customer`.
    pub name: String,
    /// System of record and table; empty when the message is not stored.
    pub stored_in: String,
    /// How long a record is kept after its last use (ISO 8601 duration); may be empty.
    pub retention: String,
    /// The regions a record may be held in; empty means any.
    pub residency: Vec<String>,
    /// What the records are worth, in lower case; none when nothing is stated.
    pub business_value: Option<&'static str>,
    /// The most it can hold.
    pub label: Label,
    /// What some of its values amount to together.
    pub combinations: Vec<Combination>,
    /// Its fields.
    pub fields: Vec<Field>,
}

/// Kinds of value that say more together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Combination {
    /// All of these.
    pub kinds: Vec<String>,
    /// What they amount to.
    pub label: Label,
    /// Why.
    pub reason: String,
}

/// A field.
#[derive(Clone, Debug)]
pub struct Field {
    /// As the contract names it, `birth_date`.
    pub name: String,
    /// The label it states; none when it takes its message's.
    pub label: Option<Label>,
    /// The message of the contract it holds, fully qualified.
    pub holds: Option<String>,
    /// What the value is, `birth_date`; may be empty.
    pub kind: String,
    /// The kind in a sentence; may be empty.
    pub meaning: String,
    /// The fields of the layer below it is made from, fully qualified.
    pub from: Vec<String>,
    /// Why its label is lower than theirs.
    pub declassified: Option<String>,
    /// What is shown below its label.
    pub mask: masking::Mask,
    /// The value is the id of the person the message is about.
    pub subject: bool,
}

/// A contract, and what its labels are read with.
pub(crate) fn of(contract: &Contract) -> Model {
    let mut model = Model {
        layer: contract.folder.layer,
        name: contract.folder.name.clone(),
        owner: String::new(),
        versions: Vec::new(),
        methods: Vec::new(),
        messages: Vec::new(),
    };
    for version in &contract.versions {
        for service in version.services() {
            let annotations = contract.options.service(&service);
            model.owner = annotations.owner;
            let changes = annotations.changes.into_iter();
            model.versions.push(Version {
                name: version.name.clone(),
                about: about(&service.parent_file(), service.path()),
                changes: changes
                    .map(|options::Change { date, text }| Change { date, text })
                    .collect(),
            });
            let methods = service.methods();
            let methods = methods.map(|method| of_method(contract, version, &method));
            model.methods.extend(methods);
        }
        let messages = version.messages();
        let messages = messages.iter().map(|message| of_message(contract, message));
        model.messages.extend(messages);
    }
    model
}

/// Every combination of the estate, whether or not one message holds it.
pub(crate) fn combinations(classification: &Classification) -> Vec<Combination> {
    let combinations = classification.combinations.iter();
    combinations.map(combination).collect()
}

fn about(file: &FileDescriptor, path: &[i32]) -> String {
    comments::text(file, path).unwrap_or_default()
}

fn of_method(contract: &Contract, version: &compile::Version, method: &MethodDescriptor) -> Method {
    let annotations = contract.options.method(method);
    let scope = annotations.scope.as_deref().unwrap_or_default();
    let rule = contract.options.http(method);
    let route = rule.and_then(|rule| Route::read(&rule, method).ok());
    Method {
        name: method.name().to_owned(),
        version: version.name.clone(),
        about: about(&method.parent_file(), method.path()),
        route: route.map(|route| {
            format!(
                "{} {}",
                route.verb.name().to_uppercase(),
                openapi::path(&route)
            )
        }),
        scopes: scope.split_whitespace().map(str::to_owned).collect(),
        max_records: annotations.max_records,
        input: method.input().full_name().to_owned(),
        output: method.output().full_name().to_owned(),
        purpose: annotations.purpose,
        deprecated_after: annotations.deprecated_after,
        sunset: annotations.sunset,
    }
}

fn of_message(contract: &Contract, message: &MessageDescriptor) -> Message {
    let (options, classification) = (&contract.options, &contract.classification);
    let annotations = options.message(message);
    let values = labels::values(options, message);
    let combinations = labels::combinations(classification, &values).into_iter();
    Message {
        name: message.full_name().to_owned(),
        business_value: match annotations.business_value() {
            BusinessValue::Unspecified => None,
            BusinessValue::Low => Some("low"),
            BusinessValue::Medium => Some("medium"),
            BusinessValue::High => Some("high"),
            BusinessValue::Critical => Some("critical"),
        },
        label: labels::of_message(options, classification, message),
        combinations: combinations.map(combination).collect(),
        fields: message
            .fields()
            .map(|field| of_field(contract, &field))
            .collect(),
        stored_in: annotations.stored_in,
        retention: annotations.retention,
        residency: annotations.residency,
    }
}

fn of_field(contract: &Contract, field: &FieldDescriptor) -> Field {
    let annotations = contract.options.field(field);
    let kind = contract.classification.kinds.get(&annotations.kind);
    Field {
        name: field.name().to_owned(),
        label: labels::is_value(field).then(|| labels::stated(&contract.options, field)),
        holds: labels::held(field).map(|message| message.full_name().to_owned()),
        meaning: kind.map(|kind| kind.meaning.clone()).unwrap_or_default(),
        mask: labels::mask(annotations.mask()),
        declassified: annotations.declassify.map(|stated| stated.reason),
        subject: annotations.subject,
        kind: annotations.kind,
        from: annotations.from,
    }
}

fn combination(stated: &classification::Combination) -> Combination {
    Combination {
        kinds: stated.kinds.clone(),
        label: stated.label,
        reason: stated.reason.clone(),
    }
}

#[cfg(test)]
mod tests {
    use strata_core::{Category, Sensitivity};

    use super::*;
    use crate::checks::fixture::{SYSTEM, compile};

    #[test]
    fn what_the_contract_states_is_what_is_read() {
        let stored = "message Price {\n  option (strata.options.v1.message) = {stored_in: \
            \"prices.price\", retention: \"P1Y\", residency: [\"uk\"], business_value: LOW};\n";
        let made = "repeated string tags = 5 [(strata.options.v1.field) = {declassify: {reason: \
            \"printed in the catalogue\"}, ";
        let proto = SYSTEM.replace("message Price {\n", stored).replace(
            "repeated string tags = 5 [(strata.options.v1.field) = {",
            made,
        );
        let model = of(&compile("system/price-list", &proto).unwrap());
        assert_eq!((model.layer, &*model.owner), (Layer::System, "pricing"));
        let method = model.methods.first().unwrap();
        assert_eq!(
            (&*method.name, &*method.output),
            ("GetPrice", "system.price_list.v1.Price")
        );
        assert_eq!(method.scopes, ["prices:read"]);
        let named = |name: &str| {
            let mut messages = model.messages.iter();
            messages
                .find(|message| message.name.ends_with(name))
                .unwrap()
        };
        let price = named(".Price");
        assert_eq!(
            (&*price.stored_in, &*price.retention, price.business_value),
            ("prices.price", "P1Y", Some("low"))
        );
        assert_eq!(price.residency, ["uk"]);
        let personal = Label::new(Sensitivity::Internal, &[Category::Personal]);
        assert_eq!(price.label, personal);
        assert_eq!(named(".GetPriceRequest").stored_in, "");
        let [amount, _, state, _, tags] = price.fields.as_slice() else {
            panic!("{:?}", price.fields);
        };
        assert_eq!(
            (amount.label, amount.holds.as_deref()),
            (None, Some("system.price_list.v1.Price.Amount"))
        );
        assert_eq!(
            (state.label, state.holds.as_deref()),
            (Some(personal), None)
        );
        let reason = tags.declassified.as_deref();
        assert_eq!(reason, Some("printed in the catalogue"));
    }
}
