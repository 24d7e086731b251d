//! What a client may know of a store's failure.

use strata_core::{Error, ErrorCode};

/// Why a store could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The URL is not one this crate can open.
    #[error("database.url is not a sqlite url: write `sqlite:<path>`")]
    Url(#[source] sqlx::Error),
    /// The folder for the database file cannot be made.
    #[error("cannot create the folder of the database file `{path}`: check its permissions")]
    Folder {
        /// The folder.
        path: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// The file cannot be opened.
    #[error("cannot open the database: check that database.url names a file this user may write")]
    Open(#[source] sqlx::Error),
    /// The schema cannot be brought up to date.
    #[error("cannot apply the migrations in `migrations/`: {0}")]
    Migrate(#[from] sqlx::migrate::MigrateError),
}

/// What SQLite's extended result code is a kind of: its lower eight bits (<https://sqlite.org/rescode.html>).
fn primary(code: &str) -> Option<u32> {
    code.parse::<u32>().ok().map(|code| code & 0xff)
}

/// Maps a driver's error to a code. The driver's own text may hold values, so it goes nowhere but
/// into the variant name of a log line.
#[must_use]
#[expect(clippy::needless_pass_by_value, reason = "made for `map_err(map)`")]
pub fn map(error: sqlx::Error) -> Error {
    let (code, kind) = match &error {
        sqlx::Error::RowNotFound => (ErrorCode::NotFound, "row_not_found"),
        sqlx::Error::PoolTimedOut => (ErrorCode::Unavailable, "pool_timed_out"),
        sqlx::Error::PoolClosed => (ErrorCode::Unavailable, "pool_closed"),
        sqlx::Error::Io(_) => (ErrorCode::Unavailable, "io"),
        sqlx::Error::Database(database) if database.is_unique_violation() => {
            (ErrorCode::Conflict, "unique_violation")
        }
        sqlx::Error::Database(database) => match database.code().and_then(|code| primary(&code)) {
            // SQLITE_BUSY and SQLITE_LOCKED, SQLITE_IOERR, SQLITE_FULL.
            Some(5 | 6) => (ErrorCode::Unavailable, "busy"),
            Some(10) => (ErrorCode::Unavailable, "io"),
            Some(13) => (ErrorCode::Unavailable, "full"),
            _ => (ErrorCode::Internal, "database"),
        },
        _ => (ErrorCode::Internal, "driver"),
    };
    if code != ErrorCode::NotFound {
        tracing::warn!(kind, "the store refused a statement");
    }
    code.into()
}
