//! One test per rung, and the whole list of bad identities once more.

use std::sync::{Arc, Mutex};

use aws_lc_rs::digest::{SHA256, digest};
use portcullis_certs_dev::{Authority, Expect, Leaf, Names, Use};
use portcullis_core::id::{AgencyId, Moment};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use time::Duration;
use tonic::{Code, Status};

use super::support::{DAY, NOW, World, date, reason, trust_spec};
use super::tls::no_certificate;
use crate::identity::{Admission, IdentityRefusal, Pin, Tier, TrustSnapshot, admit};

#[tokio::test]
async fn accepts_a_listed_system() {
    let world = World::new().await;
    world.call(&world.identity("alpha", "desk")).await.unwrap();
    assert_eq!(world.counters.count("ACCEPTED"), 1);
    assert_eq!(world.counters.snapshot().len(), 1);
}

#[tokio::test]
async fn refuses_no_certificate() {
    let world = World::new().await;
    no_certificate(world.address).await;
    world.counted("NO_CLIENT_CERTIFICATE").await;
}

/// The client learns of a refused handshake after its own part of it: as a lost connection, by an alert
/// or by the end of the stream, and never by a status that a server made.
fn broken_off(status: &Status) {
    assert!(matches!(status.code(), Code::Unavailable | Code::Unknown), "{status:?}");
    assert!(status.details().is_empty(), "{status:?}");
    assert!(std::error::Error::source(status).is_some(), "{status:?}");
}

/// Meets the expectation that comes with a bad identity, and no other.
async fn rung(world: &World, name: &str) {
    let bad = world.bad(name);
    let refused = world.call(&world.client(&bad.certificate, &bad.key)).await.unwrap_err();
    let expected = match bad.expect {
        Expect::HandshakeRefused(expected) => {
            broken_off(&refused);
            expected
        }
        Expect::Unauthenticated(expected) => {
            assert_eq!(reason(&refused), expected, "{name}");
            expected
        }
    };
    world.counted(expected).await;
    assert_eq!(world.counters.count("ACCEPTED"), 0, "{name}");
    let others = world.counters.snapshot();
    assert_eq!(others.keys().copied().collect::<Vec<_>>(), [expected], "{name}");
}

macro_rules! rungs {
    ($($test:ident: $name:literal,)*) => {$(
        #[tokio::test]
        async fn $test() {
            rung(&World::new().await, $name).await;
        }
    )*};
}

rungs! {
    refuses_another_ca_of_the_same_name: "wrong-ca-same-name",
    refuses_an_unlisted_agency: "unlisted",
    refuses_an_expired_certificate: "expired",
    refuses_a_certificate_not_yet_valid: "not-yet-valid",
    refuses_a_revoked_certificate: "revoked",
    refuses_a_certificate_without_key_usage: "no-eku",
    refuses_a_server_certificate_as_client: "server-only",
    refuses_a_ca_as_leaf: "ca-leaf",
    refuses_a_life_of_a_hundred_years: "hundred-years",
    refuses_a_long_chain: "long-chain",
    refuses_a_certificate_without_name: "no-san",
    refuses_two_uri_names: "two-uris",
    refuses_another_agencys_namespace: "other-agency",
    refuses_another_trust_domain: "other-domain",
}

#[tokio::test]
async fn refuses_every_bad_identity_as_it_says() {
    let names: Vec<_> = World::new().await.bad.iter().map(|bad| bad.name).collect();
    assert!(names.len() >= 38, "{}", names.len());
    for name in names {
        rung(&World::new().await, name).await;
    }
}

