//! A stretch of network between two services. It can lose what comes back, fall silent, be cut, or lead
//! elsewhere.

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::{Context as _, Result};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
};
use tokio_util::sync::{CancellationToken, DropGuard};

/// Passes bytes on until dropped.
pub struct Relay {
    /// Where it takes connections.
    pub address: SocketAddr,
    way: watch::Sender<Way>,
    connections: watch::Sender<CancellationToken>,
    _shutdown: DropGuard,
}

#[derive(Clone, Copy)]
struct Way {
    to: SocketAddr,
    condition: Condition,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Condition {
    Whole,
    LosesAnswers,
    Silent,
    Parted,
}

impl Relay {
    /// To a service.
    ///
    /// # Errors
    /// When it cannot listen.
    pub async fn start(to: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let listener = listener.context("the relay cannot listen")?;
        let address = listener.local_addr()?;
        let condition = Condition::Whole;
        let (way, seen) = watch::channel(Way { to, condition });
        let (connections, current) = watch::channel(CancellationToken::new());
        let shutdown = CancellationToken::new();
        let stop = shutdown.clone();
        tokio::spawn(stop.run_until_cancelled_owned(async move {
            while let Ok((from, _)) = listener.accept().await {
                let passed = pass(from, seen.clone());
                let cut = current.borrow().clone();
                tokio::spawn(cut.run_until_cancelled_owned(passed));
            }
        }));
        Ok(Self {
            address,
            way,
            connections,
            _shutdown: shutdown.drop_guard(),
        })
    }

    /// From now on nothing comes back.
    pub fn lose_answers(&self) {
        self.turn(Condition::LosesAnswers);
    }

    /// From now on nothing passes, and neither side is told (no FIN, no RST). New connections are taken
    /// and lead nowhere.
    pub fn fall_silent(&self) {
        self.turn(Condition::Silent);
    }

    /// Every connection dies, and so does each new one.
    pub fn part(&self) {
        self.turn(Condition::Parted);
        self.end_all();
    }

    /// It is whole again. What it kept while it was silent passes on, as TCP would send it again.
    pub fn heal(&self) {
        self.turn(Condition::Whole);
    }

    /// Every connection dies; new ones lead to another service.
    pub fn lead_to(&self, to: SocketAddr) {
        self.way.send_modify(|way| way.to = to);
        self.cut();
    }

    /// Every connection dies; new ones are whole.
    pub fn cut(&self) {
        self.heal();
        self.end_all();
    }

    fn turn(&self, condition: Condition) {
        self.way.send_modify(|way| way.condition = condition);
    }

    fn end_all(&self) {
        self.connections
            .send_replace(CancellationToken::new())
            .cancel();
    }
}

/// Waits while the way is silent; how it is then.
async fn passable(way: &mut watch::Receiver<Way>) -> Option<Way> {
    let passable = way.wait_for(|way| way.condition != Condition::Silent);
    passable.await.ok().map(|way| *way)
}

async fn pass(from: TcpStream, mut way: watch::Receiver<Way>) -> Option<()> {
    let Way { to, condition } = passable(&mut way).await?;
    if condition == Condition::Parted {
        return None;
    }
    let to = TcpStream::connect(to).await.ok()?;
    let (asked, client) = from.into_split();
    let (answers, service) = to.into_split();
    tokio::select! {
        ended = carry(asked, service, way.clone(), Condition::Parted) => ended,
        ended = carry(answers, client, way, Condition::LosesAnswers) => ended,
    }
}

/// Until one side ends. What is read in the condition `lost` goes nowhere.
async fn carry(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut way: watch::Receiver<Way>,
    lost: Condition,
) -> Option<()> {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        passable(&mut way).await?;
        let read = tokio::select! {
            read = from.read(&mut buffer) => read.ok().filter(|read| *read > 0)?,
            changed = way.changed() => {
                changed.ok()?;
                continue;
            }
        };
        // It may have fallen silent meanwhile.
        if passable(&mut way).await?.condition != lost {
            to.write_all(buffer.get(..read)?).await.ok()?;
        }
    }
}
