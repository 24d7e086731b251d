//! The map: what is known of the data of the estate, and nothing about how it is shown. Its JSON is
//! `--format json`: names are those of the contracts, labels `{sensitivity, categories}`, and a member
//! is added, never renamed.

use serde::Serialize;
use strata_core::Label;

/// The whole map.
#[derive(Debug, Serialize)]
pub(crate) struct DataMap {
    /// Every service.
    pub(crate) services: Vec<Service>,
    /// Where records are: each table of each system of record.
    pub(crate) stores: Vec<Store>,
    /// Personal values of System contracts that no store declares.
    pub(crate) unstored: Vec<Unstored>,
    /// What the estate itself keeps beside them.
    pub(crate) kept: Vec<Kept>,
    /// Which role of a user is answered what, through what.
    pub(crate) readers: Vec<Reader>,
    /// What moves between services.
    pub(crate) flows: Vec<Flow>,
    /// Where data of several systems of record come together.
    pub(crate) blends: Vec<Blend>,
    /// Where a label is lower than that of its sources, and why.
    pub(crate) declassifications: Vec<Declassification>,
}

/// A service.
#[derive(Debug, Serialize)]
pub(crate) struct Service {
    /// `<layer>-<name>`.
    pub(crate) id: String,
    pub(crate) layer: String,
    pub(crate) owner: String,
    pub(crate) description: String,
    /// What its methods process data for (GDPR Art. 5(1)(b)).
    pub(crate) purposes: Vec<String>,
}

/// A table of a system of record.
#[derive(Debug, Serialize)]
pub(crate) struct Store {
    /// System of record and table.
    pub(crate) table: String,
    pub(crate) service: String,
    pub(crate) owner: String,
    /// The messages it holds.
    pub(crate) messages: Vec<String>,
    /// The most a record holds.
    pub(crate) label: Label,
    /// How long a record is kept after its last use (ISO 8601); empty when nothing is stated.
    pub(crate) retention: String,
    /// Where a record may be held; empty means anywhere.
    pub(crate) residency: Vec<String>,
    pub(crate) business_value: Option<&'static str>,
    /// What the records are read and changed for.
    pub(crate) purposes: Vec<String>,
    /// Whose data it is.
    pub(crate) subjects: Vec<Subject>,
    /// The tables whose records these hang on, when they name no person themselves.
    pub(crate) parents: Vec<String>,
    /// The methods that answer a person's id with the records.
    pub(crate) access: Vec<String>,
    /// The tables whose values it holds in another form.
    pub(crate) made_from: Vec<String>,
    /// Which roles are answered from it, and what of it at most.
    pub(crate) leaves: Vec<Leaves>,
    /// What a record holds.
    pub(crate) fields: Vec<StoredField>,
    /// The services that may be answered from it.
    pub(crate) callers: Vec<Caller>,
    /// What in other services is made from it: what a move of the table touches.
    pub(crate) dependents: Vec<Dependent>,
    /// What some of it amounts to together.
    pub(crate) combinations: Vec<Combination>,
}

/// The field that says whose record it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Subject {
    /// The field, which is the column too.
    pub(crate) field: String,
    pub(crate) kind: String,
    pub(crate) meaning: String,
}

/// A value of a record.
#[derive(Debug, Serialize)]
pub(crate) struct StoredField {
    /// Fully qualified.
    pub(crate) name: String,
    /// Within the record, `address.postcode`.
    pub(crate) path: String,
    pub(crate) label: Label,
    pub(crate) personal: bool,
    pub(crate) kind: String,
    pub(crate) meaning: String,
    /// Which roles are answered it, or what is made from it.
    pub(crate) readers: Vec<FieldReader>,
}

/// What of a store is answered to users of a role.
#[derive(Debug, Serialize)]
pub(crate) struct Leaves {
    pub(crate) service: String,
    pub(crate) role: String,
    /// The most that is shown whole, as it is labelled in the store.
    pub(crate) label: Label,
}

