//! One file per command.

pub(crate) mod attack;
pub(crate) mod audit;
pub(crate) mod catalogue;
pub(crate) mod check;
pub(crate) mod data_map;
pub(crate) mod events;
pub(crate) mod graph;
pub(crate) mod manifest;
pub(crate) mod new;
pub(crate) mod openapi;
pub(crate) mod pentest;
pub(crate) mod pki;
pub(crate) mod token;
pub(crate) mod up;
