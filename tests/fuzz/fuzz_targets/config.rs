//! A service's configuration.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use strata_fuzz_targets::{Config, Target as _};

static TARGET: LazyLock<Config> = LazyLock::new(|| Config::new().unwrap());

fuzz_target!(|input: &[u8]| {
    TARGET.check(input).unwrap();
});
