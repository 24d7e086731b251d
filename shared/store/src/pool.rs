//! Opening the SQLite file a System API owns.

use std::{path::Path, str::FromStr, time::Duration};

use sqlx::{
    Connection as _, SqliteConnection, SqlitePool,
    migrate::Migrator,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use strata_config::Database;

use crate::StoreError;

const BUSY_TIMEOUT: Duration = Duration::from_secs(2);
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(2);

/// Opens (or creates) the file of `database.url` in WAL mode and applies the migrations of
/// `migrations` (the service's own folder). Paths are relative to the working directory, which is
/// the service's folder.
///
/// # Errors
/// [`StoreError`] naming what to check.
pub async fn open(database: &Database, migrations: &Path) -> Result<SqlitePool, StoreError> {
    let options = options(database)?;
    if let Some(folder) = options.get_filename().parent() {
        std::fs::create_dir_all(folder).map_err(|source| StoreError::Folder {
            path: folder.display().to_string(),
            source,
        })?;
    }
    let pool = SqlitePoolOptions::new()
        .max_connections(database.max_connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        // A file in this process is not lost while nobody asks, and each question goes to the connection's
        // thread and back. It is asked when it is given back: no broken one is ever kept.
        .test_before_acquire(false)
        .after_release(|connection, _| Box::pin(is_well(connection)))
        .connect_with(options)
        .await
        .map_err(StoreError::Open)?;
    Migrator::new(migrations).await?.run(&pool).await?;
    Ok(pool)
}

/// Whether a connection can be used again. SQLite itself ends a transaction whose disk is full, and the
/// driver goes on counting it: no other can be begun there any more.
async fn is_well(connection: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    if connection.is_in_transaction() {
        // It may be about to be rolled back.
        connection.ping().await?;
    }
    Ok(!connection.is_in_transaction())
}

fn options(database: &Database) -> Result<SqliteConnectOptions, StoreError> {
    Ok(SqliteConnectOptions::from_str(&database.url)
        .map_err(StoreError::Url)?
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT))
}
