//! The command line every service binary has.

use std::{
    error::Error,
    io::{self, Write},
    marker::PhantomData,
    path::{Path, PathBuf},
    pin::Pin,
    process::ExitCode,
};

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use strata_config::{Config, Environment, Manifest};
use strata_core::Tier;

use crate::{
    Ctx, Service,
    error::{BuildError, StartError},
    run::{self, Ended},
};

type Task = Box<dyn FnOnce(Config) -> Pin<Box<dyn Future<Output = Result<(), BuildError>>>>>;

/// A service binary: its manifest, how to build it, and its extra subcommands.
pub struct App<L, B> {
    manifest: &'static str,
    build: B,
    tasks: Vec<(&'static str, &'static str, Task)>,
    layer: PhantomData<L>,
}

impl<L, B, F> App<L, B>
where
    L: Tier,
    B: FnOnce(Ctx<L>) -> F,
    F: Future<Output = Result<Service<L>, BuildError>>,
{
    /// An app over the text of the service's own service.toml.
    pub const fn new(manifest: &'static str, build: B) -> Self {
        Self {
            manifest,
            build,
            tasks: Vec::new(),
            layer: PhantomData,
        }
    }

    /// Adds a subcommand that needs the configuration and nothing else, such as `seed`.
    #[must_use]
    pub fn task<T, R>(mut self, name: &'static str, about: &'static str, task: T) -> Self
    where
        T: FnOnce(Config) -> R + 'static,
        R: Future<Output = Result<(), BuildError>> + 'static,
    {
        self.tasks
            .push((name, about, Box::new(|config| Box::pin(task(config)))));
        self
    }

    /// Runs until a signal ends it. Every failure before serving is one line on stderr and exit
    /// code 1. So is a second signal, since what was under way is lost.
    pub fn run(self) -> ExitCode {
        let arguments = self.command_line().get_matches();
        match self.start(&arguments) {
            Ok(Ended::Drained) => ExitCode::SUCCESS,
            Ok(Ended::AtOnce) => ExitCode::FAILURE,
            Err(error) => {
                // Nothing is left to tell when stderr is gone.
                let _ = writeln!(io::stderr(), "error: {}", chain(&error));
                ExitCode::FAILURE
            }
        }
    }

    fn command_line(&self) -> Command {
        let mut command = Command::new(env!("CARGO_PKG_NAME"))
            .bin_name(binary_name())
            .about("One service of the estate. STRATA_ENV says which environment: dev, test, staging or prod.")
            .after_help("Example: STRATA_ENV=dev cargo run --bin system-customers -- --folder system-api/customers --print-config")
            .arg(
                Arg::new("folder")
                    .long("folder")
                    .value_name("DIR")
                    .help("The service's folder, with config/ and policy/")
                    .default_value(".")
                    .value_parser(value_parser!(PathBuf)),
            )
            .arg(
                Arg::new("print-config")
                    .long("print-config")
                    .help("Print the effective configuration, secrets redacted, and exit")
                    .action(ArgAction::SetTrue),
            )
            .arg(
                Arg::new("announce")
                    .long("announce")
                    .value_name("FILE")
                    .help("Once ready, write addresses and identity to this file as JSON")
                    .value_parser(value_parser!(PathBuf)),
            );
        for (name, about, _) in &self.tasks {
            command = command.subcommand(Command::new(name).about(about));
        }
        command
    }

    fn start(mut self, arguments: &ArgMatches) -> Result<Ended, StartError> {
        let announce = arguments
            .get_one::<PathBuf>("announce")
            .map(std::path::absolute);
        let announce = announce.transpose().map_err(StartError::Runtime)?;
        if let Some(folder) = arguments.get_one::<PathBuf>("folder") {
            std::env::set_current_dir(folder).map_err(|source| StartError::Folder {
                folder: folder.clone(),
                source,
            })?;
        }
        let environment = Environment::read(std::env::var("STRATA_ENV").ok().as_deref())?;
        let manifest = Manifest::in_force(self.manifest, Path::new("service.toml"))?;
        if manifest.layer != L::LAYER {
            return Err(StartError::Layer {
                declared: manifest.layer,
                built: L::LAYER,
            });
        }
        // What is no text stays recognisably wrong, so that the value is refused by its key.
        let variables = std::env::vars_os().map(|(name, value)| {
            (
                name.to_string_lossy().into_owned(),
                value.to_string_lossy().into_owned(),
            )
        });
        let config = Config::load(Path::new("."), &manifest, environment, variables)?;
        if arguments.get_flag("print-config") {
            return io::stdout()
                .write_all(config.print().as_bytes())
                .map(|()| Ended::Drained)
                .map_err(StartError::Runtime);
        }
        let runtime = tokio::runtime::Runtime::new().map_err(StartError::Runtime)?;
        if let Some(name) = arguments.subcommand_name() {
            let task = self.tasks.iter().position(|(task, ..)| *task == name);
            let (_, _, task) = task.map(|at| self.tasks.swap_remove(at)).ok_or_else(|| {
                StartError::Build(format!("there is no subcommand `{name}`").into())
            })?;
            let done = runtime.block_on(task(config));
            return done.map(|()| Ended::Drained).map_err(StartError::Build);
        }
        let ended = runtime.block_on(run::run(
            manifest,
            environment,
            config,
            announce,
            self.build,
        ));
        if let Ok(Ended::AtOnce) = ended {
            // Otherwise what blocks a thread of its own would be waited for.
            runtime.shutdown_background();
        }
        ended
    }
}

/// Errors with what caused them, on one line.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(source) = cause {
        let source_text = source.to_string();
        if !text.contains(&source_text) {
            text.push_str(": ");
            text.push_str(&source_text);
        }
        cause = source.source();
    }
    text
}

fn binary_name() -> String {
    std::env::args_os()
        .next()
        .and_then(|path| {
            Path::new(&path)
                .file_name()
                .map(|name| name.to_string_lossy().into())
        })
        .unwrap_or_default()
}
