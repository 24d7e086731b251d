//! What one flood came to, over several rounds.

use std::{fmt, time::Duration};

use super::{attacks::Flood, target::Measured};

/// Of users beside a flood, of what it is beside a sink.
const MOST: f64 = 2.0;
/// A service may use so much more memory for as long as a flood lasts.
const MEMORY: u64 = 64 << 20;

/// One flood's rounds. Displayed as a row of a table, with medians.
pub(super) struct Rounds {
    name: String,
    rounds: Vec<Round>,
}

/// Users beside a sink, and then beside the flood.
pub(super) struct Round {
    name: String,
    sink: Measured,
    flood: Measured,
}

impl Rounds {
    pub(super) const HEAD: &str = "| flood | at | p99 beside a sink | beside the flood | ratio | \
        counted | memory grew by |\n|---|---|---|---|---|---|---|";

    pub(super) fn of(flood: &Flood) -> Self {
        Self {
            name: format!("{} | {:?}", flood.name, flood.at),
            rounds: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, sink: Measured, flood: Measured) {
        let name = self.name.clone();
        let round = Round { name, sink, flood };
        println!("{round}");
        self.rounds.push(round);
    }

    /// What must not be, in words.
    pub(super) fn faults(&self) -> Vec<String> {
        let mut faults: Vec<_> = self.rounds.iter().flat_map(Round::faults).collect();
        let ratio = self.median(Round::ratio);
        if ratio >= MOST {
            faults.push(format!("{}: p99 is {ratio:.1} times as long", self.name));
        }
        faults
    }

    /// The machine has other work: the median counts.
    fn median(&self, of: impl Fn(&Round) -> f64) -> f64 {
        let values = self.sorted(of);
        values.get(values.len() / 2).copied().unwrap_or_default()
    }

    fn sorted(&self, of: impl Fn(&Round) -> f64) -> Vec<f64> {
        let mut values: Vec<_> = self.rounds.iter().map(of).collect();
        values.sort_unstable_by(f64::total_cmp);
        values
    }
}

impl fmt::Display for Rounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ratios = self.sorted(Round::ratio);
        write!(
            f,
            "| {} | {:.1} ms | {:.1} ms | {:.2} ({:.2} to {:.2}) | {} | {} MiB |",
            self.name,
            self.median(|round| milliseconds(round.sink.p99)),
            self.median(|round| milliseconds(round.flood.p99)),
            self.median(Round::ratio),
            ratios.first().copied().unwrap_or_default(),
            ratios.last().copied().unwrap_or_default(),
            self.median(|round| round.flood.counted as f64),
            self.median(|round| (round.grown() >> 20) as f64),
        )
    }
}

impl Round {
    pub(super) const HEAD: &str = "flood                                  p99 sink  p99 flood  \
        ratio  failed  counted  memory before, most";

    fn ratio(&self) -> f64 {
        let [sink, flood] = [&self.sink, &self.flood].map(|measured| measured.p99.as_secs_f64());
        flood / sink.max(0.001)
    }

    const fn grown(&self) -> u64 {
        self.flood.most.saturating_sub(self.flood.before)
    }

    fn faults(&self) -> Vec<String> {
        let Self { name, flood, .. } = self;
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
                self.grown() > MEMORY,
                format!("memory grew by {} MiB", self.grown() >> 20),
            ),
        ]
        .into_iter()
        .filter(|(broken, _)| *broken)
        .map(|(_, what)| format!("{name}: {what}"))
        .collect()
    }
}

impl fmt::Display for Round {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:38} {:5.1} ms   {:5.1} ms  {:5.2}  {:6}  {:7}  {} MiB, {} MiB {}",
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

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
