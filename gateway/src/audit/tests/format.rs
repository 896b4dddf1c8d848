//! Bytes mean one thing: decoding undoes encoding, two different events never share bytes, and bytes that
//! were not written so are refused.

use proptest::prelude::*;

use super::super::part::Part;
use super::*;

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z]{0,3}", any::<String>(), Just("a\n\u{1b}[2J\u{202e}\u{0}".to_owned())]
}

fn digest() -> impl Strategy<Value = Digest> {
    prop_oneof![any::<[u8; 32]>(), Just([0; 32])].prop_map(Digest)
}

fn a_requester() -> impl Strategy<Value = Requester> {
    (text(), text(), text(), digest(), text()).prop_map(
        |(agency, system, spiffe_id, certificate, officer)| Requester {
            agency: agency.as_str().into(),
            system: system.as_str().into(),
            spiffe_id,
            certificate,
            officer,
        },
    )
}

fn an_intent() -> impl Strategy<Value = Part> {
    let ids = (any::<[u8; 16]>(), a_requester(), 1..=11_i32, proptest::option::of(text()));
    let versions = (text(), any::<u32>(), text(), digest(), digest(), digest(), digest());
    let lists =
        (proptest::collection::vec(text(), 0..4), text(), proptest::collection::vec(text(), 0..4));
    let times = (any::<i64>(), proptest::option::of(any::<i64>()), proptest::option::of(digest()));
    (ids, versions, lists, times).prop_map(|(ids, versions, lists, times)| {
        Part::Intent(Intent {
            exchange: ExchangeId(ids.0),
            requester: ids.1,
            purpose: Purpose::from_number(ids.2).unwrap(),
            case: ids.3.map(|case| case.as_str().into()),
            agreement: versions.0.as_str().into(),
            agreement_version: versions.1,
            record_type: versions.2.as_str().into(),
            schema_hash: versions.3,
            query_digest: versions.4,
            policy_hash: versions.5,
            config_hash: versions.6,
            filter_paths: lists.0,
            justification: lists.1,
            sources: lists.2.iter().map(|source| source.as_str().into()).collect(),
            decided_at: Moment(times.0),
            valid_until: times.1.map(Moment),
            idempotency_key: times.2,
        })
    })
}

fn a_denial() -> impl Strategy<Value = Part> {
    let digests = (proptest::option::of(digest()), digest());
    let rules = proptest::collection::vec(text(), 0..4);
    (any::<[u8; 16]>(), any::<i64>(), a_requester(), text(), rules, digests).prop_map(
        |(exchange, at, requester, reason, rules, (query_digest, policy_hash))| {
            Part::Denial(Denial {
                exchange: ExchangeId(exchange),
                at: Moment(at),
                requester,
                reason,
                rules: rules.iter().map(|rule| rule.as_str().into()).collect(),
                query_digest,
                policy_hash,
            })
        },
    )
}

fn ending() -> impl Strategy<Value = Ending> {
    prop_oneof![Just(Ending::Complete), Just(Ending::Cut), Just(Ending::Unknown)]
}

fn part() -> impl Strategy<Value = Part> {
    let commitment = (digest(), digest(), digest())
        .prop_map(|(id, content, plan)| RecordCommitment { id, content, plan });
    prop_oneof![
        an_intent(),
        a_denial(),
        (text(), any::<[u8; 32]>(), proptest::collection::vec(commitment, 0..4)).prop_map(
            |(originator, salt, records)| {
                Part::Share { originator: originator.as_str().into(), salt, records }
            }
        ),
        (text(), any::<[u8; 32]>()).prop_map(|(originator, salt)| Part::IdSalt {
            originator: originator.as_str().into(),
            salt
        }),
        (ending(), text()).prop_map(|(ending, reason)| Part::Ended { ending, reason }),
        (text(), text(), text(), any::<u64>()).prop_map(
            |(agency, completeness, reason, released)| Part::Source {
                agency: agency.as_str().into(),
                completeness,
                reason,
                released
            }
        ),
        (text(), proptest::collection::vec((text(), any::<u64>()), 0..3))
            .prop_map(|(agency, causes)| Part::Refused { agency: agency.as_str().into(), causes }),
        (text(), text(), digest()).prop_map(|(officer, key_id, token)| Part::Officer {
            officer: officer.as_str().into(),
            key_id,
            token
        }),
    ]
}

fn link() -> impl Strategy<Value = Link> {
    prop_oneof![
        Just(Link::Intent),
        Just(Link::Denial),
        (digest(), digest(), any::<u32>()).prop_map(|(intent, previous, batch)| Link::Disclosure {
            intent,
            previous,
            batch
        }),
        (digest(), digest(), any::<u32>(), ending()).prop_map(
            |(intent, previous, batches, ending)| Link::Outcome {
                intent,
                previous,
                batches,
                ending
            }
        ),
    ]
}

