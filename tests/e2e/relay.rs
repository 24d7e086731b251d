//! A stretch of network between two services, which can lose what comes back
//! or lead elsewhere.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, copy},
    net::{TcpListener, TcpStream},
    sync::watch,
};
use tokio_util::sync::{CancellationToken, DropGuard};

/// Passes bytes on until dropped.
pub(crate) struct Relay {
    pub(crate) address: SocketAddr,
    to: Arc<Mutex<SocketAddr>>,
    loses: Arc<AtomicBool>,
    connections: watch::Sender<CancellationToken>,
    _shutdown: DropGuard,
}

impl Relay {
    /// To a service.
    pub(crate) async fn start(to: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let to = Arc::new(Mutex::new(to));
        let loses = Arc::new(AtomicBool::new(false));
        let (connections, current) = watch::channel(CancellationToken::new());
        let shutdown = CancellationToken::new();
        let stop = shutdown.clone();
        let lost = Arc::clone(&loses);
        let leads = Arc::clone(&to);
        tokio::spawn(stop.run_until_cancelled_owned(async move {
            while let Ok((from, _)) = listener.accept().await {
                let to = *leads.lock().unwrap();
                let passed = pass(from, to, Arc::clone(&lost));
                let cut = current.borrow().clone();
                tokio::spawn(cut.run_until_cancelled_owned(passed));
            }
        }));
        Self {
            address,
            to,
            loses,
            connections,
            _shutdown: shutdown.drop_guard(),
        }
    }

    /// From now on nothing comes back.
    pub(crate) fn lose_answers(&self) {
        self.loses.store(true, Ordering::SeqCst);
    }

    /// Every connection dies; new ones lead to another service.
    pub(crate) fn lead_to(&self, to: SocketAddr) {
        *self.to.lock().unwrap() = to;
        self.cut();
    }

    /// Every connection dies; new ones are whole.
    pub(crate) fn cut(&self) {
        self.loses.store(false, Ordering::SeqCst);
        self.connections
            .send_replace(CancellationToken::new())
            .cancel();
    }
}

async fn pass(from: TcpStream, to: SocketAddr, loses: Arc<AtomicBool>) {
    let Ok(to) = TcpStream::connect(to).await else {
        return;
    };
    let (mut asked, mut client) = from.into_split();
    let (mut answers, mut service) = to.into_split();
    let back = async move {
        let mut buffer = vec![0; 16 * 1024];
        while let Ok(read @ 1..) = answers.read(&mut buffer).await {
            let lost = loses.load(Ordering::SeqCst);
            if !lost && client.write_all(&buffer[..read]).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        _ = copy(&mut asked, &mut service) => {}
        () = back => {}
    }
}
