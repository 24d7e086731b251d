//! Load as users make it: at a constant rate, whether or not answers come (an open loop), so that a
//! pause of the estate shows in the latency of every request it delays.

mod client;
mod records;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Request, StatusCode};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until, timeout_at},
};
use tokio_util::sync::CancellationToken;

pub use self::{
    client::Client,
    records::{Outcome, Record, Records},
};

/// How long a user waits: longer than any deadline of the estate.
pub const PATIENCE: Duration = Duration::from_secs(15);

/// One request about to be sent.
pub struct Ask {
    /// What it is counted as.
    pub kind: &'static str,
    /// Who sends it.
    pub client: Arc<Client>,
    /// It.
    pub request: Request<Bytes>,
    /// Whether the body of a 200 is a whole answer.
    pub is_whole: fn(&[u8]) -> bool,
}

/// A load under way.
pub struct Load {
    stop: CancellationToken,
    records: mpsc::UnboundedReceiver<Record>,
}

impl Load {
    /// Sends what `next` makes, `rate` requests per second, until finished.
    pub fn start(rate: u32, mut next: impl FnMut(u64) -> Ask + Send + 'static) -> Self {
        let stop = CancellationToken::new();
        let (sink, records) = mpsc::unbounded_channel();
        let period = Duration::from_secs(1) / rate;
        tokio::spawn(stop.clone().run_until_cancelled_owned(async move {
            let mut scheduled = Instant::now();
            for number in 0.. {
                sleep_until(scheduled).await;
                tokio::spawn(ask(next(number), scheduled, sink.clone()));
                scheduled += period;
            }
        }));
        Self { stop, records }
    }

    /// Sends no more, and waits for what is under way.
    pub async fn finish(mut self) -> Records {
        self.stop.cancel();
        let mut records = Vec::new();
        while let Some(record) = self.records.recv().await {
            records.push(record);
        }
        records.sort_unstable_by_key(|record: &Record| record.scheduled);
        Records(records)
    }
}

async fn ask(ask: Ask, scheduled: Instant, sink: mpsc::UnboundedSender<Record>) {
    let answer = timeout_at(scheduled + PATIENCE, ask.client.ask(ask.request)).await;
    let outcome = match answer {
        Ok(Ok((StatusCode::OK, body))) if (ask.is_whole)(&body) => Outcome::Answered,
        Ok(Ok((StatusCode::OK, _))) => Outcome::Broken("half an answer".to_owned()),
        Ok(Ok((status, _))) => Outcome::Refused(status.as_u16()),
        Ok(Err(error)) => Outcome::Broken(format!("{error:#}")),
        Err(_) => Outcome::Unanswered,
    };
    let _gone = sink.send(Record {
        kind: ask.kind,
        scheduled,
        finished: Instant::now(),
        outcome,
    });
}
