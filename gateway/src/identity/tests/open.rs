//! A peer that was accepted and no longer is, while its connection stays open.

use portcullis_core::id::{AgencyId, Moment};
use tonic::Code;

use super::support::{DAY, HOUR, NOW, World, check, date, reason, trust_spec};
use crate::identity::{Bundle, TrustSnapshot};

/// One connection throughout: its handshake is counted once.
fn one_connection(world: &World) {
    assert_eq!(world.counters.count("ACCEPTED"), 1);
    assert_eq!(world.registry.open(), 1);
}

#[tokio::test]
async fn an_expired_certificate_is_refused_on_the_next_call() {
    let world = World::new().await;
    for agency in ["alpha", "alphabet", "beta", "exchange"] {
        let next = date(NOW + 30 * DAY);
        world.exchange.reissue_crl(agency, date(NOW), next).unwrap();
    }
    world.reload();
    let channel = world.channel(&world.identity("alpha", "desk"));
    check(&channel).await.unwrap();
    world.set_clock(NOW + 7 * DAY);
    check(&channel).await.unwrap();
    world.set_clock(NOW + 7 * DAY + 1);
    let refused = check(&channel).await.unwrap_err();
    assert_eq!(reason(&refused), "CERTIFICATE_EXPIRED");
    assert_eq!(world.counters.count("CERTIFICATE_EXPIRED"), 1);
    world.set_clock(NOW - HOUR);
    assert_eq!(reason(&check(&channel).await.unwrap_err()), "CERTIFICATE_NOT_YET_VALID");
    world.set_clock(NOW);
    check(&channel).await.unwrap();
    one_connection(&world);
}

#[tokio::test]
async fn a_revoked_certificate_is_refused_on_the_next_call() {
    let mut world = World::new().await;
    let channel = world.channel(&world.identity("alpha", "desk"));
    let other = world.channel(&world.identity("beta", "desk"));
    check(&channel).await.unwrap();
    check(&other).await.unwrap();
    let serial = world.exchange.identity("alpha", "desk").unwrap().serial.clone();
    world.exchange.revoke("alpha", &[&serial], date(NOW), date(NOW + DAY)).unwrap();
    check(&channel).await.unwrap();
    world.reload();
    assert_eq!(reason(&check(&channel).await.unwrap_err()), "CERTIFICATE_REVOKED");
    check(&other).await.unwrap();
    assert_eq!(world.counters.count("ACCEPTED"), 2);
}

#[tokio::test]
async fn stale_revocation_data_is_refused_on_the_next_call() {
    let world = World::new().await;
    let channel = world.channel(&world.identity("alpha", "desk"));
    check(&channel).await.unwrap();
    world.set_clock(NOW + DAY - 1);
    check(&channel).await.unwrap();
    world.set_clock(NOW + DAY + 1);
    assert_eq!(reason(&check(&channel).await.unwrap_err()), "REVOCATION_DATA_STALE");
    one_connection(&world);
}

#[tokio::test]
async fn a_delisted_agency_is_refused_on_the_next_call() {
    let world = World::new().await;
    let channel = world.channel(&world.identity("alpha", "desk"));
    check(&channel).await.unwrap();
    let mut spec = trust_spec(&world.exchange);
    spec.agencies.retain(|agency| agency.agency != AgencyId::new("alpha"));
    world.trust.reload(&spec).unwrap();
    assert_eq!(reason(&check(&channel).await.unwrap_err()), "AGENCY_NOT_LISTED");
    one_connection(&world);
}

#[tokio::test]
async fn a_replaced_ca_is_refused_on_the_next_call() {
    let world = World::new().await;
    let channel = world.channel(&world.identity("alpha", "desk"));
    check(&channel).await.unwrap();
    let mut spec = trust_spec(&world.exchange);
    let beta = world.exchange.agency("beta").unwrap().clone();
    spec.agencies.retain(|agency| agency.agency != AgencyId::new("beta"));
    for agency in &mut spec.agencies {
        if agency.agency == AgencyId::new("alpha") {
            agency.roots = vec![beta.ca.clone()];
            agency.crls = vec![beta.crl.clone()];
        }
    }
    world.trust.reload(&spec).unwrap();
    assert_eq!(reason(&check(&channel).await.unwrap_err()), "UNTRUSTED_ISSUER");
}

#[tokio::test]
async fn a_failed_reload_keeps_the_last_good_trust() {
    let world = World::new().await;
    let channel = world.channel(&world.identity("alpha", "desk"));
    check(&channel).await.unwrap();
    let before = world.trust.snapshot().generation();
    let crl = &world.exchange.agency("alpha").unwrap().crl;
    std::fs::write(crl, "nothing").unwrap();
    let error = world.trust.reload(&trust_spec(&world.exchange)).unwrap_err();
    assert!(error.to_string().contains("alpha/crl.pem"), "{error}");
    assert_eq!(world.trust.snapshot().generation(), before);
    check(&channel).await.unwrap();
    // Only until its list goes stale.
    world.set_clock(NOW + 2 * DAY);
    assert_eq!(reason(&check(&channel).await.unwrap_err()), "REVOCATION_DATA_STALE");
}

#[tokio::test]
async fn the_connection_of_a_revoked_peer_is_cut() {
    let mut world = World::new().await;
    let (mut stream, other) = {
        let channel = world.channel(&world.identity("alpha", "desk"));
        let other = world.channel(&world.identity("beta", "desk"));
        check(&other).await.unwrap();
        let request = tonic_health::pb::HealthCheckRequest { service: String::new() };
        let mut client = tonic_health::pb::health_client::HealthClient::new(channel);
        (client.watch(request).await.unwrap().into_inner(), other)
    };
    stream.message().await.unwrap().unwrap();
    assert_eq!(world.registry.open(), 2);
    let now = Moment::from_seconds(NOW);
    assert_eq!(world.registry.cut_refused(&world.trust, now), 0);
    let serial = world.exchange.identity("alpha", "desk").unwrap().serial.clone();
    world.exchange.revoke("alpha", &[&serial], date(NOW), date(NOW + DAY)).unwrap();
    world.reload();
    assert_eq!(world.registry.cut_refused(&world.trust, now), 1);
    let ended = tokio::time::timeout(std::time::Duration::from_secs(5), stream.message());
    let status = ended.await.expect("the stream was not cut").unwrap_err();
    assert_ne!(status.code(), Code::Ok);
    check(&other).await.unwrap();
    for _ in 0..100 {
        if world.registry.open() == 1 {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("{} connections are still listed", world.registry.open());
}

#[tokio::test]
async fn two_snapshots_are_never_taken_for_one() {
    let world = World::new().await;
    let spec = trust_spec(&world.exchange);
    let (one, two) = (TrustSnapshot::load(&spec).unwrap(), TrustSnapshot::load(&spec).unwrap());
    assert_ne!(one.generation(), two.generation());
    assert!(Bundle::DEFAULT_MAX_LEAF_LIFETIME.as_secs() == 90 * 24 * 3600);
}
