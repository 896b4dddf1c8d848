//! Tampering: whatever is changed in a signed statement, it is refused by name. The vectors that another language
//! verifies (tests/clients/python/verify_statement.py) are these statements.

use std::collections::BTreeMap;

use portcullis_core::act::{Act, ActRefusal, Exchange, Statement};
use portcullis_core::handling::Environment;
use portcullis_core::id::{AgencyId, Digest, Moment};
use portcullis_core::policy::{Purpose, Take};
use portcullis_core::redact::Treatment;

use super::signed::{AgencyKeys, open, sign};
use crate::audit::LogSigner;

fn exchange() -> Exchange {
    Exchange { trust_domain: "portcullis.example".into(), environment: Environment::Exercise }
}

fn signer(agency: &str, seed: u8) -> LogSigner {
    LogSigner::new(agency, &[seed; 32]).unwrap()
}

fn keys() -> AgencyKeys {
    let pair =
        |agency: &str, seed| (AgencyId::new(agency), vec![signer(agency, seed).verifier().clone()]);
    AgencyKeys::from([pair("nv-customs", 1), pair("sm-customs", 2)])
}

fn statements() -> Vec<Statement> {
    let schemas = BTreeMap::from([
        ("portcullis.record.v1.Declaration".into(), Digest::of(b"one")),
        ("portcullis.record.v1.Party".into(), Digest::of(b"two")),
    ]);
    let at = Moment::from_seconds(1_795_000_000);
    [
        Act::Sign(schemas.clone()),
        Act::Accede(schemas),
        Act::Consent("vl-fiu".into()),
        Act::Reserve(vec![
            (Some(1), Take::Purpose(Purpose::Investigation)),
            (None, Take::Field { path: "importer.id".into(), at_most: Treatment::Presence }),
            (Some(2), Take::RecordType("portcullis.record.v1.Party".into())),
            (Some(1), Take::Match("importer.id".into())),
        ]),
        Act::Suspend,
        Act::Resume,
        Act::Withdraw(Some(at)),
        Act::Terminate(None),
    ]
    .into_iter()
    .zip(1..)
    .map(|(act, serial)| Statement {
        exchange: exchange(),
        agreement: "maa-norvia-solmark".into(),
        version: 3,
        text: Digest::of(b"the text"),
        by: "nv-customs".into(),
        serial,
        at,
        act,
        reason: if serial % 2 == 0 { String::new() } else { "as agreed".into() },
    })
    .collect()
}

#[test]
fn every_byte_that_is_changed_is_refused_by_name() {
    let key = signer("nv-customs", 1);
    let mut seen = BTreeMap::new();
    for statement in statements() {
        let note = sign(&statement, &key);
        assert_eq!(open(&note, &exchange(), &keys()).as_ref(), Ok(&statement));
        for at in 0..note.len() {
            for bit in [0x01, 0x20] {
                let mut bytes = note.clone().into_bytes();
                bytes[at] ^= bit;
                let Ok(changed) = String::from_utf8(bytes) else { continue };
                let refusal = open(&changed, &exchange(), &keys())
                    .expect_err(&format!("byte {at} of {}", statement.act.word()));
                *seen.entry(refusal.reason()).or_insert(0) += 1;
            }
        }
        for at in 0..note.len() {
            if let (Some(start), Some(end)) = (note.get(..at), note.get(at + 1..)) {
                assert!(open(start, &exchange(), &keys()).is_err(), "cut at {at}");
                assert!(
                    open(&format!("{start}{end}"), &exchange(), &keys()).is_err(),
                    "without {at}"
                );
            }
        }
    }
    let words: Vec<&str> = seen.keys().copied().collect();
    assert_eq!(words, ["KEY_UNKNOWN", "NOT_A_STATEMENT", "OTHER_EXCHANGE", "SIGNATURE_WRONG"]);
}

#[test]
fn a_wrong_key_a_wrong_party_and_another_exchange_are_refused_by_name() {
    let statement = statements().remove(0);
    let of = |key: &LogSigner| open(&sign(&statement, key), &exchange(), &keys());
    assert_eq!(of(&signer("nv-customs", 9)), Err(ActRefusal::KeyUnknown), "a key nobody knows");
    assert_eq!(of(&signer("sm-customs", 2)), Err(ActRefusal::KeyUnknown), "another party's key");
    // Another party's key under the agency's name has another key id.
    assert_eq!(of(&signer("nv-customs", 2)), Err(ActRefusal::KeyUnknown));
    let note = sign(&statement, &signer("nv-customs", 1));
    for other in [
        Exchange { trust_domain: "other.example".into(), ..exchange() },
        Exchange { environment: Environment::Production, ..exchange() },
    ] {
        assert_eq!(open(&note, &other, &keys()), Err(ActRefusal::OtherExchange));
    }
    assert_eq!(open(&note, &exchange(), &AgencyKeys::new()), Err(ActRefusal::KeyUnknown));
    // The signature of one statement under another's text.
    let other = sign(&statements().remove(4), &signer("nv-customs", 1));
    let (signature, text) =
        (note.rsplit_once("\n\n").unwrap().1, other.rsplit_once("\n\n").unwrap().0);
    let mixed = format!("{text}\n\n{signature}");
    assert_eq!(open(&mixed, &exchange(), &keys()), Err(ActRefusal::SignatureWrong));
}

#[test]
fn vectors_are_what_is_signed() {
    let path =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("core/vectors/statements.json");
    let key = signer("nv-customs", 1);
    let notes: Vec<_> = statements()
        .iter()
        .map(|one| serde_json::json!({"act": one.act.word(), "note": sign(one, &key)}))
        .collect();
    let document = serde_json::json!({
        "key": key.verifier().to_string(),
        "exchange": "portcullis.example EXERCISE",
        "statements": notes,
    });
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        let text = format!("{}\n", serde_json::to_string_pretty(&document).unwrap());
        std::fs::write(&path, &text).unwrap();
    }
    // The order of keys follows from features of the build.
    let stored: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    assert_eq!(stored, document);
}
