//! Generates the contract from its protos.

fn main() -> std::process::ExitCode {
    strata_codegen::contract()
}
