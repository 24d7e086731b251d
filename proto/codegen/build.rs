//! Compiles the annotations, so that codegen reads them through the types `options.proto` declares.

use std::{error::Error, path::Path};

fn main() -> Result<(), Box<dyn Error>> {
    let options = Path::new(env!("CARGO_MANIFEST_DIR")).join("../options");
    println!("cargo::rerun-if-changed={}", options.display());
    let files = protox::compile(
        ["google/api/http.proto", "strata/options/v1/options.proto"],
        [options],
    )?;
    prost_build::Config::new().compile_fds(files)?;
    Ok(())
}
