//! The three stacks of the estate. Each is one chain, outermost first, with a reason per line.

mod client;
mod edge;
mod grpc;

use std::error::Error;

use hyper::body::Body;

pub(crate) use client::{ClientStack, client};
pub(crate) use edge::{Edge, edge};
pub(crate) use grpc::{Grpc, grpc};

/// A body as a listener of shared/net sends it.
pub(crate) trait Answer:
    Body<Data: Send, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static
{
}

impl<B> Answer for B where
    B: Body<Data: Send, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static
{
}
