//! What a System API's `store.rs` stands on. Only System services depend on this crate: it is the
//! one that brings a database driver, and tests/architecture holds the other layers away from it.

mod error;
mod idempotency;
mod page;
mod pool;

pub use error::{StoreError, map};
pub use idempotency::IdempotencyKey;
pub use page::{Page, PageRequest};
pub use pool::open;
