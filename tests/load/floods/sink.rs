//! What takes everything and does nothing with it: what an attacker costs by merely being there.

use std::{io::Write as _, net::Ipv4Addr, path::Path, sync::Arc};

use anyhow::Result;
use strata_testkit::Credential;
use tokio::{
    io::{copy, sink},
    net::TcpListener,
};
use tokio_rustls::TlsAcceptor;

/// How this binary is told to be a sink: the arguments after it are its certificate and its key.
pub(crate) const ROLE: &str = "flood-sink";

/// Says where it listens, and takes what comes until it is killed.
pub(crate) async fn run(certificate: &Path, key: &Path) -> Result<()> {
    let config = Credential::read(certificate, key)?.server_config()?;
    let mut config = Arc::unwrap_or_clone(config);
    // Whatever the attacker speaks.
    config.alpn_protocols.clear();
    let acceptor = TlsAcceptor::from(Arc::new(config));
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
