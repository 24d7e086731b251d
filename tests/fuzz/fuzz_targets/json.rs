//! Requests and messages by the protobuf JSON mapping.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use strata_fuzz_targets::{Json, Target as _};

static TARGET: LazyLock<Json> = LazyLock::new(|| Json::new().unwrap());

fuzz_target!(|input: &[u8]| {
    TARGET.check(input).unwrap();
});
