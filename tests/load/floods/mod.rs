//! Each flood of the catalogue against a real service, with honest users beside it: refused, counted,
//! no user harmed, memory bounded. What it costs those users is compared, in one run, with what the
//! same attacker costs them while it loads an idle sink.

mod attacker;
mod attacks;
mod requests;
mod sink;
mod target;

use std::{fmt, time::Duration};

use anyhow::{Result, ensure};
use strata_tests::Rig;

use self::{
    attacks::FLOODS,
    target::{Measured, Target},
};
use crate::machine;

/// Of users beside a flood, of what it is beside a sink.
const MOST: f64 = 2.0;
/// A service may use so much more memory for as long as a flood lasts.
const MEMORY: u64 = 64 << 20;
/// The machine has other work: a ratio is measured this often, and the median counts.
const ROUNDS: usize = 3;

/// Whether this process is one of the other parties of a flood, and has been it.
pub(crate) fn has_role() -> Result<bool> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [attacker::ROLE, plan] => runtime.block_on(attacker::run(plan))?,
        [sink::ROLE, certificate, key] => {
            runtime.block_on(sink::run(certificate.as_ref(), key.as_ref()))?;
        }
        _ => return Ok(false),
    }
    Ok(true)
}

pub(crate) async fn each_is_refused_and_harms_nobody_else() -> Result<()> {
    let rig = Rig::start().await?;
    let target = Target::start(&rig).await?;
    println!("{}\n{}", machine::description(), Row::HEAD);
    let mut broken = Vec::new();
    // `FLOOD=R5` measures that one alone.
    let only = std::env::var("FLOOD").unwrap_or_default();
    for flood in FLOODS.iter().filter(|flood| flood.name.contains(&only)) {
        let mut rows = Vec::new();
        while rows.len() < ROUNDS {
            let beside_sink = target.beside_sink(flood).await?;
            let beside_flood = target.beside_flood(flood).await?;
            let row = Row {
                name: format!("{} ({:?})", flood.name, flood.at),
                sink: beside_sink,
                flood: beside_flood,
            };
            println!("{row}");
            rows.push(row);
        }
        broken.extend(rows.iter().flat_map(Row::faults));
        let mut ratios: Vec<_> = rows.iter().map(Row::ratio).collect();
        ratios.sort_unstable_by(f64::total_cmp);
        let ratio = ratios.get(ROUNDS / 2).copied().unwrap_or_default();
        if ratio >= MOST {
            broken.push(format!("{}: p99 is {ratio:.1} times as long", flood.name));
        }
    }
    drop(target);
    rig.stop().await;
    ensure!(broken.is_empty(), "{}", broken.join("\n"));
    Ok(())
}

struct Row {
    name: String,
    sink: Measured,
    flood: Measured,
}

impl Row {
    const HEAD: &str = "flood                                p99 sink  p99 flood  ratio  failed  counted  memory before, most";

    fn ratio(&self) -> f64 {
        let [sink, flood] = [&self.sink, &self.flood].map(|measured| measured.p99.as_secs_f64());
        flood / sink.max(0.001)
    }

    fn faults(&self) -> Vec<String> {
        let Self { name, flood, .. } = self;
        let grown = flood.most.saturating_sub(flood.before);
        [
            (
                flood.failed > 0,
                format!("{} of {}", flood.failed, flood.asked),
            ),
            (flood.late > 0, format!("{} answers were late", flood.late)),
            (
                flood.passed_on > 0,
                format!("passed on {} times", flood.passed_on),
            ),
            (flood.counted == 0, "the flood is not counted".to_owned()),
            (
                grown > MEMORY,
                format!("memory grew by {} MiB", grown >> 20),
            ),
        ]
        .into_iter()
        .filter(|(broken, _)| *broken)
        .map(|(_, what)| format!("{name}: {what}"))
        .collect()
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let milliseconds = |time: Duration| time.as_secs_f64() * 1e3;
        write!(
            f,
            "{:36} {:5.1} ms   {:5.1} ms  {:5.2}  {:6}  {:7}  {} MiB, {} MiB {}",
            self.name,
            milliseconds(self.sink.p99),
            milliseconds(self.flood.p99),
            self.ratio(),
            self.flood.failed,
            self.flood.counted,
            self.flood.before >> 20,
            self.flood.most >> 20,
            self.flood.what,
        )
    }
}
