//! The PROXY protocol: what a load balancer says before a connection begins.

use std::{io, net::SocketAddr};

use anyhow::{Context as _, Result, ensure};
use futures_util::FutureExt as _;
use ppp::v2::{Builder, Command, Header, Protocol, Version};
use strata_net::proxy;
use tokio::io::AsyncReadExt as _;

use crate::{Target, Verdict};

/// The input is what comes over the connection.
pub struct Proxy {
    /// The load balancer's own address.
    balancer: SocketAddr,
}

/// The part of a header that says how long the rest is.
const FIXED: usize = 16;
/// Where it says so.
const LENGTH: std::ops::Range<usize> = 14..16;

impl Target for Proxy {
    const NAME: &'static str = "proxy";

    fn new() -> Result<Self> {
        let balancer = "192.0.2.1:4711".parse()?;
        Ok(Self { balancer })
    }

    fn honest(&self) -> Result<Vec<Vec<u8>>> {
        let of = |client: &str| {
            let client: SocketAddr = client.parse()?;
            Ok::<_, anyhow::Error>(header(client)?.build()?)
        };
        let with_more = header("198.51.100.7:65535".parse()?)?
            .write_tlv(0x02_u8, b"shop.example")?
            .build()?;
        let of_itself = Builder::new(Version::Two | Command::Local, 0).build()?;
        let before_a_hello = [of("[2001:db8::7]:443")?, vec![0x16, 3, 1, 0, 2]].concat();
        Ok(vec![
            of("198.51.100.7:1")?,
            of("[2001:db8::7]:443")?,
            of("[::ffff:198.51.100.7]:443")?,
            with_more,
            of_itself,
            before_a_hello,
        ])
    }

    fn check(&self, input: &[u8]) -> Result<Verdict> {
        let mut rest = input;
        let read = self.read(&mut rest)?;
        let taken = input.len() - rest.len();
        let announced = input.get(LENGTH).and_then(|length| length.try_into().ok());
        let announced = announced.map(|length| usize::from(u16::from_be_bytes(length)));
        ensure!(
            taken <= FIXED + announced.unwrap_or_default(),
            "it took more than the header"
        );
        let at = input.last().map_or(0, |at| usize::from(*at));
        let (first, second) = input.split_at(at.min(input.len()));
        let in_parts = self.read(&mut first.chain(second))?;
        ensure!(read.as_ref().ok() == in_parts.as_ref().ok(), "parts count");
        let Ok(client) = read else {
            return Ok(Verdict::Refused);
        };
        ensure!(
            Some(taken) == announced.map(|rest| FIXED + rest),
            "it did not take the whole header"
        );
        let (bytes, _) = input.split_at(taken);
        let parsed = Header::try_from(bytes).context("who reads it all refuses it")?;
        if parsed.command == Command::Local {
            ensure!(client == self.balancer, "it is not its own");
            return Ok(Verdict::Accepted);
        }
        let printed = header(client)?.build()?;
        let again = self.read(&mut printed.as_slice())?;
        ensure!(again.ok() == Some(client), "printed it is another");
        let addresses = printed.get(FIXED..).unwrap_or_default();
        let said = bytes.get(FIXED..).unwrap_or_default();
        // Two addresses, then two ports of two bytes: the client's comes first.
        let host = addresses.len() / 2 - 2;
        for part in [0..host, 2 * host..2 * host + 2] {
            ensure!(
                said.get(part.clone()) == addresses.get(part),
                "it is not the client"
            );
        }
        Ok(Verdict::Accepted)
    }
}

impl Proxy {
    fn read<S: tokio::io::AsyncRead + Unpin>(
        &self,
        stream: &mut S,
    ) -> Result<io::Result<SocketAddr>> {
        let read = proxy::client(stream, self.balancer).now_or_never();
        read.context("it waits for what is there")
    }
}

fn header(client: SocketAddr) -> Result<Builder> {
    let server: SocketAddr = match client {
        SocketAddr::V4(_) => "203.0.113.1:443".parse()?,
        SocketAddr::V6(_) => "[2001:db8::1]:443".parse()?,
    };
    let command = Version::Two | Command::Proxy;
    Ok(Builder::with_addresses(
        command,
        Protocol::Stream,
        (client, server),
    ))
}
