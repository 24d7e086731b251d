//! CPU per request of the estate beside that of the bare chain, in one run.

use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use strata_core::Layer;
use strata_estate::Workspace;
use strata_tests::Rig;

use crate::{
    bare::{Chain, SERVICES},
    machine, report,
    users::{User, Users},
};

pub(crate) const OVERVIEW: &str = "/v1/me/overview";
const METHOD: &str = "GetMyOverview";

/// As many as the demo data has.
const CUSTOMERS: usize = 1_000;
const ROUNDS: usize = 7;
/// Of a round, of each side in turn: what else the machine does comes and goes, and so meets both.
const SLICES: usize = 16;
const REQUESTS: usize = 500;
const IN_A_ROUND: usize = SLICES * REQUESTS;
/// So that every user's token has been seen and every connection is open.
const WARM_UP: usize = 2_000;
/// Answers that are compared before anything is measured.
const COMPARED: usize = 50;

/// The most the estate may cost.
const HIGHEST: f64 = 1.20;

/// One side of the comparison.
struct Side {
    users: Users,
    pids: Vec<u32>,
    /// Microseconds of CPU per request: by round, then by service.
    rounds: Vec<Vec<f64>>,
    /// Requests measured so far: the next are of the next users.
    sent: usize,
}

pub(crate) async fn a_request_costs_little_more_than_bare() -> Result<()> {
    ensure!(
        !cfg!(debug_assertions),
        "what is measured without optimisation says nothing: add --release"
    );
    let rig = Rig::start().await?;
    let measured = measure(&rig).await;
    rig.stop().await;
    let (estate, bare, cold) = measured?;
    let text = table(&estate, &bare, cold);
    println!("{text}");
    report::write(Workspace::find()?.root(), "ratio", &text)?;
    let [_, ratio, _] = spread(&ratios(&estate, &bare));
    ensure!(
        ratio <= HIGHEST,
        "the estate costs {ratio:.2} times the bare chain: at most {HIGHEST} is agreed"
    );
    Ok(())
}

/// Both sides, and what a request of the estate costs whose token nobody has seen.
async fn measure(rig: &Rig) -> Result<(Side, Side, f64)> {
    let methods = rig.contracts.methods(Layer::Experience, "storefront");
    let method = methods.iter().find(|method| method.name == METHOD);
    let scopes = &method.context("the method is gone")?.scopes;
    let users = (1..=CUSTOMERS).map(|number| {
        let id = format!("cus_{number:06}");
        let token = format!("Bearer {}", rig.token_with(&id, scopes)?);
        Ok(User { id, token })
    });
    let users: Arc<[User]> = users.collect::<Result<Vec<_>>>()?.into();
    let chain = Chain::start(rig).await?;
    let ca = rig.estate.edge_ca();
    let pids = SERVICES.map(|service| rig.estate.service(service).ok()?.pid());
    let pids: Option<Vec<u32>> = pids.into_iter().collect();
    let mut estate = Side {
        users: Users::connect(
            &rig.estate.edge_url("storefront")?,
            OVERVIEW,
            &ca,
            users.clone(),
        )
        .await?,
        pids: pids.context("a service has ended")?,
        rounds: Vec::new(),
        sent: 0,
    };
    let mut bare = Side {
        users: Users::connect(&chain.url()?, OVERVIEW, &ca, users).await?,
        pids: chain.pids(),
        rounds: Vec::new(),
        sent: 0,
    };
    for user in 0..COMPARED {
        let (one, other) = (
            estate.users.answer(user).await?,
            bare.users.answer(user).await?,
        );
        ensure!(one == other, "the chains answer user {user} differently");
    }
    estate.users.send(0, WARM_UP).await?;
    bare.users.send(0, WARM_UP).await?;
    for _ in 0..ROUNDS {
        estate.begin();
        bare.begin();
        for slice in 0..SLICES {
            // Each is first as often as second.
            if slice % 2 == 0 {
                estate.slice().await?;
                bare.slice().await?;
            } else {
                bare.slice().await?;
                estate.slice().await?;
            }
        }
    }
    let strangers = (0..IN_A_ROUND).map(|number| {
        let id = format!("cus_{:06}", number % CUSTOMERS + 1);
        let token = format!("Bearer {}", rig.token_with(&id, scopes)?);
        Ok(User { id, token })
    });
    let strangers: Arc<[User]> = strangers.collect::<Result<Vec<_>>>()?.into();
    let url = rig.estate.edge_url("storefront")?;
    let mut cold = Side {
        users: Users::connect(&url, OVERVIEW, &ca, strangers).await?,
        pids: estate.pids.clone(),
        rounds: Vec::new(),
        sent: 0,
    };
    cold.begin();
    for _ in 0..SLICES {
        cold.slice().await?;
    }
    let [_, cold, _] = spread(&cold.totals());
    Ok((estate, bare, cold))
}

