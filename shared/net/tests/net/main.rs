//! The serving loop and the connector over real sockets, with certificates made for the run.
#![cfg(test)]

mod callee;
mod caller;
mod deadlines;
mod descriptors;
mod drain;
mod edge;
mod fetch;
mod fixture;
mod floods;
mod protocol;
mod proxy;
mod rotation;
