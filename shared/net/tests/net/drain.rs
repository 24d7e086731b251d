//! The end of a listener: what is in flight completes, what is stuck is cut off.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::Response;
use http_body_util::Full;
use strata_net::{Channel, Drained, Limits};
use tokio::{
    net::TcpStream,
    sync::{Notify, mpsc},
    time::timeout,
};

use crate::fixture::{Server, call, channel_to, hop, limits};

/// A callee whose handler says when it was entered, waits to be released, and says when it is over
/// (by closing the sender), and a channel to it.
struct World {
    server: Server,
    channel: Channel,
    entered: mpsc::Receiver<mpsc::Receiver<()>>,
    release: Arc<Notify>,
}

async fn world(limits: Limits) -> World {
    let (transport, config) = hop();
    let (enter, entered) = mpsc::channel(8);
    let release = Arc::new(Notify::new());
    let wait = release.clone();
    let server = Server::with(transport, limits, move |_| {
        let (enter, wait) = (enter.clone(), wait.clone());
        async move {
            let (_over, watch) = mpsc::channel(1);
            enter.send(watch).await.unwrap();
            wait.notified().await;
            Response::new(Full::new(Bytes::from_static(b"done")))
        }
    })
    .await;
    let channel = channel_to(server.address, config);
    World {
        server,
        channel,
        entered,
        release,
    }
}

#[tokio::test]
async fn a_request_in_flight_completes() {
    let World {
        server,
        mut channel,
        mut entered,
        release,
    } = world(limits()).await;
    let address = server.address;
    let request =
        tokio::spawn(async move { call(&mut channel).await.map_err(|error| error.to_string()) });
    entered.recv().await.unwrap();

    server.shutdown.cancel();
    // The listener is closed before the request ends.
    while TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    release.notify_one();

    assert_eq!(request.await.unwrap().unwrap(), "done");
    assert_eq!(server.stop().await.0, Drained { aborted: 0 });
}

#[tokio::test]
async fn idle_connections_do_not_hold_the_drain() {
    let World {
        server,
        mut channel,
        mut entered,
        release,
    } = world(limits()).await;
    release.notify_one();
    let (answer, _) = tokio::join!(call(&mut channel), entered.recv());
    assert_eq!(answer.unwrap(), "done");
    assert_eq!(server.stop().await.0, Drained { aborted: 0 });
}

#[tokio::test]
async fn a_stuck_request_is_aborted_at_the_deadline() {
    let short = Limits {
        drain_timeout: Duration::from_millis(200),
        ..limits()
    };
    let World {
        server,
        mut channel,
        mut entered,
        release: _held,
    } = world(short).await;
    let request =
        tokio::spawn(async move { call(&mut channel).await.map_err(|error| error.to_string()) });
    let mut over = entered.recv().await.unwrap();

    assert_eq!(server.stop().await.0, Drained { aborted: 1 });
    let cut_off = timeout(Duration::from_secs(30), request)
        .await
        .expect("the request stays open");
    assert!(cut_off.unwrap().is_err());
    // The handler is gone as well, not only its connection.
    assert_eq!(over.recv().await, None);
}
