//! The stock sockets.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use anyhow::{Context as _, Result};
use hyper_util::rt::TokioIo;
use strata_config::Environment;
use strata_core::Layer;
use strata_testkit::{Accepted, Acceptor, Dialer};
use strata_tls::Material;
use tokio::net::TcpListener;
use tonic::{
    Status,
    server::Grpc,
    transport::{Channel, Endpoint, Uri},
};
use tonic_prost::ProstCodec;

use super::{UPSTREAMS, variable};

/// A listener whose address is announced.
pub(super) async fn listen() -> Result<TcpListener> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    println!("{}", listener.local_addr()?);
    Ok(listener)
}

/// Connections after their handshake, one handshake at a time: there are a few dozen.
pub(super) struct Tls {
    pub(super) listener: TcpListener,
    pub(super) acceptor: Acceptor,
}

impl Tls {
    async fn next(&mut self) -> io::Result<(Accepted, SocketAddr)> {
        let (stream, address) = self.listener.accept().await?;
        stream.set_nodelay(true)?;
        Ok((self.acceptor.accept(stream).await?, address))
    }

    pub(super) fn incoming(
        self,
    ) -> impl futures_util::Stream<Item = io::Result<TokioStream>> + Send {
        futures_util::stream::unfold(self, |mut tls| async move {
            let accepted = tls.next().await;
            Some((accepted.map(|(stream, _)| TokioStream(stream)), tls))
        })
    }
}

impl axum::serve::Listener for Tls {
    type Io = Accepted;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            if let Ok(accepted) = self.next().await {
                return accepted;
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// tonic asks every stream for what it knows of its connection.
pub(super) struct TokioStream(Accepted);

impl tonic::transport::server::Connected for TokioStream {
    type ConnectInfo = ();

    fn connect_info(&self) {}
}

impl tokio::io::AsyncRead for TokioStream {
    fn poll_read(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
        buffer: &mut tokio::io::ReadBuf<'_>,
    ) -> std::task::Poll<io::Result<()>> {
        std::pin::Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl tokio::io::AsyncWrite for TokioStream {
    fn poll_write(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
        bytes: &[u8],
    ) -> std::task::Poll<io::Result<usize>> {
        std::pin::Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> std::task::Poll<io::Result<usize>> {
        std::pin::Pin::new(&mut self.0).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }

    fn poll_flush(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<io::Result<()>> {
        std::pin::Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<io::Result<()>> {
        std::pin::Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

/// tonic's own channel to a service of the chain.
pub(super) fn channel(material: &Material, layer: Layer, service: &str) -> Result<Channel> {
    let upstreams = variable(UPSTREAMS)?;
    let address = upstreams
        .split(',')
        .filter_map(|upstream| upstream.split_once('='))
        .find_map(|(name, address)| (name == service).then(|| address.to_owned()))
        .with_context(|| format!("{service} has no address"))?;
    let callee = strata_config::trust_domain(layer, Environment::Dev)?.workload(service)?;
    let dialer = Dialer::of(material.client_config(&callee));
    let address: SocketAddr = address.parse()?;
    let connector = tower::service_fn(move |_: Uri| {
        let dialer = dialer.clone();
        async move { dialer.connect(address).await.map(TokioIo::new) }
    });
    let endpoint = Endpoint::from_shared(format!("http://{address}"))?;
    Ok(endpoint.connect_with_connector_lazy(connector))
}

/// Serves one gRPC method with tonic's own server and prost's own codec: that of the generated servers
/// masks, and refuses who is not said to hold anything.
pub(super) async fn grpc<Q, A, F>(
    material: &Material,
    method: &str,
    handler: impl Fn(Q) -> F + Clone + Send + Sync + 'static,
) -> Result<()>
where
    Q: prost::Message + Default + 'static,
    A: prost::Message + 'static,
    F: Future<Output = Result<A, Status>> + Send + 'static,
{
    let tls = Tls {
        listener: listen().await?,
        acceptor: Acceptor::of(material.server_config()),
    };
    let serve = move |request: axum::extract::Request| {
        let handler = handler.clone();
        let method = tower::service_fn(move |request: tonic::Request<Q>| {
            let answer = handler(request.into_inner());
            async move { answer.await.map(tonic::Response::new) }
        });
        async move {
            Grpc::new(ProstCodec::<A, Q>::default())
                .unary(method, request)
                .await
        }
    };
    let router = axum::Router::new().route(method, axum::routing::post(serve));
    tonic::transport::Server::builder()
        .add_routes(router.into())
        .serve_with_incoming(tls.incoming())
        .await?;
    Ok(())
}

/// Serves HTTPS with axum's own server.
pub(super) async fn https(material: &Material, router: axum::Router) -> Result<()> {
    let tls = Tls {
        listener: listen().await?,
        acceptor: Acceptor::of(Arc::clone(&material.edge_config()?)),
    };
    axum::serve(tls, router).await?;
    Ok(())
}
