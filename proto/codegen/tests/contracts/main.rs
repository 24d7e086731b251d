//! The checks over all contracts of an estate, as the command line runs them.

#![cfg(test)]

mod estate;
mod sets;
mod unchanged;
