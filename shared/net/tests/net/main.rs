//! The serving loop and the connector over real sockets, with certificates made for the run.
#![cfg(test)]

mod callee;
mod caller;
mod deadlines;
mod drain;
mod edge;
mod fetch;
mod fixture;
mod protocol;