impl Side {
    fn begin(&mut self) {
        self.rounds.push(vec![0.0; self.pids.len()]);
    }

    /// Adds to the round that has begun what some requests cost.
    async fn slice(&mut self) -> Result<()> {
        let cpu = |pids: &[u32]| -> Result<Vec<f64>> {
            let pids = pids.iter();
            pids.map(|&pid| machine::cpu_microseconds(pid)).collect()
        };
        let before = cpu(&self.pids)?;
        self.users.send(self.sent, REQUESTS).await?;
        self.sent += REQUESTS;
        let after = cpu(&self.pids)?;
        let round = self.rounds.last_mut().context("no round has begun")?;
        for (sum, (after, before)) in round.iter_mut().zip(after.iter().zip(&before)) {
            *sum += (after - before) / IN_A_ROUND as f64;
        }
        Ok(())
    }

    fn totals(&self) -> Vec<f64> {
        self.rounds.iter().map(|round| round.iter().sum()).collect()
    }

    fn of(&self, service: usize) -> Vec<f64> {
        let rounds = self.rounds.iter();
        rounds.map(|round| round[service]).collect()
    }
}

fn ratios(estate: &Side, bare: &Side) -> Vec<f64> {
    let pairs = estate.totals().into_iter().zip(bare.totals());
    pairs.map(|(estate, bare)| estate / bare).collect()
}

/// Lowest, median, highest.
fn spread(figures: &[f64]) -> [f64; 3] {
    let mut figures = figures.to_vec();
    figures.sort_by(f64::total_cmp);
    [
        figures[0],
        figures[figures.len() / 2],
        figures[figures.len() - 1],
    ]
}

fn table(estate: &Side, bare: &Side, cold: f64) -> String {
    let mut lines = vec![
        format!("Measured on {}.", machine::description()),
        format!(
            "{ROUNDS} rounds of {IN_A_ROUND} requests each, {REQUESTS} at a time in turn, of {CUSTOMERS} users; \
             CPU of the processes in microseconds per request, median (lowest to highest)."
        ),
        String::new(),
        "| service | estate | bare chain | ratio |".to_owned(),
        "|---|---|---|---|".to_owned(),
    ];
    let cell = |figures: &[f64]| {
        let [low, median, high] = spread(figures);
        format!("{median:.1} ({low:.1} to {high:.1})")
    };
    let mut row = |name: &str, estate: &[f64], bare: &[f64]| {
        let ratios: Vec<f64> = estate
            .iter()
            .zip(bare)
            .map(|(one, two)| one / two)
            .collect();
        let [low, median, high] = spread(&ratios);
        lines.push(format!(
            "| {name} | {} | {} | {median:.2} ({low:.2} to {high:.2}) |",
            cell(estate),
            cell(bare)
        ));
    };
    for (position, service) in SERVICES.iter().enumerate() {
        row(service, &estate.of(position), &bare.of(position));
    }
    row("**all**", &estate.totals(), &bare.totals());
    let [_, bare, _] = spread(&bare.totals());
    lines.push(format!(
        "\nWith an access token that nobody has seen before, each request: {cold:.1}, {:.2} times the bare \
         chain.",
        cold / bare
    ));
    lines.join("\n")
}