#[tokio::test]
async fn logs_the_reason_of_a_refused_handshake() {
    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);
    impl std::io::Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let sink = Sink::default();
    let writer = sink.clone();
    let subscriber =
        tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let world = World::new().await;
    rung(&world, "expired").await;
    let log = String::from_utf8(sink.0.lock().unwrap().clone()).unwrap();
    let line = log.lines().find(|line| line.contains("portcullis::identity")).unwrap();
    assert!(line.contains(r#"reason="CERTIFICATE_EXPIRED""#), "{line}");
}

#[tokio::test]
async fn refuses_when_revocation_data_is_stale() {
    let world = World::new().await;
    world.set_clock(NOW + 2 * DAY);
    let refused = world.call(&world.identity("alpha", "desk")).await.unwrap_err();
    broken_off(&refused);
    world.counted("REVOCATION_DATA_STALE").await;
    let next = date(NOW + 3 * DAY);
    world.exchange.reissue_crl("alpha", date(NOW + 2 * DAY), next).unwrap();
    world.reload();
    world.call(&world.identity("alpha", "desk")).await.unwrap();
}

#[tokio::test]
async fn refuses_when_the_revocation_list_is_anothers() {
    let world = World::new().await;
    let mut spec = trust_spec(&world.exchange);
    let beta = world.exchange.agency("beta").unwrap().crl.clone();
    for agency in &mut spec.agencies {
        agency.crls = vec![beta.clone()];
    }
    world.trust.reload(&spec).unwrap();
    world.call(&world.identity("alpha", "desk")).await.unwrap_err();
    world.counted("REVOCATION_STATUS_UNKNOWN").await;
    world.call(&world.identity("beta", "desk")).await.unwrap();
}

#[tokio::test]
async fn refuses_a_revocation_list_signed_by_a_namesake() {
    let world = World::new().await;
    let twin = Authority::new("alpha development CA", date(NOW)).unwrap();
    let list = twin.revocation_list(&[], date(NOW), date(NOW + DAY)).unwrap();
    std::fs::write(&world.exchange.agency("alpha").unwrap().crl, list).unwrap();
    world.reload();
    world.call(&world.identity("alpha", "desk")).await.unwrap_err();
    world.counted("REVOCATION_STATUS_UNKNOWN").await;
}

#[tokio::test]
async fn only_an_agencys_own_ca_can_name_it() {
    let world = World::new().await;
    let agencies = ["alpha", "alphabet", "beta"];
    let snapshot = world.trust.snapshot();
    for issuer in agencies {
        for named in agencies {
            let chain = issue(&world, issuer, |leaf| {
                leaf.names = Names::uri(&world.exchange.spiffe_id(named, "desk"));
            });
            let admission = admit(&snapshot, &chain, Moment::from_seconds(NOW)).unwrap();
            match admission {
                Admission::Peer(peer) => {
                    assert_eq!(issuer, named);
                    assert_eq!(peer.agency.as_str(), named);
                }
                Admission::Refused(reason) => {
                    assert_ne!(issuer, named);
                    assert_eq!(reason, IdentityRefusal::NameOfOtherAgency);
                }
            }
        }
    }
}

/// A fresh client certificate of an agency, spoilt or changed by `change`.
fn issue(
    world: &World,
    agency: &str,
    change: impl FnOnce(&mut Leaf),
) -> Vec<CertificateDer<'static>> {
    let mut leaf = Leaf {
        common_name: "test".into(),
        names: Names::uri(&world.exchange.spiffe_id(agency, "desk")),
        usage: Use::Client,
        is_ca: false,
        not_before: date(NOW) - Duration::minutes(5),
        not_after: date(NOW) + Duration::days(7),
    };
    change(&mut leaf);
    let dir = tempfile::tempdir().unwrap();
    let (certificate, key) = (dir.path().join("c.pem"), dir.path().join("c.key"));
    world.exchange.authority(agency).unwrap().issue_to(&leaf, &certificate, &key).unwrap();
    CertificateDer::pem_file_iter(&certificate).unwrap().map(Result::unwrap).collect()
}

#[tokio::test]
async fn accepts_the_longest_life_and_not_a_second_more() {
    let world = World::new().await;
    let snapshot = world.trust.snapshot();
    let life = |extra: i64| {
        let chain = issue(&world, "alpha", |leaf| {
            leaf.not_after = leaf.not_before + Duration::days(90) + Duration::seconds(extra);
        });
        admit(&snapshot, &chain, Moment::from_seconds(NOW)).map(drop)
    };
    assert_eq!(life(0), Ok(()));
    assert_eq!(life(1), Err(IdentityRefusal::LifetimeTooLong));
}

