//! Where data about one person is, and what it takes to give them access or to erase it (GDPR Art. 15
//! and 17). The data itself is never read.

use anyhow::{Result, ensure};
use serde::Serialize;
use strata_estate::{Summary, Workspace};

use super::{
    counts::{Counter, Key},
    model::{DataMap, Kept, Store},
};

/// Characters of an id at most: what a field holds that states no length.
const LONGEST: usize = 1_024;

/// What is known of one person's data. The id is no part of it.
#[derive(Debug, Serialize)]
pub(crate) struct Plan {
    /// Whether the stores of a running estate were asked.
    pub(crate) counted: bool,
    /// The tables that can hold records of the person.
    pub(crate) stores: Vec<Place>,
    /// Tables with the person's id in a column, which no contract names.
    pub(crate) undeclared: Vec<Undeclared>,
    /// What the estate keeps beside them and names persons in.
    pub(crate) kept: Vec<Kept>,
}

/// A table.
#[derive(Debug, Serialize)]
pub(crate) struct Place {
    pub(crate) table: String,
    pub(crate) service: String,
    pub(crate) owner: String,
    /// The column that holds the id; of the parents, where there is none in the table itself.
    pub(crate) key: String,
    /// The tables whose records these hang on.
    pub(crate) parents: Vec<String>,
    /// The personal values of a record.
    pub(crate) values: Vec<String>,
    /// How many records the running estate has of the person; none when it cannot be said.
    pub(crate) records: Option<u64>,
    /// The methods that answer the records by the person's id.
    pub(crate) access: Vec<String>,
    /// Roles that are answered from it.
    pub(crate) readers: Vec<String>,
    pub(crate) retention: String,
    /// Tables whose values are made from it: they are to be erased with it.
    pub(crate) follow: Vec<String>,
}

/// A table that no contract names.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Undeclared {
    pub(crate) service: String,
    pub(crate) table: String,
    pub(crate) records: u64,
}

impl Plan {
    /// Whether there is a record of the person, as far as was counted.
    pub(crate) fn found(&self) -> bool {
        let records = self.stores.iter().any(|place| place.records != Some(0));
        !self.counted || records || self.undeclared.iter().any(|table| table.records > 0)
    }
}

/// The plan for the person with this id; `running` is the estate whose stores are counted.
///
/// # Errors
/// When the id has no form an id can have, or a store cannot be asked.
pub(crate) async fn plan(map: DataMap, id: &str, running: Option<&Summary>) -> Result<Plan> {
    let visible = |character: char| !character.is_whitespace() && !character.is_control();
    ensure!(
        (1..=LONGEST).contains(&id.chars().count()) && id.chars().all(visible),
        "a subject's id is 1 to {LONGEST} characters without spaces: give it as the stores hold it"
    );
    let counter = Counter::new(running);
    let mut plan = Plan {
        counted: counter.counts(),
        stores: Vec::new(),
        undeclared: Vec::new(),
        kept: map.kept.into_iter().filter(|kept| kept.personal).collect(),
    };
    for store in &map.stores {
        for key in keys(&map.stores, store) {
            let records = counter.records(store, &key, id).await?;
            let mut place = place(&map.stores, store, &key);
            place.records = records;
            plan.stores.push(place);
        }
    }
    plan.undeclared = counter.undeclared(&map.stores, id).await?;
    Ok(plan)
}

/// Reads what `up` has published; none when no estate runs.
pub(crate) fn running(workspace: &Workspace) -> Option<Summary> {
    Summary::read(workspace, strata_config::Environment::Dev).ok()
}

/// How the records of a person are known in a table.
fn keys(stores: &[Store], store: &Store) -> Vec<Key> {
    let own = store.subjects.iter().map(|subject| Key {
        parent: None,
        column: subject.field.clone(),
    });
    let parents = stores
        .iter()
        .filter(|other| store.parents.contains(&other.table));
    let parents = parents.flat_map(|parent| {
        parent.subjects.iter().map(|subject| Key {
            parent: Some(parent.table.clone()),
            column: subject.field.clone(),
        })
    });
    own.chain(parents).collect()
}

fn place(stores: &[Store], store: &Store, key: &Key) -> Place {
    let personal = store.fields.iter().filter(|field| field.personal);
    let mut readers = Vec::new();
    for reader in store.fields.iter().flat_map(|field| &field.readers) {
        let reader = format!("{} of {}", reader.role, reader.service);
        if !readers.contains(&reader) {
            readers.push(reader);
        }
    }
    let mut values = Vec::new();
    for field in personal {
        if !values.contains(&field.path) {
            values.push(field.path.clone());
        }
    }
    let follow = stores
        .iter()
        .filter(|other| other.made_from.contains(&store.table));
    Place {
        table: store.table.clone(),
        service: store.service.clone(),
        owner: store.owner.clone(),
        key: key.column.clone(),
        parents: store.parents.clone(),
        values,
        records: None,
        access: store.access.clone(),
        readers,
        retention: store.retention.clone(),
        follow: follow.map(|other| other.table.clone()).collect(),
    }
}
