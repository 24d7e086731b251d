//! One family after another, each after its honest form.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::{Instant, timeout, timeout_at};

use super::{
    consent::LONGEST,
    probe::{Family, Probe, Verdict},
    probes::{FAMILIES, is_chosen},
    report::{Outcome, Report},
    scene::Scene,
};
use crate::output::Progress;

/// A probe that takes longer tells nothing.
const PROBE: Duration = Duration::from_secs(90);

/// Runs all probes, or those that `only` names: by id, or by family.
pub(crate) async fn run(scene: &Scene, only: &[String]) -> Report {
    let progress = Progress::start("attacking");
    let until = Instant::now() + LONGEST;
    let mut outcomes = Vec::new();
    for family in FAMILIES {
        let chosen = family.probes.iter().filter(|probe| is_chosen(probe, only));
        let chosen: Vec<_> = chosen.collect();
        if chosen.is_empty() {
            continue;
        }
        let verdicts = match timeout_at(until, tried(scene, family, &chosen, &progress)).await {
            Ok(verdicts) => verdicts,
            Err(_) => all(&chosen, "the time of the attack was over"),
        };
        let told = chosen.into_iter().zip(verdicts);
        outcomes.extend(told.map(|(probe, verdict)| Outcome::of(probe, verdict)));
    }
    Report {
        target: format!("https://{}", scene.target.authority()),
        connections: scene.target.used(),
        outcomes,
    }
}

async fn tried(
    scene: &Scene,
    family: &Family,
    probes: &[&Probe],
    progress: &Progress,
) -> Vec<Verdict> {
    progress.step(format!("{}: the honest form", family.name));
    if let Err(error) = scene.recovered().await {
        return all(probes, &format!("the honest form does not work: {error:#}"));
    }
    if family.at_once {
        progress.step(format!("{}: {} probes at once", family.name, probes.len()));
        return join_all(probes.iter().map(|probe| one(scene, probe))).await;
    }
    let mut verdicts = Vec::new();
    for probe in probes {
        progress.step(format!("{}: {}", probe.id, probe.name));
        verdicts.push(one(scene, probe).await);
    }
    verdicts
}

async fn one(scene: &Scene, probe: &Probe) -> Verdict {
    match timeout(PROBE, (probe.run)(scene)).await {
        Ok(Ok(verdict)) => verdict,
        Ok(Err(error)) => Verdict::Inconclusive(format!("{error:#}")),
        Err(_) => Verdict::Inconclusive("it took too long".to_owned()),
    }
}

fn all(probes: &[&Probe], why: &str) -> Vec<Verdict> {
    let verdict = Verdict::Inconclusive(why.to_owned());
    vec![verdict; probes.len()]
}
