//! Floods of HTTP/2 frames at a running edge: each is cut off and counted, costs the process little, and a
//! user beside is answered all the while. `tests/load` floods harder and longer.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use bytes::Bytes;
use http::{Request, StatusCode, header::AUTHORIZATION};
use strata_testkit::{Dialer, Frame, PREFACE, field};
use strata_tests::{Counts, Rig, eventually, load::Client, resident_bytes};
use tokio::{
    io::{AsyncWriteExt as _, copy, sink, split},
    time::timeout,
};

use crate::{OVERVIEW, PATIENCE};

/// Far more rounds than any flood lasts.
const ROUNDS: u32 = 20_000;
/// More than any attack here may cost a process.
const MOST_BYTES: u64 = 64 << 20;
const WHOLE: u8 = Frame::END_STREAM | Frame::END_HEADERS;

/// A flood, and what it sends in each round.
type Flood = (&'static str, fn(u32) -> Vec<Frame>);

const FLOODS: [Flood; 7] = [
    ("rapid reset", |round| {
        let streams = (0..100).map(|at| stream(100 * round + at));
        streams
            .flat_map(|id| [head(id, WHOLE), Frame::reset(id)])
            .collect()
    }),
    ("continuation without end", |round| match round {
        0 => vec![head(1, Frame::END_STREAM)],
        _ => vec![Frame::new(Frame::CONTINUATION, 0, 1, &field("x", "y").repeat(20)); 10],
    }),
    ("pings", |_| {
        vec![Frame::new(Frame::PING, 0, 0, &[0; 8]); 100]
    }),
    ("settings", |_| {
        vec![Frame::new(Frame::SETTINGS, 0, 0, &[]); 100]
    }),
    ("empty data", |round| match round {
        0 => vec![head(1, Frame::END_HEADERS)],
        _ => vec![Frame::new(Frame::DATA, 0, 1, &[]); 100],
    }),
    ("5,000 streams", |round| {
        let streams = (0..5_000).map(|at| stream(5_000 * round + at));
        streams.map(|id| head(id, Frame::END_HEADERS)).collect()
    }),
    ("heads of 24 KiB", |round| {
        let id = stream(round);
        let part = |flags| {
            Frame::new(
                Frame::CONTINUATION,
                flags,
                id,
                &field("x", &"y".repeat(8 << 10)),
            )
        };
        vec![
            head(id, Frame::END_STREAM),
            part(0),
            part(0),
            part(Frame::END_HEADERS),
        ]
    }),
];

const fn stream(number: u32) -> u32 {
    1 + 2 * number
}

/// A request of nobody known.
fn head(id: u32, flags: u8) -> Frame {
    let fields = [
        (":method", "GET"),
        (":scheme", "https"),
        (":path", OVERVIEW),
        (":authority", "localhost"),
    ];
    let block = fields.map(|(name, value)| field(name, value)).concat();
    Frame::new(Frame::HEADERS, flags, id, &block)
}

/// Sends rounds of a flood until cut off, and calls `during` once it is under way; whether it was cut off.
async fn is_cut_off(
    dialer: &Dialer,
    address: SocketAddr,
    flood: fn(u32) -> Vec<Frame>,
    mut during: impl AsyncFnMut(),
) -> bool {
    let stream = dialer.connect(address).await.unwrap();
    let (mut reader, mut writer) = split(stream);
    let reading = tokio::spawn(async move { copy(&mut reader, &mut sink()).await });
    let hello = Frame::new(Frame::SETTINGS, 0, 0, &[]).bytes();
    writer.write_all(&[PREFACE, &hello].concat()).await.unwrap();
    let sending = async {
        for round in 0..ROUNDS {
            let bytes: Vec<u8> = flood(round).iter().flat_map(Frame::bytes).collect();
            if writer.write_all(&bytes).await.is_err() || writer.flush().await.is_err() {
                return true;
            }
            if round == 1 {
                during().await;
            }
        }
        false
    };
    let cut_off = timeout(PATIENCE, sending).await.unwrap_or(false);
    drop(writer);
    cut_off && timeout(PATIENCE, reading).await.is_ok()
}

pub(crate) async fn each_is_cut_off_and_harms_nobody_beside(rig: &mut Rig) {
    let storefront = rig.another("storefront").unwrap().start().await.unwrap();
    let process = storefront.pid().unwrap();
    let dialer = Dialer::edge(&rig.estate.edge_ca(), &[b"h2"]).unwrap();
    let user = Client::new(storefront.address, dialer.clone(), 1);
    let bearer = format!("Bearer {}", rig.token("cus_000001").unwrap());
    let answered = async || {
        let request = Request::get(format!("https://localhost{OVERVIEW}"));
        let request = request.header(AUTHORIZATION, &bearer).body(Bytes::new());
        let answer = user.ask(request.unwrap()).await;
        assert_eq!(answer.unwrap().0, StatusCode::OK);
    };
    answered().await;
    for (number, (what, flood)) in (2..).zip(FLOODS) {
        let memory = resident_bytes(process).unwrap();
        let before = Counts::of(storefront.admin).await.unwrap();
        // Who has flooded is not taken again at once: each comes from an address of its own.
        let source = IpAddr::V4(Ipv4Addr::new(127, 0, 0, number));
        let from = dialer.clone().from(source);
        let cut_off = is_cut_off(&from, storefront.address, flood, &answered).await;
        assert!(cut_off, "{what} goes on");
        answered().await;
        let counted = eventually(PATIENCE, async || {
            let now = Counts::of(storefront.admin).await?;
            Ok(now.reasons("flood") > before.reasons("flood"))
        });
        assert!(counted.await.is_ok(), "{what} is not counted");
        let grown = resident_bytes(process).unwrap().saturating_sub(memory);
        assert!(grown < MOST_BYTES, "{what} takes {grown} bytes");
    }
}
