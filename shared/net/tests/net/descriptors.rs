//! A listener that runs out of file descriptors: it does not spin, and serves again when there are
//! some.

use std::{
    env, fs,
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
    time::Duration,
};

use strata_net::{Limits, Transport};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::{sleep, timeout},
};

use crate::fixture::{Server, limits};

/// Says to this test that it is the child, whose descriptors are few.
const CHILD: &str = "STRATA_NET_TEST_CHILD";
const NAME: &str = "descriptors::at_the_limit_the_listener_waits_and_recovers";

/// Clock ticks of CPU time (proc(5), stat: utime and stime), most often a hundredth of a second.
fn ticks(child: &Child) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap();
    let fields = stat.rsplit_once(") ").unwrap().1;
    let fields: Vec<_> = fields.split(' ').collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

async fn serve() {
    let roomy = Limits {
        connections: 10_000,
        connections_per_address: 10_000,
        ..limits()
    };
    let server = Server::start(Transport::Plain, roomy).await;
    println!("\n{}", server.address);
    std::future::pending::<()>().await;
}

async fn is_answered(address: &str) -> bool {
    let Ok(mut stream) = TcpStream::connect(address).await else {
        return false;
    };
    let request = b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    let mut answer = String::new();
    stream.write_all(request).await.is_ok()
        && stream.read_to_string(&mut answer).await.is_ok()
        && answer.starts_with("HTTP/1.1 200")
}

#[tokio::test]
async fn at_the_limit_the_listener_waits_and_recovers() {
    if env::var_os(CHILD).is_some() {
        return serve().await;
    }
    let mut child = Command::new("sh")
        .args(["-c", "ulimit -n 60; exec \"$0\" \"$@\""])
        .arg(env::current_exe().unwrap())
        .args(["--exact", NAME, "--nocapture"])
        .env(CHILD, "1")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // Held to the end: the child would fail for want of a reader.
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let address = lines
        .by_ref()
        .map(Result::unwrap)
        .find(|line| line.starts_with("127.0.0.1:"))
        .unwrap();
    assert!(is_answered(&address).await);

    let mut held = Vec::new();
    for _ in 0..120 {
        held.push(TcpStream::connect(&address).await.unwrap());
    }
    let before = ticks(&child);
    sleep(Duration::from_secs(2)).await;
    // A loop that spins takes all of the two seconds.
    let spent = ticks(&child) - before;
    drop(held);
    let recovered = timeout(Duration::from_secs(30), async {
        while !is_answered(&address).await {}
    });
    let recovered = recovered.await;
    child.kill().unwrap();
    drop(lines);
    child.wait().unwrap();
    assert!(recovered.is_ok(), "no answer after the flood");
    assert!(spent < 50, "{spent} ticks spent waiting");
}
