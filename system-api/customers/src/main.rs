//! The `customers` service. What it is made of is in lib.rs.

use std::process::ExitCode;

use strata_service::App;

fn main() -> ExitCode {
    App::new(include_str!("../service.toml"), system_customers::build)
        .task(
            "seed",
            "Replace the store's content with demo data",
            system_customers::seed,
        )
        .run()
}
