//! Files that cannot be used: an error that names them, never a trust that is weaker than meant.

use std::fs;
use std::path::PathBuf;

use portcullis_certs_dev::{Exchange, ExchangeSpec};
use portcullis_core::id::AgencyId;

use super::support::{NOW, date, trust_spec};
use crate::identity::{Credentials, Pin, TrustSnapshot, TrustSpec};

fn exchange() -> (tempfile::TempDir, Exchange) {
    let dir = tempfile::tempdir().unwrap();
    let spec = ExchangeSpec::new(&["alpha", "beta"]);
    let exchange = Exchange::generate(dir.path(), &spec, date(NOW)).unwrap();
    (dir, exchange)
}

fn error(spec: &TrustSpec) -> String {
    TrustSnapshot::load(spec).unwrap_err().to_string()
}

#[test]
fn a_revocation_list_cut_at_any_byte_is_refused() {
    let (_dir, exchange) = exchange();
    let crl = exchange.agency("alpha").unwrap().crl.clone();
    let whole = fs::read(&crl).unwrap();
    let spec = trust_spec(&exchange);
    let end = whole.trim_ascii_end().len();
    for cut in 0..end {
        fs::write(&crl, &whole[..cut]).unwrap();
        let error = error(&spec);
        assert!(error.contains("alpha/crl.pem"), "cut at {cut}: {error}");
    }
    fs::write(&crl, &whole[..end]).unwrap();
    TrustSnapshot::load(&spec).unwrap();
}

#[test]
fn a_missing_wrong_or_huge_file_is_named() {
    let (dir, exchange) = exchange();
    let spec = trust_spec(&exchange);
    let with = |crl: PathBuf| {
        let mut changed = spec.clone();
        changed.agencies[1].crls = vec![crl];
        error(&changed)
    };
    assert!(with(dir.path().join("absent.pem")).contains("absent.pem"));
    let ca = exchange.agency("alpha").unwrap().ca.clone();
    assert!(with(ca).contains("holds no revocation list"));
    let huge = dir.path().join("huge.pem");
    fs::File::create(&huge).unwrap().set_len((16 << 20) + 1).unwrap();
    assert!(with(huge).contains("huge.pem` is larger than"));
}

#[test]
fn only_a_ca_is_a_root() {
    let (_dir, exchange) = exchange();
    let mut spec = trust_spec(&exchange);
    spec.agencies[1].roots = vec![exchange.identity("alpha", "desk").unwrap().certificate.clone()];
    assert!(error(&spec).contains("not a CA's"));
    spec.agencies[1].roots = vec![];
    assert!(error(&spec).contains("neither a CA nor a pinned certificate"));
}

#[test]
fn entries_that_contradict_themselves_are_named() {
    let (_dir, exchange) = exchange();
    let good = trust_spec(&exchange);
    let mut twice = good.clone();
    twice.agencies.push(good.agencies[1].clone());
    assert!(error(&twice).contains("`alpha`: the agency is listed twice"));
    let mut pinned = good.clone();
    let pin = Pin { fingerprint: "ab".repeat(32), agency: "gone".into(), system: "x".into() };
    pinned.pins = vec![pin.clone()];
    assert!(error(&pinned).contains("is not listed"));
    pinned.pins[0].agency = AgencyId::new("alpha");
    TrustSnapshot::load(&pinned).unwrap();
    pinned.pins[0].fingerprint = "AB".repeat(32);
    assert!(error(&pinned).contains("64 lower-case hex digits"));
    let mut allowed = good.clone();
    allowed.allowed = Some(vec!["spiffe://x/agency/*/system/y".into()]);
    assert!(error(&allowed).contains("not a SPIFFE id"));
    let mut domain = good;
    domain.trust_domain = "Ex".into();
    assert!(error(&domain).contains("`Ex`: not a trust domain"));
}

#[test]
fn a_key_of_another_certificate_is_refused() {
    let (_dir, exchange) = exchange();
    let (desk, auditor) = (
        exchange.identity("alpha", "desk").unwrap(),
        exchange.identity("alpha", "auditor").unwrap(),
    );
    Credentials::load(&desk.certificate, &desk.key).unwrap();
    let error = Credentials::load(&desk.certificate, &auditor.key).unwrap_err().to_string();
    assert!(error.contains("auditor.key") && error.contains("does not belong"), "{error}");
}
