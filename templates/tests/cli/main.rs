//! The command line as a user meets it: the real binary, its output and its exit code.

#![cfg(test)]

mod attack;
mod audit;
mod catalogue;
mod check;
mod data_map;
mod export;
mod graph;
mod manifest;
mod openapi;
mod pentest;
mod pki;
mod sample;
mod strata;
mod up;
mod usage;