fn leaf() -> impl Strategy<Value = Leaf> {
    (any::<i64>(), any::<[u8; 16]>(), text(), digest(), digest(), link()).prop_map(
        |(at, exchange, requester, body, sealed, link)| Leaf {
            at: Moment(at),
            exchange: ExchangeId(exchange),
            requester: requester.as_str().into(),
            body,
            sealed,
            link,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn parts_that_differ_never_share_bytes(one in part(), two in part()) {
        let (a, b) = (one.encode().unwrap(), two.encode().unwrap());
        prop_assert_eq!(a == b, one == two);
        prop_assert_eq!(Part::decode(&a).unwrap(), one);
    }

    #[test]
    fn leaves_that_differ_never_share_bytes(one in leaf(), two in leaf()) {
        let (a, b) = (one.encode().unwrap(), two.encode().unwrap());
        prop_assert_eq!(a == b, one == two);
        prop_assert_eq!(Leaf::decode(&a).unwrap(), one);
    }

    /// What decodes is exactly what would have been written: no second spelling of anything.
    #[test]
    fn bytes_that_decode_are_canonical(
        leaf in leaf(),
        part in part(),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        cut in any::<prop::sample::Index>(),
    ) {
        for mut bytes in [leaf.encode().unwrap(), part.encode().unwrap()] {
            let at = at.index(bytes.len());
            bytes[at] = byte;
            if let Ok(leaf) = Leaf::decode(&bytes) {
                prop_assert_eq!(&leaf.encode().unwrap(), &bytes);
            }
            if let Ok(part) = Part::decode(&bytes) {
                prop_assert_eq!(&part.encode().unwrap(), &bytes);
            }
        }
        let whole = leaf.encode().unwrap();
        prop_assert!(Leaf::decode(&whole[..cut.index(whole.len())]).is_err());
        prop_assert!(Leaf::decode(&[whole.as_slice(), &[0]].concat()).is_err());
        let whole = part.encode().unwrap();
        prop_assert!(Part::decode(&whole[..cut.index(whole.len())]).is_err());
        prop_assert!(Part::decode(&[whole.as_slice(), &[0]].concat()).is_err());
    }
}

/// The same list split in another way, a value moved to its neighbour: what concatenation would confuse.
#[test]
fn neighbours_do_not_run_into_each_other() {
    let with = |paths: &[&str], justification: &str| {
        let mut intent = Intent { exchange: ExchangeId([7; 16]), ..intent() };
        intent.filter_paths = paths.iter().map(|path| (*path).to_owned()).collect();
        intent.justification = justification.to_owned();
        Part::Intent(intent).encode().unwrap()
    };
    let all = [
        with(&["ab"], "c"),
        with(&["a", "b"], "c"),
        with(&["a"], "bc"),
        with(&[], "abc"),
        with(&["abc"], ""),
        with(&["abc", ""], ""),
    ];
    for (i, one) in all.iter().enumerate() {
        assert!(all.iter().skip(i + 1).all(|two| one != two));
    }
}

/// Golden: the bytes are for good. Another reader can be written from README.md and checked against this.
#[test]
fn leaf_bytes_are_fixed() {
    let leaf = Leaf {
        at: Moment(0x0102_0304_0506_0708),
        exchange: ExchangeId([0xee; 16]),
        requester: "ab".into(),
        body: Digest([0xbb; 32]),
        sealed: Digest([0xcc; 32]),
        link: Link::Outcome {
            intent: Digest([0x11; 32]),
            previous: Digest([0x22; 32]),
            batches: 5,
            ending: Ending::Cut,
        },
    };
    let wanted = [
        "01",
        "03",
        "0102030405060708",
        &"ee".repeat(16),
        "00000002",
        "6162",
        &"bb".repeat(32),
        &"cc".repeat(32),
        &"11".repeat(32),
        &"22".repeat(32),
        "00000005",
        "01",
    ]
    .concat();
    assert_eq!(hex::encode(leaf.encode().unwrap()), wanted);
    let long = "a".repeat(MAX_LEAF);
    assert!(Leaf { requester: long.as_str().into(), ..leaf }.encode().is_err());
}

#[tokio::test]
async fn a_leaf_stays_small_however_many_records_it_stands_for() {
    let bench = Bench::new();
    let audit = bench.open().await;
    let mut durable = audit.intend(intent(), Effects::default()).await.unwrap();
    let records = (0..20_000).map(|n| record("licensing-b", &n.to_string())).collect();
    audit.seal(&mut durable, nothing(), disclosure(records), Effects::default()).await.unwrap();
    let entries = audit.list(&Filter { limit: 10, ..Filter::default() }).await.unwrap();
    assert!(entries[1].leaf.len() < 300 && entries[1].sealed.len() > 20_000 * 96);
}

#[test]
fn exchanges_are_named_in_the_order_of_their_time_and_never_alike() {
    let names: Vec<_> = (0..100).map(|_| ExchangeId::begin(NOON).unwrap()).collect();
    let later = ExchangeId::begin(Moment(NOON.0 + 1)).unwrap();
    for (at, name) in names.iter().enumerate() {
        assert_eq!(name.0[..6], NOON.0.to_be_bytes()[2..], "milliseconds first");
        assert_eq!((name.0[6] >> 4, name.0[8] >> 6), (7, 2), "version and variant of RFC 9562");
        assert!(*name < later && !names[..at].contains(name));
        assert_eq!(ExchangeId::parse(&name.to_string()), Some(*name));
    }
}
