//! Clients that stop in the middle. Timers are short here; the defaults are in `AcceptorConfig` and
//! `ServerLimits`.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::support::World;
use super::tls::{PREFACE, connect, stock_client};
use crate::identity::{AcceptorConfig, ServerLimits};

fn short() -> AcceptorConfig {
    AcceptorConfig {
        handshake_timeout: Duration::from_millis(300),
        preface_timeout: Duration::from_millis(300),
        ..AcceptorConfig::default()
    }
}

/// Reads to the end; fails when the server keeps the connection for three seconds.
async fn closes(mut io: impl tokio::io::AsyncRead + Unpin) -> Duration {
    #[expect(clippy::disallowed_methods, reason = "measures")]
    let start = Instant::now();
    let mut sink = vec![];
    let end = tokio::time::timeout(Duration::from_secs(3), io.read_to_end(&mut sink));
    let _ = end.await.expect("still open");
    start.elapsed()
}

#[tokio::test]
async fn a_stalled_handshake_is_closed() {
    let world = World::with(short(), ServerLimits::default()).await;
    let silent = TcpStream::connect(world.address).await.unwrap();
    let mut half = TcpStream::connect(world.address).await.unwrap();
    half.write_all(&[22, 3, 1, 2, 0, 1]).await.unwrap();
    assert!(closes(silent).await >= Duration::from_millis(200));
    closes(half).await;
    world.counted("HANDSHAKE_TIMEOUT").await;
    assert_eq!(world.counters.count("HANDSHAKE_TIMEOUT"), 2);
}

#[tokio::test]
async fn a_missing_or_trickled_preface_is_closed() {
    let world = World::with(short(), ServerLimits::default()).await;
    let config = std::sync::Arc::new(stock_client(Some(&world), &[b"h2"]));
    closes(connect(config.clone(), world.address).await).await;
    assert_eq!(world.counters.count("PREFACE_TIMEOUT"), 1);
    let (reader, mut writer) = tokio::io::split(connect(config, world.address).await);
    let trickle = tokio::spawn(async move {
        for byte in &PREFACE[..30] {
            if writer.write_all(&[*byte]).await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        // Held open, so that only the server can close.
        tokio::time::sleep(Duration::from_secs(10)).await;
    });
    closes(reader).await;
    trickle.abort();
    assert_eq!(world.counters.count("PREFACE_TIMEOUT"), 2);
    assert_eq!(world.registry.open(), 0);
}

#[tokio::test]
async fn a_client_that_answers_no_ping_is_closed() {
    let limits = ServerLimits {
        keepalive_interval: Duration::from_millis(200),
        keepalive_timeout: Duration::from_millis(200),
        ..ServerLimits::default()
    };
    let world = World::with(short(), limits).await;
    let config = std::sync::Arc::new(stock_client(Some(&world), &[b"h2"]));
    let mut tls = connect(config, world.address).await;
    tls.write_all(PREFACE).await.unwrap();
    closes(tls).await;
}

#[tokio::test]
async fn an_old_connection_is_closed_though_it_lives() {
    let limits = ServerLimits {
        max_connection_age: Duration::from_millis(300),
        max_connection_age_grace: Duration::from_millis(300),
        ..ServerLimits::default()
    };
    let world = World::with(short(), limits).await;
    let channel = world.channel(&world.identity("alpha", "desk"));
    let request = tonic_health::pb::HealthCheckRequest { service: String::new() };
    let mut client = tonic_health::pb::health_client::HealthClient::new(channel);
    let mut stream = client.watch(request).await.unwrap().into_inner();
    stream.message().await.unwrap().unwrap();
    let end = tokio::time::timeout(Duration::from_secs(3), stream.message());
    assert!(!matches!(end.await.expect("still open"), Ok(Some(_))));
}

#[tokio::test]
async fn a_served_client_outlives_the_preface_timer() {
    let world = World::with(short(), ServerLimits::default()).await;
    let channel = world.channel(&world.identity("alpha", "desk"));
    super::support::check(&channel).await.unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await;
    super::support::check(&channel).await.unwrap();
    assert_eq!(world.counters.count("ACCEPTED"), 1);
    assert_eq!(world.counters.count("PREFACE_TIMEOUT"), 0);
}

#[tokio::test]
async fn one_connection_too_many_is_closed() {
    let config = AcceptorConfig { max_connections: 2, ..AcceptorConfig::default() };
    let world = World::with(config, ServerLimits::default()).await;
    let (one, two) = (world.identity("alpha", "desk"), world.identity("beta", "desk"));
    let (one, two) = (world.channel(&one), world.channel(&two));
    super::support::check(&one).await.unwrap();
    super::support::check(&two).await.unwrap();
    closes(TcpStream::connect(world.address).await.unwrap()).await;
    assert_eq!(world.counters.count("TOO_MANY_CONNECTIONS"), 1);
    super::support::check(&one).await.unwrap();
    drop(one);
    let third = world.identity("alphabet", "desk");
    for _ in 0..100 {
        if world.call(&third).await.is_ok() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the place of a closed connection is not free again");
}

#[tokio::test]
async fn stalled_handshakes_do_not_stop_others() {
    let config = AcceptorConfig { max_handshakes: 32, ..AcceptorConfig::default() };
    let world = World::with(config, ServerLimits::default()).await;
    let mut stalled = vec![];
    for _ in 0..30 {
        stalled.push(TcpStream::connect(world.address).await.unwrap());
    }
    let call = world.call(&world.identity("alpha", "desk")).await;
    call.unwrap();
    assert_eq!(stalled.len(), 30);
}

#[tokio::test]
async fn advertises_its_limits() {
    let world = World::new().await;
    let config = std::sync::Arc::new(stock_client(Some(&world), &[b"h2"]));
    let mut tls = connect(config, world.address).await;
    tls.write_all(PREFACE).await.unwrap();
    let mut header = [0; 9];
    tls.read_exact(&mut header).await.unwrap();
    assert_eq!(header[3], 4, "not SETTINGS");
    let mut settings = vec![0; usize::from(header[2])];
    tls.read_exact(&mut settings).await.unwrap();
    let advertised = |id: u8, value: u32| {
        let wanted = [&[0, id][..], &value.to_be_bytes()].concat();
        settings.chunks(6).any(|entry| entry == wanted)
    };
    assert!(advertised(3, 128), "MAX_CONCURRENT_STREAMS {settings:?}");
    assert!(advertised(6, 16 * 1024), "MAX_HEADER_LIST_SIZE {settings:?}");
}