#[tokio::test]
async fn accepts_a_pinned_certificate_and_only_that_one() {
    let world = World::new().await;
    let bad = world.bad("email-only");
    let client = world.client(&bad.certificate, &bad.key);
    assert_eq!(reason(&world.call(&client).await.unwrap_err()), "NAME_MISSING");
    let der = CertificateDer::from_pem_file(&bad.certificate).unwrap();
    let mut spec = trust_spec(&world.exchange);
    spec.pins = vec![Pin {
        fingerprint: hex::encode(digest(&SHA256, &der)),
        agency: AgencyId::new("beta"),
        system: "legacy".into(),
    }];
    world.trust.reload(&spec).unwrap();
    world.call(&client).await.unwrap();
    let snapshot = world.trust.snapshot();
    let admit_at = |at| admit(&snapshot, std::slice::from_ref(&der), Moment::from_seconds(at));
    let Ok(Admission::Peer(peer)) = admit_at(NOW) else { panic!("not accepted") };
    assert!(peer.spiffe_id.ends_with("/agency/beta/system/legacy"));
    assert_eq!(admit_at(NOW + 8 * DAY), Err(IdentityRefusal::CertificateExpired));
    assert_eq!(admit_at(NOW - DAY), Err(IdentityRefusal::CertificateNotYetValid));
    world.reload();
    assert_eq!(reason(&world.call(&client).await.unwrap_err()), "NAME_MISSING");
}

#[tokio::test]
async fn a_listener_with_a_list_refuses_others() {
    let world = World::new().await;
    let mut spec = trust_spec(&world.exchange);
    spec.allowed = Some(vec![world.gateway_id().to_string()]);
    world.trust.reload(&spec).unwrap();
    world.call(&world.identity("exchange", "gateway")).await.unwrap();
    let refused = world.call(&world.identity("alpha", "desk")).await.unwrap_err();
    assert_eq!(reason(&refused), "PEER_NOT_ALLOWED");
}

#[tokio::test]
async fn refuses_a_key_beyond_the_cap() {
    let world = World::new().await;
    let snapshot: Arc<TrustSnapshot> = world.trust.snapshot();
    let judge = |bits: usize| {
        let der = giant::certificate(bits);
        admit(&snapshot, &[CertificateDer::from(der)], Moment::from_seconds(NOW)).unwrap_err()
    };
    assert_eq!(judge(16_384), IdentityRefusal::KeyTooLarge);
    assert_eq!(judge(4_104), IdentityRefusal::KeyTooLarge);
    assert_ne!(judge(4_096), IdentityRefusal::KeyTooLarge);
}

#[test]
fn every_reason_is_one_word_of_its_own() {
    let words: std::collections::BTreeSet<_> =
        IdentityRefusal::ALL.iter().map(|refusal| refusal.reason()).collect();
    assert_eq!(words.len(), IdentityRefusal::ALL.len());
    for word in words {
        assert!(word.bytes().all(|b| b.is_ascii_uppercase() || b == b'_'), "{word}");
    }
    assert_eq!(IdentityRefusal::NameMissing.tier(), Tier::Request);
    assert_eq!(IdentityRefusal::UntrustedIssuer.tier(), Tier::Handshake);
}

/// A certificate with an RSA key of any size, encoded by hand; its signature is nonsense.
mod giant {
    fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
        let mut out = vec![tag];
        match content.len() {
            n @ 0..=127 => out.push(u8::try_from(n).unwrap()),
            n => {
                out.push(0x82);
                out.extend(u16::try_from(n).unwrap().to_be_bytes());
            }
        }
        out.extend_from_slice(content);
        out
    }

    fn seq(parts: &[Vec<u8>]) -> Vec<u8> {
        tlv(0x30, &parts.concat())
    }

    pub fn certificate(bits: usize) -> Vec<u8> {
        let rsa_oid = tlv(0x06, &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01]);
        let sha_oid = tlv(0x06, &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b]);
        let null = tlv(0x05, &[]);
        let mut modulus = vec![0];
        modulus.extend(std::iter::repeat_n(0xc3, bits / 8));
        let key = seq(&[tlv(0x02, &modulus), tlv(0x02, &[1, 0, 1])]);
        let mut bit_string = vec![0];
        bit_string.extend(&key);
        let spki = seq(&[seq(&[rsa_oid, null.clone()]), tlv(0x03, &bit_string)]);
        let algorithm = seq(&[sha_oid, null]);
        let dates = seq(&[tlv(0x17, b"260101000000Z"), tlv(0x17, b"270301000000Z")]);
        let name = seq(&[]);
        let version = tlv(0xa0, &tlv(0x02, &[2]));
        let serial = tlv(0x02, &[1]);
        let tbs = seq(&[version, serial, algorithm.clone(), name.clone(), dates, name, spki]);
        seq(&[tbs, algorithm, tlv(0x03, &[0, 1, 2, 3])])
    }
}
