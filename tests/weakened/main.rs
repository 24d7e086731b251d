//! Every control, taken away. A control is a piece of the product's own source. In a copy of the
//! repository that piece is left out, what results is built and started, and the test that is said to
//! hold the control must fail there, by the words that say what got through. So no test of a control
//! can be one that never fails, and the product has no switch that turns a control off. What is told outside,
//! `attack::without::...`, must be found by `cargo strata attack` as well, and nothing else with it.

#![cfg(test)]

mod controls;
mod estate;

use std::{
    io::{self, Write as _},
    process::ExitCode,
    sync::{Arc, OnceLock},
};

use libtest_mimic::{Arguments, Trial};

use crate::{
    controls::{Control, Controls},
    estate::Weakened,
};

const WHY: &str = "each builds the estate again: ask for it with `-- --ignored`";

fn main() -> anyhow::Result<ExitCode> {
    let mut arguments = Arguments::from_args();
    // They share one copy.
    arguments.test_threads = Some(1);
    if !arguments.ignored && !arguments.include_ignored {
        writeln!(io::stderr(), "most are ignored, because {WHY}")?;
    }
    let controls = Arc::new(Controls::read()?);
    let estate = Arc::new(OnceLock::new());
    let mut trials = vec![
        checked(
            &controls,
            "each_is_one_piece_of_the_source",
            Controls::are_in_the_source,
        ),
        checked(
            &controls,
            "each_is_in_the_paper",
            Controls::are_in_the_paper,
        ),
        checked(
            &controls,
            "each_layer_of_a_stack_is_there",
            Controls::cover_the_stacks,
        ),
    ];
    let lacking = |name: String, control: Control| {
        let estate = Arc::clone(&estate);
        let trial = Trial::test(name, move || {
            let estate =
                estate.get_or_init(|| Weakened::new().map_err(|error| format!("{error:#}")));
            let estate = estate.as_ref()?;
            Ok(estate
                .lacks(&control)
                .map_err(|error| format!("{error:#}"))?)
        });
        trial.with_ignored_flag(true)
    };
    for control in controls.iter() {
        let name = format!("without::{}", control.name);
        if let Some(attacked) = control.attacked() {
            trials.push(lacking(format!("attack::{name}"), attacked));
        }
        let name = if control.is_of_the_attack() {
            format!("attack::{name}")
        } else {
            name
        };
        trials.push(lacking(name, control.clone()));
    }
    Ok(libtest_mimic::run(&arguments, trials).exit_code())
}

fn checked(
    controls: &Arc<Controls>,
    name: &str,
    check: fn(&Controls) -> anyhow::Result<()>,
) -> Trial {
    let controls = Arc::clone(controls);
    Trial::test(name, move || {
        Ok(check(&controls).map_err(|error| format!("{error:#}"))?)
    })
}
