//! What the tests of the whole estate stand on: one running estate per suite, further processes
//! beside it, what a process counts of itself and promises of its events, a stand-in for a service, load as
//! users make it, copies of the repository, and programs that are not of it.

mod contracts;
mod copy;
mod counts;
mod edge;
mod launch;
pub mod load;
mod memory;
pub mod ocsf;
pub mod programs;
mod rig;
mod stand_in;
mod suite;
pub mod trail;

pub use contracts::{Contracts, Method};
pub use copy::{copy_of, files};
pub use counts::{Counts, eventually};
pub use edge::{Answer, Edge};
pub use launch::{Ended, Instance, Launch};
pub use memory::resident_bytes;
pub use rig::{BINARIES, Rig, TENANT};
pub use stand_in::{CANARY, Manner, StandIn};
pub use suite::{Case, check, run, run_after, run_on_demand};
