//! A suite: its cases run one after another on one estate, because they compare its counters and
//! stop its services. The estate starts with the first case and stops after the last.

use std::{
    io::{self, Write as _},
    pin::Pin,
    process::ExitCode,
    sync::{Arc, OnceLock},
};

use anyhow::{Context as _, Result};
use libtest_mimic::{Arguments, Failed, Trial};
use tokio::{
    runtime::Runtime,
    signal::unix::{SignalKind, signal},
    sync::Mutex,
};
use tokio_util::sync::CancellationToken;

use crate::rig::Rig;

/// A case and its name. Made by [`cases`](crate::cases).
pub struct Case {
    /// `module::function`.
    pub name: &'static str,
    /// Fails by panicking.
    pub run: for<'a> fn(&'a mut Rig) -> Pin<Box<dyn Future<Output = ()> + 'a>>,
}

/// Cases from async functions of one argument, `&mut Rig`, in the order they run.
#[macro_export]
macro_rules! cases {
    ($($module:ident::$case:ident),+ $(,)?) => {
        vec![$($crate::Case {
            name: concat!(stringify!($module), "::", stringify!($case)),
            run: |rig| Box::pin($module::$case(rig)),
        }),+]
    };
}

/// A trial that needs no estate.
#[must_use]
pub fn check(name: &str, check: fn() -> Result<()>) -> Trial {
    Trial::test(name, move || {
        check().map_err(|error| Failed::from(format!("{error:#}")))
    })
}

/// The `main` of a suite: understands the arguments of `cargo test`.
///
/// # Errors
/// When not even a runtime can be started.
pub fn run(cases: Vec<Case>) -> Result<ExitCode> {
    run_over(Vec::new(), cases, None)
}

/// The same, with checks made by [`check`] before the cases.
///
/// # Errors
/// When not even a runtime can be started.
pub fn run_after(checks: Vec<Trial>, cases: Vec<Case>) -> Result<ExitCode> {
    run_over(checks, cases, None)
}

/// The `main` of a suite that runs long: only when asked to, by `-- --ignored`. Otherwise it says
/// `why`.
///
/// # Errors
/// When not even a runtime can be started.
pub fn run_on_demand(cases: Vec<Case>, why: &str) -> Result<ExitCode> {
    run_over(Vec::new(), cases, Some(why))
}

fn run_over(mut trials: Vec<Trial>, cases: Vec<Case>, why: Option<&str>) -> Result<ExitCode> {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(1);
    if let Some(why) = why.filter(|_| !arguments.ignored && !arguments.include_ignored) {
        let said = writeln!(
            io::stderr(),
            "ignored, because {why}: ask for it with `-- --ignored`"
        );
        said.context("stderr is closed")?;
    }
    let suite = Arc::new(Suite::new()?);
    trials.extend(cases.into_iter().map(|case| {
        let suite = Arc::clone(&suite);
        let trial = Trial::test(case.name, move || suite.run(&case));
        trial.with_ignored_flag(why.is_some())
    }));
    let conclusion = libtest_mimic::run(&arguments, trials);
    if let Some(suite) = Arc::into_inner(suite) {
        suite.stop();
    }
    Ok(conclusion.exit_code())
}

struct Suite {
    runtime: Runtime,
    rig: OnceLock<Result<Mutex<Rig>, String>>,
    interrupted: CancellationToken,
}

impl Suite {
    fn new() -> Result<Self> {
        let runtime = Runtime::new().context("the runtime cannot start")?;
        let interrupted = CancellationToken::new();
        runtime.block_on(cancel_at_interrupt(interrupted.clone()))?;
        Ok(Self {
            runtime,
            rig: OnceLock::new(),
            interrupted,
        })
    }

    fn run(&self, case: &Case) -> Result<(), Failed> {
        let rig = self.rig.get_or_init(|| self.start()).as_ref()?;
        let ran = async { (case.run)(&mut *rig.lock().await).await };
        self.runtime
            .block_on(self.interrupted.run_until_cancelled(ran))
            .ok_or_else(|| Failed::from("interrupted"))
    }

    fn start(&self) -> Result<Mutex<Rig>, String> {
        let starting = self.interrupted.run_until_cancelled(Rig::start());
        match self.runtime.block_on(starting) {
            Some(Ok(rig)) => Ok(Mutex::new(rig)),
            Some(Err(error)) => Err(format!("{error:#}")),
            None => Err("interrupted".to_owned()),
        }
    }

    fn stop(self) {
        if let Some(Ok(rig)) = self.rig.into_inner() {
            self.runtime.block_on(rig.into_inner().stop());
        }
    }
}

/// An interrupt ends the case under way and fails the rest, so that the services are stopped.
async fn cancel_at_interrupt(interrupted: CancellationToken) -> Result<()> {
    let mut terminal = signal(SignalKind::interrupt()).context("signals cannot be watched")?;
    let mut system = signal(SignalKind::terminate()).context("signals cannot be watched")?;
    tokio::spawn(async move {
        tokio::select! {
            _ = terminal.recv() => {}
            _ = system.recv() => {}
        }
        interrupted.cancel();
    });
    Ok(())
}
