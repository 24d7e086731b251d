//! The audit trail of one process: who did what, through whom, and what was decided. Identities and
//! labels, never values.
//!
//! - `decision`: what the stacks say of a request;
//! - `format`: how it lies on disk;
//! - `resource`: names of resources that only the environment can make;
//! - `chain`: each record's hash is over the one before;
//! - `folder`: the files of a trail, in their order;
//! - `read`: from a file to its records, as far as they are sound;
//! - `start`: a start continues the trail that is there;
//! - `sink`: the file that is written, and the one place that syncs it;
//! - `checkpoint`: what the trail was at a moment, signed, in a second place;
//! - `retention`: old files go, and the trail says so;
//! - `writer`: the one thread that writes;
//! - `trail`: what requests append to;
//! - `verify`: the first record that is not as it was written;
//! - `query`: who did what, and what happened in one transaction;
//! - `ocsf`: the same for other programs.

mod chain;
mod checkpoint;
mod decision;
mod error;
mod folder;
mod format;
pub mod ocsf;
mod query;
mod read;
mod resource;
mod retention;
mod sink;
mod start;
mod trail;
mod verify;
mod writer;

pub use decision::{Decision, Resource, Via};
pub use error::{AuditError, NotRecorded};
pub use format::{Record, Verdict};
pub use ocsf::{OCSF, event};
pub use query::{Found, Query, query};
pub use resource::ResourceKey;
pub use trail::{Keeper, OnDisk, Place, Trail};
pub use verify::{Finding, Problem, Report, verify};

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
