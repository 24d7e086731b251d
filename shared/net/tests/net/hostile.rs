//! A callee with the right identity that misbehaves: each call ends, by its deadline at the latest,
//! and an honest callee at the same address is called afterwards.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use rustls::ServerConfig;
use strata_core::Layer;
use strata_net::Transport;
use strata_testkit::Frame;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    time::timeout,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tokio_util::task::AbortOnDropHandle;
use tower::Service as _;

use crate::fixture::{
    Ca, Relay, Server, call, callee, caller, channel_to, domain, limits, outgoing_by,
};

/// What a callee says once it is asked. Nothing it does is HTTP/2 as it should be.
#[derive(Clone, Copy, Debug)]
enum Deed {
    ClosesAtOnce,
    SaysNothing,
    Garbage,
    Http1,
    HalfAFrame,
    ResetsTheStream,
    HugeHead,
    ClosesWithinTheBody,
    NoStatus,
}

const DEEDS: [Deed; 9] = [
    Deed::ClosesAtOnce,
    Deed::SaysNothing,
    Deed::Garbage,
    Deed::Http1,
    Deed::HalfAFrame,
    Deed::ResetsTheStream,
    Deed::HugeHead,
    Deed::ClosesWithinTheBody,
    Deed::NoStatus,
];

/// `:status: 200` (RFC 7541, appendix A).
const OK: &[u8] = &[0x88];

impl Deed {
    /// The frames with which it answers the first request, and whether it closes then.
    fn frames(self) -> (Vec<Frame>, bool) {
        let head = |flags, block: &[u8]| Frame::new(Frame::HEADERS, flags, 1, block);
        let ends = Frame::END_HEADERS | Frame::END_STREAM;
        match self {
            Self::ResetsTheStream => (vec![Frame::reset(1)], false),
            Self::HugeHead => {
                // A literal of 16 KiB, and as much again in each CONTINUATION.
                let block = [&[0x00, 0x01, b'a', 0x7f, 0x81, 0x7f][..], &[b'a'; 16_000]].concat();
                let more = Frame::new(Frame::CONTINUATION, 0, 1, &[b'a'; 16_000]);
                ([vec![head(0, &block)], vec![more; 64]].concat(), false)
            }
            Self::ClosesWithinTheBody => {
                let data = Frame::new(Frame::DATA, 0, 1, b"hal");
                (vec![head(Frame::END_HEADERS, OK), data], true)
            }
            Self::NoStatus => (vec![head(ends, &[])], false),
            _ => (Vec::new(), false),
        }
    }

    async fn does(self, mut stream: TlsStream<TcpStream>) -> std::io::Result<()> {
        match self {
            Self::ClosesAtOnce => return Ok(()),
            Self::SaysNothing => {}
            Self::Garbage => stream.write_all(&[0xa5; 4096]).await?,
            Self::Http1 => stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?,
            Self::HalfAFrame => stream.write_all(&[0, 0, 12, 4]).await?,
            _ => return self.answers(stream).await,
        }
        stream.flush().await?;
        stream.read_to_end(&mut Vec::new()).await?;
        Ok(())
    }

    /// Speaks HTTP/2 until there is a request.
    async fn answers(self, mut stream: TlsStream<TcpStream>) -> std::io::Result<()> {
        stream.read_exact(&mut [0; 24]).await?;
        let settings = Frame::new(Frame::SETTINGS, 0, 0, &[]);
        stream.write_all(&settings.bytes()).await?;
        loop {
            let mut head = [0; 9];
            stream.read_exact(&mut head).await?;
            let [a, b, c, kind, flags, ..] = head;
            let mut payload = vec![0; u32::from_be_bytes([0, a, b, c]) as usize];
            stream.read_exact(&mut payload).await?;
            match kind {
                Frame::PING if flags == 0 => {
                    let pong = Frame::new(Frame::PING, 1, 0, &payload);
                    stream.write_all(&pong.bytes()).await?;
                }
                Frame::HEADERS => {
                    let (frames, closes) = self.frames();
                    for frame in frames {
                        stream.write_all(&frame.bytes()).await?;
                    }
                    if closes {
                        return Ok(());
                    }
                }
                _ => {}
            }
            stream.flush().await?;
        }
    }
}

/// Does its deed to each connection until dropped.
async fn misbehave(deed: Deed, config: Arc<ServerConfig>) -> (SocketAddr, AbortOnDropHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = tokio::spawn(async move {
        let tls = TlsAcceptor::from(config);
        while let Ok((stream, _)) = listener.accept().await {
            let tls = tls.clone();
            tokio::spawn(async move { deed.does(tls.accept(stream).await?).await });
        }
    });
    (address, AbortOnDropHandle::new(serving))
}

async fn contains(deed: Deed) {
    let process = Ca::new(&domain(Layer::Process, "dev"));
    let system = Ca::new(&domain(Layer::System, "dev"));
    let callee = callee(&process, &system);
    let config = caller(&process, &system).client_config(callee.id());
    let (bad, misbehaving) = misbehave(deed, callee.server_config()).await;
    let relay = Relay::start(bad).await;
    let mut channel = channel_to(relay.address, config);
    for _ in 0..3 {
        let time = Duration::from_millis(500);
        let answer = timeout(time, async {
            let answer = channel.call(outgoing_by(time)).await;
            let answer = answer.map_err(|error| error.to_string())?;
            let body = http_body_util::BodyExt::collect(answer.into_body()).await;
            body.map_err(|error| error.to_string())
        });
        if let Ok(Ok(_)) = answer.await {
            panic!("{deed:?} is taken for an answer");
        }
    }

    // Somebody honest takes the address over.
    let transport = Transport::Mtls {
        config: callee.server_config(),
        callers: callee.callers(),
    };
    let honest = Server::start(transport, limits()).await;
    relay.lead_to(honest.address);
    drop(misbehaving);
    relay.break_off();
    let recovered = async { while call(&mut channel).await.is_err() {} };
    let recovered = timeout(Duration::from_secs(30), recovered).await;
    assert!(recovered.is_ok(), "{deed:?}: no way back");
}

#[tokio::test]
async fn whatever_a_callee_does_is_contained() {
    for deed in DEEDS {
        contains(deed).await;
    }
}
