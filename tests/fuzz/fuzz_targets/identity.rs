//! SPIFFE IDs, and the certificates that carry them.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use strata_fuzz_targets::{Identity, Target as _};

static TARGET: LazyLock<Identity> = LazyLock::new(|| Identity::new().unwrap());

fuzz_target!(|input: &[u8]| {
    TARGET.check(input).unwrap();
});
