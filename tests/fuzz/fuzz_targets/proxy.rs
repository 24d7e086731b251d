//! The PROXY protocol, version 2.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use strata_fuzz_targets::{Proxy, Target as _};

static TARGET: LazyLock<Proxy> = LazyLock::new(|| Proxy::new().unwrap());

fuzz_target!(|input: &[u8]| {
    TARGET.check(input).unwrap();
});
