//! How many records of a person the stores of a running estate hold. Stores are opened read-only, and
//! nothing but a count leaves them.

use std::{collections::BTreeMap, path::PathBuf};

use anyhow::{Context as _, Result};
use sea_query::{
    Alias, Asterisk, Expr, ExprTrait as _, Query, SelectStatement, SqliteQueryBuilder,
};
use sqlx::{AssertSqlSafe, Connection as _, SqliteConnection, sqlite::SqliteConnectOptions};
use strata_estate::Summary;

use super::{model::Store, subject::Undeclared};

/// The column of a table, by name.
const COLUMN: &str = "SELECT count(*) FROM pragma_table_info(?1) WHERE name = ?2";

/// The column by which a table hangs on another, and that other's.
const REFERENCE: &str =
    "SELECT \"from\", \"to\" FROM pragma_foreign_key_list(?1) WHERE \"table\" = ?2";

/// Every table with a column of a name.
const TABLES: &str = "SELECT schema.name FROM sqlite_schema AS schema \
     JOIN pragma_table_info(schema.name) AS info \
     WHERE schema.type = 'table' AND info.name = ?1 ORDER BY schema.name";

/// How a record says whose it is.
pub(super) struct Key {
    /// The table that has the column, when it is another.
    pub(super) parent: Option<String>,
    pub(super) column: String,
}

/// The stores of a running estate.
pub(super) struct Counter {
    /// By `<layer>-<name>`.
    files: BTreeMap<String, PathBuf>,
}

impl Counter {
    /// Of the estate that `up` has published. One that was killed has left no stores.
    pub(super) fn new(running: Option<&Summary>) -> Self {
        let services = running.into_iter().flat_map(|summary| &summary.services);
        let files = services.filter_map(|service| {
            let file = service.store().filter(|file| file.is_file())?;
            Some((format!("{}-{}", service.layer, service.name), file))
        });
        Self {
            files: files.collect(),
        }
    }

    /// Whether there is any store to ask.
    pub(super) fn counts(&self) -> bool {
        !self.files.is_empty()
    }

    /// How many records of `id` a table holds; none when the store has no such table or column.
    pub(super) async fn records(&self, store: &Store, key: &Key, id: &str) -> Result<Option<u64>> {
        let Some(mut connection) = self.open(&store.service).await? else {
            return Ok(None);
        };
        let table = name(&store.table);
        let keyed = key.parent.as_deref().map_or(table, name);
        if !has(&mut connection, keyed, &key.column).await? {
            return Ok(None);
        }
        if key.parent.is_none() {
            let query = count(table, &key.column, id);
            return Ok(Some(run(&mut connection, query, id).await?));
        }
        let reference: Option<(String, Option<String>)> = sqlx::query_as(REFERENCE)
            .bind(table)
            .bind(keyed)
            .fetch_optional(&mut connection)
            .await?;
        let Some((own, Some(theirs))) = reference else {
            return Ok(None);
        };
        let parents = Query::select()
            .column(Alias::new(theirs))
            .from(Alias::new(keyed))
            .and_where(Expr::col(Alias::new(&*key.column)).eq(id))
            .to_owned();
        let hanging = Expr::col(Alias::new(own)).in_subquery(parents);
        let query = all(table).and_where(hanging).to_owned();
        Ok(Some(run(&mut connection, query, id).await?))
    }

    /// Tables that hold `id` in a column a contract calls a person's, and that no contract names.
    pub(super) async fn undeclared(&self, stores: &[Store], id: &str) -> Result<Vec<Undeclared>> {
        let mut found = Vec::new();
        for service in self.files.keys() {
            let own = stores.iter().filter(|store| store.service == *service);
            let declared: Vec<_> = own.clone().map(|store| name(&store.table)).collect();
            let mut columns: Vec<_> = own
                .flat_map(|store| &store.subjects)
                .map(|subject| &subject.field)
                .collect();
            columns.sort_unstable();
            columns.dedup();
            let Some(mut connection) = self.open(service).await? else {
                continue;
            };
            for column in columns {
                let tables: Vec<(String,)> = sqlx::query_as(TABLES)
                    .bind(column)
                    .fetch_all(&mut connection)
                    .await?;
                for (table,) in tables {
                    if declared.contains(&table.as_str()) {
                        continue;
                    }
                    let records = run(&mut connection, count(&table, column, id), id).await?;
                    found.push(Undeclared {
                        service: service.clone(),
                        table,
                        records,
                    });
                }
            }
        }
        Ok(found)
    }

    async fn open(&self, service: &str) -> Result<Option<SqliteConnection>> {
        let Some(file) = self.files.get(service) else {
            return Ok(None);
        };
        let options = SqliteConnectOptions::new().filename(file).read_only(true);
        let opened = SqliteConnection::connect_with(&options).await;
        let context = || format!("the store {} cannot be opened", file.display());
        opened.map(Some).with_context(context)
    }
}

/// The table of `<system of record>.<table>`.
fn name(stored_in: &str) -> &str {
    stored_in
        .split_once('.')
        .map_or(stored_in, |(_, table)| table)
}

async fn has(connection: &mut SqliteConnection, table: &str, column: &str) -> Result<bool> {
    let (columns,): (i64,) = sqlx::query_as(COLUMN)
        .bind(table)
        .bind(column)
        .fetch_one(connection)
        .await?;
    Ok(columns > 0)
}

fn all(table: &str) -> SelectStatement {
    Query::select()
        .expr(Expr::col(Asterisk).count())
        .from(Alias::new(table))
        .to_owned()
}

fn count(table: &str, column: &str, id: &str) -> SelectStatement {
    let is_theirs = Expr::col(Alias::new(column)).eq(id);
    all(table).and_where(is_theirs).to_owned()
}

/// The id is bound, and every name is quoted by the builder: nothing of either is read as SQL.
async fn run(connection: &mut SqliteConnection, query: SelectStatement, id: &str) -> Result<u64> {
    let (text, _) = query.build(SqliteQueryBuilder);
    let (records,): (i64,) = sqlx::query_as(AssertSqlSafe(text))
        .bind(id)
        .fetch_one(connection)
        .await?;
    Ok(records.unsigned_abs())
}