/// Who is answered a stored value.
#[derive(Debug, Serialize)]
pub(crate) struct FieldReader {
    pub(crate) service: String,
    pub(crate) role: String,
    pub(crate) methods: Vec<String>,
    /// What stands instead of it for this reader, from the store up; empty when it is shown whole.
    pub(crate) masked_by: Vec<&'static str>,
}

/// A service that may be answered from a store.
#[derive(Debug, Serialize)]
pub(crate) struct Caller {
    pub(crate) service: String,
    pub(crate) methods: Vec<String>,
    pub(crate) clearance: Label,
    /// The values of the record its clearance does not cover.
    pub(crate) masked: Vec<String>,
}

/// A service with values made from a store.
#[derive(Debug, Serialize)]
pub(crate) struct Dependent {
    pub(crate) service: String,
    /// How many values of its contract.
    pub(crate) values: usize,
}

/// A personal value that passes through a System API and that no store declares.
#[derive(Debug, Serialize)]
pub(crate) struct Unstored {
    /// Fully qualified.
    pub(crate) name: String,
    pub(crate) label: Label,
    pub(crate) kind: String,
}

/// What the estate keeps by itself.
#[derive(Debug, Serialize)]
pub(crate) struct Kept {
    pub(crate) service: String,
    pub(crate) place: &'static str,
    pub(crate) holds: String,
    pub(crate) personal: bool,
    pub(crate) until: &'static str,
}

/// A role of an Experience API.
#[derive(Debug, Serialize)]
pub(crate) struct Reader {
    pub(crate) service: String,
    pub(crate) role: String,
    pub(crate) clearance: Label,
    pub(crate) methods: Vec<ReaderMethod>,
    /// What all it is shown amounts to together, over every method.
    pub(crate) together: Vec<Combination>,
}

/// What one method answers a role.
#[derive(Debug, Serialize)]
pub(crate) struct ReaderMethod {
    pub(crate) method: String,
    pub(crate) purpose: String,
    pub(crate) scopes: Vec<String>,
    /// The methods below that it may call.
    pub(crate) through: Vec<Step>,
    /// The most it shows this role.
    pub(crate) label: Label,
    pub(crate) max_records: u32,
    pub(crate) fields: Vec<ReadField>,
}

/// A call further down.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Step {
    pub(crate) service: String,
    pub(crate) method: String,
    /// What the caller may be answered there.
    pub(crate) clearance: Label,
}

/// A value of an answer.
#[derive(Debug, Serialize)]
pub(crate) struct ReadField {
    pub(crate) path: String,
    pub(crate) label: Label,
    /// The values of the System layer it is made from.
    pub(crate) origins: Vec<String>,
    /// What stands instead of it, from the store up; empty when it is shown whole.
    pub(crate) masked_by: Vec<&'static str>,
}

/// What one method moves.
#[derive(Debug, Serialize)]
pub(crate) struct Flow {
    /// A service; or `<role> of <service>`, who is outside.
    pub(crate) caller: String,
    pub(crate) callee: String,
    pub(crate) method: String,
    pub(crate) purpose: String,
    /// The most the request holds.
    pub(crate) asks: Label,
    /// The most of the answer that passes the caller's clearance.
    pub(crate) answers: Label,
}

/// A message made from several systems of record.
#[derive(Debug, Serialize)]
pub(crate) struct Blend {
    pub(crate) service: String,
    pub(crate) message: String,
    /// The System APIs.
    pub(crate) sources: Vec<String>,
    /// The most it can hold.
    pub(crate) label: Label,
    pub(crate) combinations: Vec<Combination>,
}

/// Kinds of value that say more together.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Combination {
    pub(crate) kinds: Vec<String>,
    pub(crate) label: Label,
    pub(crate) reason: String,
}

/// A value whose label was lowered.
#[derive(Debug, Serialize)]
pub(crate) struct Declassification {
    /// Fully qualified.
    pub(crate) name: String,
    pub(crate) label: Label,
    pub(crate) from: Vec<String>,
    pub(crate) reason: String,
}
