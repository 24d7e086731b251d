//! Peers that begin and do not go on, at a running edge: each is closed at its deadline and counted, and a
//! user beside is answered all the while.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
};

use bytes::Bytes;
use futures_util::future::join_all;
use http::{Request, StatusCode, header::AUTHORIZATION};
use strata_testkit::{Dialer, Frame, PREFACE, field};
use strata_tests::{
    Counts, Instance, Rig, eventually,
    load::{Ask, Client, Load},
    resident_bytes,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _},
    time::timeout,
};

use crate::{CONTACT, OVERVIEW, PATIENCE};

/// Of each kind at once.
const EACH: usize = 30;
/// Requests per second of the user beside.
const RATE: u32 = 20;
const MOST_BYTES: u64 = 64 << 20;

/// Does not go on where?
#[derive(Clone, Copy, Debug)]
enum Stops {
    /// Within the handshake.
    Handshake,
    /// After the handshake.
    Silent,
    /// Within the head of a request.
    Head,
    /// Within its body.
    Body,
    /// It does not take the answer.
    Answer,
}

impl Stops {
    const ALL: [Self; 5] = [
        Self::Handshake,
        Self::Silent,
        Self::Head,
        Self::Body,
        Self::Answer,
    ];

    /// What is counted of it: the reason of an event, or the outcome of a request.
    fn counted(self, counts: &Counts) -> u64 {
        match self {
            Self::Handshake => counts.reasons("handshake_timeout"),
            Self::Silent => counts.reasons("silent"),
            Self::Head => counts.reasons("slow_headers"),
            Self::Body => counts.outcomes("DEADLINE_EXCEEDED"),
            Self::Answer => counts.reasons("slow_exchange") + counts.reasons("unresponsive"),
        }
    }
}

struct Attacker {
    dialer: Dialer,
    http2: Dialer,
    address: SocketAddr,
    bearer: String,
}

/// Whatever comes until the other side closes, or its first part that ends a stream.
async fn until_closed(mut stream: impl AsyncRead + Unpin) -> Vec<u8> {
    let mut said = Vec::new();
    let _closed = stream.read_to_end(&mut said).await;
    said
}

impl Attacker {
    /// One that begins and stops; what it was told until it was closed.
    async fn begin(&self, stops: Stops) -> Vec<u8> {
        match stops {
            Stops::Handshake => {
                let mut socket = self.dialer.socket(self.address).await.unwrap();
                // The head of a TLS record that never comes.
                socket.write_all(&[0x16, 3, 1, 2]).await.unwrap();
                until_closed(socket).await
            }
            Stops::Silent => self.say(b"").await,
            Stops::Head => self.say(b"GET / HTTP/1.1\r\nhost: localhost\r\nx: ").await,
            Stops::Body => {
                let head = format!(
                    "PATCH {CONTACT} HTTP/1.1\r\nhost: localhost\r\nauthorization: {}\r\n\
                     content-type: application/json\r\ncontent-length: 1000\r\n\r\n{{",
                    self.bearer
                );
                self.say(head.as_bytes()).await
            }
            Stops::Answer => self.take_nothing().await,
        }
    }

    async fn say(&self, hello: &[u8]) -> Vec<u8> {
        let mut stream = self.dialer.connect(self.address).await.unwrap();
        stream.write_all(hello).await.unwrap();
        stream.flush().await.unwrap();
        until_closed(stream).await
    }

