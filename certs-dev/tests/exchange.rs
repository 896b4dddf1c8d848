//! What `Exchange::generate` promises about the files, and `bad_identities` about its list.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use portcullis_certs_dev::{Exchange, ExchangeSpec, bad_identities};
use time::{Duration, OffsetDateTime};

fn now() -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap()
}

fn generate(dir: &Path) -> Exchange {
    Exchange::generate(dir, &ExchangeSpec::new(&["alpha", "beta"]), now()).unwrap()
}

fn all_files(dir: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { all_files(&path, found) } else { found.push(path) }
    }
}

#[test]
fn keys_are_for_their_owner_alone() {
    let dir = tempfile::tempdir().unwrap();
    let mut exchange = generate(dir.path());
    bad_identities(&mut exchange, now()).unwrap();
    let mut files = vec![];
    all_files(dir.path(), &mut files);
    let keys: Vec<_> = files.iter().filter(|f| f.extension().is_some_and(|e| e == "key")).collect();
    assert!(keys.len() > 40, "{}", keys.len());
    for key in keys {
        let mode = fs::metadata(key).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{}", key.display());
    }
    assert!(!files.iter().any(|f| f.extension().is_some_and(|e| e == "new")));
}

#[test]
fn reads_back_what_it_wrote() {
    let dir = tempfile::tempdir().unwrap();
    let mut exchange = generate(dir.path());
    let serial = exchange.identity("alpha", "desk").unwrap().serial.clone();
    exchange.revoke("alpha", &[&serial], now(), now() + Duration::days(1)).unwrap();
    exchange.revoke("alpha", &[&serial], now(), now() + Duration::days(1)).unwrap();
    let again = Exchange::load(dir.path()).unwrap();
    assert_eq!(again, exchange);
    assert_eq!(again.agency("alpha").unwrap().revoked, [serial]);
}

#[test]
fn a_leaf_lives_a_week_and_has_one_uri_name() {
    let dir = tempfile::tempdir().unwrap();
    let exchange = generate(dir.path());
    for identity in &exchange.identities {
        let pem = fs::read(&identity.certificate).unwrap();
        let (_, pem) = x509_parser::pem::parse_x509_pem(&pem).unwrap();
        let leaf = pem.parse_x509().unwrap();
        let life = leaf.validity().not_after.timestamp() - now().unix_timestamp();
        assert_eq!(life, 7 * 24 * 3600);
        let names = leaf.subject_alternative_name().unwrap().unwrap();
        let uris: Vec<_> = names
            .value
            .general_names
            .iter()
            .filter_map(|name| match name {
                x509_parser::extensions::GeneralName::URI(uri) => Some(*uri),
                _ => None,
            })
            .collect();
        assert_eq!(uris, [identity.spiffe_id.as_str()]);
    }
}

#[test]
fn refuses_ids_that_are_no_folder_names() {
    let dir = tempfile::tempdir().unwrap();
    for ids in [["../up", "beta"], ["Alpha", "beta"], ["", "beta"], ["alpha", "alpha"]] {
        assert!(Exchange::generate(dir.path(), &ExchangeSpec::new(&ids), now()).is_err());
    }
    let mut spec = ExchangeSpec::new(&["alpha"]);
    spec.agencies[0].systems = vec!["ca".into()];
    assert!(Exchange::generate(dir.path(), &spec, now()).is_err());
}

#[test]
fn has_every_deviant_certificate() {
    let dir = tempfile::tempdir().unwrap();
    let mut exchange = generate(dir.path());
    let bad = bad_identities(&mut exchange, now()).unwrap();
    let names: BTreeSet<_> = bad.iter().map(|b| b.name).collect();
    assert_eq!(names.len(), bad.len(), "a name twice");
    let deviant = [
        "no-san",
        "no-eku",
        "two-uris",
        "wildcard-path",
        "dot-dot",
        "upper-scheme",
        "upper-host",
        "percent",
        "query",
        "userinfo",
        "email-only",
        "wildcard-dns",
        "hundred-years",
        "wrong-ca-same-name",
        "expired",
        "not-yet-valid",
        "server-only",
        "ca-leaf",
    ];
    for name in deviant {
        assert!(names.contains(name), "{name}");
    }
}
