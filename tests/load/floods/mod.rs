//! Each flood of the catalogue against a real service, with honest users beside it: refused, counted,
//! no user harmed, memory bounded. What it costs those users is compared, in one run, with what the
//! same attacker costs them while it loads an idle sink.

mod attacker;
mod attacks;
mod requests;
mod rounds;
mod sink;
mod target;

use anyhow::{Result, ensure};
use strata_estate::Workspace;
use strata_tests::Rig;

use self::{
    attacks::{FLOODS, Flood},
    rounds::{Round, Rounds},
    target::Target,
};
use crate::{machine, report};

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
    println!("{}\n{}", machine::description(), Round::HEAD);
    let (mut broken, mut published) = (Vec::new(), vec![Rounds::HEAD.to_owned()]);
    // `FLOOD=R5,R7` measures those alone, and publishes nothing.
    let only = std::env::var("FLOOD").unwrap_or_default();
    let is_asked = |flood: &&Flood| only.split(',').any(|name| flood.name.contains(name));
    for flood in FLOODS.iter().filter(is_asked) {
        let mut rounds = Rounds::of(flood);
        for _ in 0..ROUNDS {
            let sink = target.beside_sink(flood).await?;
            let flooded = target.beside_flood(flood).await?;
            rounds.add(sink, flooded);
        }
        broken.extend(rounds.faults());
        println!("{rounds}");
        published.push(rounds.to_string());
    }
    if only.is_empty() {
        let text = format!(
            "Measured on {}.\n\n{}",
            machine::description(),
            published.join("\n")
        );
        report::write(Workspace::find()?.root(), "floods", &text)?;
    }
    drop(target);
    rig.stop().await;
    ensure!(broken.is_empty(), "{}", broken.join("\n"));
    Ok(())
}
