//! What the tests of the whole estate stand on: one running estate per suite, further processes
//! beside it, what a process counts of itself and promises of its events, a stand-in for a service, a stretch of
//! network, a clock and a disk that fail as a test says, load as users make it, copies of the repository, and
//! programs that are not of it.

mod clock;
mod contracts;
mod copy;
mod counts;
mod disk;
mod edge;
mod launch;
pub mod load;
mod memory;
pub mod ocsf;
pub mod programs;
mod relay;
mod rig;
mod stand_in;
mod storm;
mod suite;
pub mod trail;

pub use clock::Clock;
pub use contracts::{Contracts, Method};
pub use copy::{copy_of, files};
pub use counts::{Counts, eventually};
pub use disk::{ReadOnly, SmallDisk};
pub use edge::{Answer, Edge};
pub use launch::{Ended, Instance, Launch};
pub use memory::resident_bytes;
pub use relay::Relay;
pub use rig::{BINARIES, Rig, TENANT};
pub use stand_in::{CANARY, Manner, StandIn};
pub use storm::Storm;
pub use suite::{Case, check, run, run_after, run_on_demand};
