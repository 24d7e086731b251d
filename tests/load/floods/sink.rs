//! What takes everything and does nothing with it: what an attacker costs by merely being there.

use std::{io::Write as _, net::Ipv4Addr, path::Path};

use anyhow::Result;
use strata_testkit::{Acceptor, Credential};
use tokio::{
    io::{copy, sink},
    net::TcpListener,
};

/// How this binary is told to be a sink: the arguments after it are its certificate and its key.
pub(crate) const ROLE: &str = "flood-sink";

/// Says where it listens, and takes what comes until it is killed.
pub(crate) async fn run(certificate: &Path, key: &Path) -> Result<()> {
    // Whatever protocol the attacker speaks.
    let acceptor = Acceptor::presenting(&Credential::read(certificate, key)?, &[b"h2"])?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    writeln!(std::io::stdout(), "{}", listener.local_addr()?)?;
    loop {
        let (stream, _) = listener.accept().await?;
        let acceptor = acceptor.clone();
        tokio::spawn(async move {
            let mut stream = acceptor.accept(stream).await?;
            copy(&mut stream, &mut sink()).await
        });
    }
}
