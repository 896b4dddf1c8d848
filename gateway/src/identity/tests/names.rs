//! The grammar of names.

use proptest::prelude::*;

use crate::identity::{NameFault, PeerId};

const GOOD: &str = "spiffe://ex.example/agency/customs/system/desk";

#[test]
fn reads_the_one_form() {
    let peer = PeerId::parse(GOOD).unwrap();
    assert_eq!(peer.agency.as_str(), "customs");
    assert_eq!(peer.system.as_str(), "desk");
    assert_eq!(&*peer.trust_domain, "ex.example");
    assert_eq!(peer.to_string(), GOOD);
}

#[test]
fn says_what_is_wrong() {
    let segment = "a".repeat(64);
    let cases = [
        ("", NameFault::Scheme),
        ("spiffe:/ex/agency/a/system/b", NameFault::Scheme),
        ("Spiffe://ex/agency/a/system/b", NameFault::Scheme),
        ("spiffe://", NameFault::Path),
        ("spiffe:///agency/a/system/b", NameFault::TrustDomain),
        ("spiffe://EX/agency/a/system/b", NameFault::TrustDomain),
        ("spiffe://ex:1/agency/a/system/b", NameFault::TrustDomain),
        ("spiffe://.ex/agency/a/system/b", NameFault::TrustDomain),
        ("spiffe://ex./agency/a/system/b", NameFault::TrustDomain),
        ("spiffe://ex/agency/a/system/b/", NameFault::Path),
        ("spiffe://ex/agency/a/system", NameFault::Path),
        ("spiffe://ex//agency/a/system/b", NameFault::Path),
        ("spiffe://ex/system/a/agency/b", NameFault::Path),
        ("spiffe://ex/agency//system/b", NameFault::Segment),
        ("spiffe://ex/agency/a/system/", NameFault::Segment),
        ("spiffe://ex/agency/a/system/*", NameFault::Segment),
        ("spiffe://ex/agency/a/system/b\n", NameFault::Segment),
        ("spiffe://ex/agency/a_b/system/b", NameFault::Segment),
    ];
    for (text, fault) in cases {
        assert_eq!(PeerId::parse(text), Err(fault), "{text}");
    }
    assert_eq!(PeerId::new("ex", &segment, "b"), Err(NameFault::Segment));
    assert!(PeerId::new("ex", &segment[1..], "b").is_ok());
    assert_eq!(PeerId::new(&"a.".repeat(130), "a", "b"), Err(NameFault::TrustDomain));
}

/// A second parser, written another way: byte by byte, with a table of states.
fn second_parser(text: &[u8]) -> bool {
    fn take<'a>(text: &'a [u8], wanted: &[u8]) -> Option<&'a [u8]> {
        text.starts_with(wanted).then(|| &text[wanted.len()..])
    }
    fn run(text: &[u8], extra: &[u8]) -> usize {
        let ok = |b: &&u8| b.is_ascii_lowercase() || b.is_ascii_digit() || extra.contains(b);
        text.iter().take_while(ok).count()
    }
    let Some(rest) = take(text, b"spiffe://") else { return false };
    let domain = run(rest, b".-");
    let labels = rest[..domain].split(|b| *b == b'.').all(|l| !l.is_empty() && l.len() <= 63);
    if domain == 0 || domain > 253 || !labels {
        return false;
    }
    let Some(rest) = take(&rest[domain..], b"/agency/") else { return false };
    let agency = run(rest, b"-");
    let Some(rest) = take(&rest[agency..], b"/system/") else { return false };
    let system = run(rest, b"-");
    (1..=63).contains(&agency) && (1..=63).contains(&system) && system == rest.len()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    /// Near misses of a good name: both parsers say the same, and what is accepted reads back as it was.
    #[test]
    fn agrees_with_a_second_parser(
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0..3_u8, "[a-zA-Z0-9/.:%*@?#\\-_ \\x00é]"), 0..4),
    ) {
        let mut text: Vec<char> = GOOD.chars().collect();
        for (at, kind, letter) in edits {
            let letter = letter.chars().next().unwrap();
            let at = at.index(text.len().max(1));
            match kind {
                0 => text.insert(at, letter),
                1 if at < text.len() => text[at] = letter,
                _ if at < text.len() => { text.remove(at); }
                _ => {}
            }
        }
        let text: String = text.into_iter().collect();
        let parsed = PeerId::parse(&text);
        prop_assert_eq!(parsed.is_ok(), second_parser(text.as_bytes()), "{}", text);
        if let Ok(peer) = parsed {
            let again = PeerId::new(&peer.trust_domain, peer.agency.as_str(), peer.system.as_str());
            prop_assert_eq!(again.unwrap().to_string(), text);
        }
    }

    /// Equal agencies mean equal bytes: no prefix, suffix or spelling of a name stands for another.
    #[test]
    fn a_name_stands_for_itself_alone(a in "[a-z0-9-]{1,8}", b in "[a-z0-9-]{1,8}", s in "[a-z0-9-]{1,8}") {
        let one = PeerId::new("ex", &a, &s).unwrap();
        let two = PeerId::new("ex", &b, &s).unwrap();
        let longer = PeerId::new("ex", &format!("{a}{b}"), &s).unwrap();
        prop_assert_eq!(one == two, a == b);
        prop_assert_eq!(one.agency == two.agency, a == b);
        prop_assert_ne!(one, longer);
    }
}
