//! Loading a service's configuration: what is taken, from where, and what is refused.
#![cfg(test)]

mod limits;
mod mistakes;
mod print;
mod sections;
mod service;
mod sources;
