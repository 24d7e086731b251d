//! A service with something wrong about it does not start: it says what, in a sentence, before it
//! takes a port. Every case begins with the same service that starts.

#![cfg(test)]

mod audit;
mod bench;
mod environment;
mod files;
mod identity;
mod policies;
mod printing;
mod resources;
