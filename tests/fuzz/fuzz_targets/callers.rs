//! callers.toml.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use strata_fuzz_targets::{Callers, Target as _};

static TARGET: LazyLock<Callers> = LazyLock::new(|| Callers::new().unwrap());

fuzz_target!(|input: &[u8]| {
    TARGET.check(input).unwrap();
});
