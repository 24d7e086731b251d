//! What fuzzing has found so far, fed again: every input of the corpora holds every property that is asked
//! of it (`targets`), and what honest peers send is accepted.

#![cfg(test)]

use std::{fs, path::PathBuf};

use strata_fuzz_targets::{
    Audit, Callers, Config, Identity, Json, Mask, Proxy, Target, Token, Verdict,
};

/// Where the inputs of a target are kept.
fn corpus<T: Target>() -> PathBuf {
    strata_tests::programs::source("fuzz/corpus")
        .unwrap()
        .join(T::NAME)
}

fn replay<T: Target>() {
    let target = T::new().unwrap();
    for (number, input) in target.honest().unwrap().iter().enumerate() {
        let verdict = target.check(input).unwrap();
        assert_eq!(verdict, Verdict::Accepted, "{} {number}", T::NAME);
    }
    let mut refused = 0;
    for entry in fs::read_dir(corpus::<T>()).unwrap() {
        let file = entry.unwrap().path();
        let verdict = target.check(&fs::read(&file).unwrap());
        let verdict = verdict.unwrap_or_else(|error| panic!("{}: {error:#}", file.display()));
        refused += usize::from(verdict == Verdict::Refused);
    }
    assert!(refused > 0, "no input of {} is refused", T::NAME);
}

#[test]
fn identity() {
    replay::<Identity>();
}

#[test]
fn proxy() {
    replay::<Proxy>();
}

#[test]
fn config() {
    replay::<Config>();
}

#[test]
fn token() {
    replay::<Token>();
}

#[test]
fn json() {
    replay::<Json>();
}

#[test]
fn mask() {
    replay::<Mask>();
}

#[test]
fn audit() {
    replay::<Audit>();
}

#[test]
fn callers() {
    replay::<Callers>();
}

fn plant_of<T: Target>() {
    let folder = corpus::<T>();
    fs::create_dir_all(&folder).unwrap();
    let inputs = T::new().unwrap().honest().unwrap();
    for (number, input) in inputs.iter().enumerate() {
        fs::write(folder.join(format!("honest-{number}")), input).unwrap();
    }
}

#[test]
#[ignore = "writes what honest peers send into the corpora, for fuzzing to start from"]
fn plant() {
    plant_of::<Identity>();
    plant_of::<Proxy>();
    plant_of::<Config>();
    plant_of::<Token>();
    plant_of::<Json>();
    plant_of::<Mask>();
    plant_of::<Audit>();
    plant_of::<Callers>();
}
