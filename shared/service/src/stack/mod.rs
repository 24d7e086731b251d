//! The three stacks of the estate. Each is one chain, outermost first, with a reason per line.

mod client;
mod edge;
mod grpc;

pub(crate) use client::{ClientStack, client};
pub(crate) use edge::{Edge, edge};
pub(crate) use grpc::{Grpc, grpc};