    /// Asks over HTTP/2 with no window for the answer, and ends once the stream does.
    async fn take_nothing(&self) -> Vec<u8> {
        let mut stream = self.http2.connect(self.address).await.unwrap();
        // SETTINGS_INITIAL_WINDOW_SIZE = 0 (RFC 9113, section 6.5.2).
        let settings = Frame::new(Frame::SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 0]);
        let fields = [
            (":method", "GET"),
            (":scheme", "https"),
            (":path", OVERVIEW),
            (":authority", "localhost"),
            ("authorization", &self.bearer),
        ];
        let block = fields.map(|(name, value)| field(name, value)).concat();
        let whole = Frame::END_HEADERS | Frame::END_STREAM;
        let asks = Frame::new(Frame::HEADERS, whole, 1, &block);
        let hello = [PREFACE, &settings.bytes(), &asks.bytes()].concat();
        stream.write_all(&hello).await.unwrap();
        stream.flush().await.unwrap();
        let mut head = [0; 9];
        while stream.read_exact(&mut head).await.is_ok() {
            let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
            let mut payload = vec![0; length as usize];
            let read = stream.read_exact(&mut payload).await;
            if read.is_err() || head[3] == Frame::RESET {
                break;
            }
        }
        Vec::new()
    }
}

/// A user who asks on and on.
fn user(storefront: &Instance, dialer: Dialer, bearer: &str) -> Load {
    let client = Arc::new(Client::new(storefront.address, dialer, 1));
    let bearer = bearer.to_owned();
    Load::start(RATE, move |_| {
        let request = Request::get(format!("https://localhost{OVERVIEW}"));
        let request = request.header(AUTHORIZATION, &bearer).body(Bytes::new());
        Ask {
            kind: "overview",
            client: Arc::clone(&client),
            request: request.unwrap(),
            is_whole: |body| body.ends_with(b"}"),
        }
    })
}

pub(crate) async fn who_is_slow_is_closed_and_harms_nobody_beside(rig: &mut Rig) {
    let launch = rig.another("storefront").unwrap();
    let storefront = launch
        .set("STRATA_LIMITS__HANDSHAKE_TIMEOUT", "2s")
        .set("STRATA_LIMITS__HEADER_TIMEOUT", "2s")
        .set("STRATA_LIMITS__REQUEST_TIMEOUT", "2s")
        .set("STRATA_LIMITS__HANDSHAKES_PER_ADDRESS", "1000")
        .start()
        .await
        .unwrap();
    let process = storefront.pid().unwrap();
    let bearer = format!("Bearer {}", rig.token("cus_000001").unwrap());
    let roots = rig.estate.edge_ca();
    let dialer = |version: &[u8]| Dialer::edge(&roots, &[version]).unwrap();
    let strangers = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
    let attacker = Attacker {
        dialer: dialer(b"http/1.1").from(strangers),
        http2: dialer(b"h2").from(strangers),
        address: storefront.address,
        bearer: bearer.clone(),
    };
    let edge = rig.edge("storefront").unwrap().at(storefront.address);
    let honest = edge.send(OVERVIEW, |request| request.header(AUTHORIZATION, &bearer));
    assert_eq!(honest.await.unwrap().status, StatusCode::OK);

    let memory = resident_bytes(process).unwrap();
    let beside = user(&storefront, dialer(b"h2"), &bearer);
    for stops in Stops::ALL {
        let before = Counts::of(storefront.admin).await.unwrap();
        let all = join_all((0..EACH).map(|_| attacker.begin(stops)));
        let Ok(told) = timeout(PATIENCE, all).await else {
            panic!("{stops:?}: it stays open");
        };
        for told in told {
            let told = String::from_utf8_lossy(&told);
            assert!(!told.contains(" 200 "), "{stops:?}: {told}");
        }
        let counted = eventually(PATIENCE, async || {
            let now = Counts::of(storefront.admin).await?;
            Ok(stops.counted(&now) >= stops.counted(&before) + EACH as u64)
        });
        assert!(counted.await.is_ok(), "{stops:?} is not counted");
    }
    let grown = resident_bytes(process).unwrap().saturating_sub(memory);
    assert!(grown < MOST_BYTES, "they take {grown} bytes");
    let beside = beside.finish().await;
    assert!(
        beside.0.len() > 20,
        "the user asked {} times",
        beside.0.len()
    );
    assert!(beside.failed().0.is_empty(), "{}", beside.failed());
}
