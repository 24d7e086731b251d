//! The `support-desk` service. What it is made of is in lib.rs.

use std::process::ExitCode;

use strata_service::App;

fn main() -> ExitCode {
    App::new(
        include_str!("../service.toml"),
        experience_support_desk::build,
    )
    .run()
}
