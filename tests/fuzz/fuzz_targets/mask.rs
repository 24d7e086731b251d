//! Masking.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use strata_fuzz_targets::{Mask, Target as _};

static TARGET: LazyLock<Mask> = LazyLock::new(|| Mask::new().unwrap());

fuzz_target!(|input: &[u8]| {
    TARGET.check(input).unwrap();
});
