//! The one place that prints. Data goes to stdout, everything else to stderr; colours appear on a
//! terminal only.

use std::{
    fmt::{self, Display, Formatter},
    io::{self, Write as _},
    process::ExitCode,
    time::Duration,
};

use anstyle::{AnsiColor, Style};
use anyhow::Result;
use comfy_table::{Table, presets::UTF8_BORDERS_ONLY};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use strata_estate::paper::Paper;

const ERROR: Style = AnsiColor::Red.on_default().bold();
const STRONG: Style = Style::new().bold();

/// Prints a line of text.
pub(crate) fn line(text: &str) -> Result<()> {
    Ok(writeln!(anstream::stdout(), "{text}")?)
}

/// Prints a line that stands out.
pub(crate) fn heading(text: &str) -> Result<()> {
    Ok(writeln!(anstream::stdout(), "{STRONG}{text}{STRONG:#}")?)
}

/// Prints a line that nobody is to overlook.
pub(crate) fn alarm(text: &str) -> Result<()> {
    Ok(writeln!(anstream::stdout(), "{ERROR}{text}{ERROR:#}")?)
}

/// Writes committed papers, and prints which.
pub(crate) fn write(papers: &[Paper]) -> Result<()> {
    papers.iter().try_for_each(|paper| {
        paper.write()?;
        line(&format!("wrote {}", paper.file.display()))
    })
}

/// Prints data for programs, on one line.
pub(crate) fn json(data: &impl Serialize) -> Result<()> {
    line(&serde_json::to_string(data)?)
}

/// Prints data for programs and people, indented.
pub(crate) fn pretty_json(data: &impl Serialize) -> Result<()> {
    line(&serde_json::to_string_pretty(data)?)
}

/// Prints a table.
pub(crate) fn table<const N: usize>(
    header: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> Result<()> {
    let mut table = Table::new();
    table.load_preset(UTF8_BORDERS_ONLY).set_header(header);
    table.add_rows(rows);
    line(&table.to_string())
}

/// Says something that is not data.
pub(crate) fn note(text: &str) {
    let _unseen = writeln!(anstream::stderr(), "{text}");
}

/// What a command that judges fails with when it came to no judgement: exit code 2, where 1 is a bad one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NoJudgement;

impl Display for NoJudgement {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str("nothing was found out")
    }
}

/// Says why the command failed, if it did. A reader that has gone away (`| head`) is no failure.
pub(crate) fn exit_code(outcome: Result<()>) -> ExitCode {
    let Err(error) = outcome else {
        return ExitCode::SUCCESS;
    };
    let failure = match error.downcast_ref::<NoJudgement>() {
        Some(NoJudgement) => ExitCode::from(2),
        None => ExitCode::FAILURE,
    };
    if let Some(usage) = error.downcast_ref::<clap::Error>() {
        let _unseen = usage.print();
        return if usage.use_stderr() {
            failure
        } else {
            ExitCode::SUCCESS
        };
    }
    let cause = error.root_cause().downcast_ref::<io::Error>();
    if cause.is_some_and(|cause| cause.kind() == io::ErrorKind::BrokenPipe) {
        return ExitCode::SUCCESS;
    }
    note(&format!("{ERROR}error:{ERROR:#} {error:#}"));
    failure
}

/// Shows on a terminal that something is going on, and what.
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// Starts showing.
    pub(crate) fn start(message: &'static str) -> Self {
        let bar = ProgressBar::new_spinner().with_message(message);
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} [{elapsed}]") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(100));
        Self(bar)
    }

    /// What is going on now.
    pub(crate) fn step(&self, message: String) {
        self.0.set_message(message);
    }

    /// A line that stays.
    pub(crate) fn note(&self, text: &str) {
        self.0.suspend(|| note(text));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
