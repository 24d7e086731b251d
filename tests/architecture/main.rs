//! What the repository declares, read from the files themselves: who calls whom, who depends on
//! what, what a service folder holds. Every check is a function over what was read and is shown to
//! find a mistake before it is believed to find none.

#![cfg(test)]

mod calls;
mod crates;
mod data_map;
mod documents;
mod folders;
mod names;
mod papers;
mod policies;
mod repository;
mod rule;
mod tls;
