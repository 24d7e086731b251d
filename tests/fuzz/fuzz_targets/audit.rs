//! The verification of audit trails.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use strata_fuzz_targets::{Audit, Target as _};

static TARGET: LazyLock<Audit> = LazyLock::new(|| Audit::new().unwrap());

fuzz_target!(|input: &[u8]| {
    TARGET.check(input).unwrap();
});
