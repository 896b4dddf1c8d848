//! Pseudonyms: equal in scope, unlinkable across, one size, useless without the key.

use std::collections::HashSet;

use proptest::prelude::*;
use zeroize::Zeroizing;

use super::super::{
    CAPACITY, PseudonymKeyError, PseudonymKeys, TOKEN_CHARS, TokenDomain, TokenError,
};
use super::{KEYS, keys, scope};
use crate::id::AgencyId;
use crate::label::Semantic;

const ID: TokenDomain = TokenDomain::Value(Semantic::Identifier);
const NAME: TokenDomain = TokenDomain::Value(Semantic::PersonName);

proptest! {
    #[test]
    fn tokens_open_to_their_value_and_have_one_size(value in ".{0,60}") {
        let token = KEYS.token(ID, &value);
        prop_assert_eq!(token.len(), TOKEN_CHARS);
        prop_assert!(token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
        prop_assert_eq!(&token, &KEYS.token(ID, &value));
        let expected = if value.len() <= CAPACITY { Ok(value) } else { Err(TokenError::NotOpenable) };
        prop_assert_eq!(KEYS.open(ID, &token), expected);
    }

    #[test]
    fn tokens_differ_across_scopes_domains_and_epochs(value in ".{0,60}") {
        let other_scope = keys().scope_key(&scope("alpha/case-2"));
        let older = PseudonymKeys::new(2, [(2, Zeroizing::new([9; 32]))]).unwrap();
        let older = older.scope_key(&scope("alpha/case-1"));
        let token = KEYS.token(ID, &value);
        let others = [other_scope.token(ID, &value), KEYS.token(NAME, &value), older.token(ID, &value)];
        let body = |token: &str| token[4..].to_owned();
        let mut bodies: HashSet<String> = others.iter().map(|token| body(token)).collect();
        bodies.insert(body(&token));
        prop_assert_eq!(bodies.len(), 4);
        prop_assert_eq!(other_scope.open(ID, &token), Err(TokenError::NotOpenable));
        prop_assert_eq!(KEYS.open(NAME, &token), Err(TokenError::NotOpenable));
        if value.len() <= CAPACITY {
            prop_assert_eq!(KEYS.open(ID, &others[2]), Ok(value), "an older epoch is still opened");
        }
    }

    #[test]
    fn a_changed_token_does_not_open(value in ".{0,40}", at in 0_usize..TOKEN_CHARS, to in "[A-Za-z0-9_-]") {
        let token = KEYS.token(ID, &value);
        let mut changed = token.clone();
        changed.replace_range(at..=at, &to);
        prop_assume!(changed != token);
        prop_assert!(KEYS.open(ID, &changed).is_err());
    }
}

#[test]
fn what_is_no_token_is_malformed() {
    let token = KEYS.token(ID, "x");
    for bad in [
        "",
        "x",
        &token[1..],
        &format!("{token}A"),
        &format!("{token}="),
        &token.replace(&token[40..41], "+"),
    ] {
        assert_eq!(KEYS.open(ID, bad), Err(TokenError::Malformed), "{bad}");
    }
    let version = format!("B{}", &token[1..]);
    assert_eq!(KEYS.open(ID, &version), Err(TokenError::Malformed));
}

#[test]
fn a_destroyed_epoch_leaves_its_tokens_unopenable() {
    let scope = scope("alpha/case-1");
    let old = PseudonymKeys::new(2, [(2, Zeroizing::new([9; 32]))]).unwrap().scope_key(&scope);
    let token = old.token(ID, "KR-1");
    let mut keys = keys();
    assert_eq!(keys.scope_key(&scope).open(ID, &token), Ok("KR-1".to_owned()));
    assert_eq!(keys.destroy(2), Ok(true));
    assert_eq!(keys.destroy(2), Ok(false));
    assert_eq!(keys.destroy(3), Err(PseudonymKeyError::Current));
    assert_eq!(keys.scope_key(&scope).open(ID, &token), Err(TokenError::EpochGone));
}

#[test]
fn keys_that_cannot_be_right_are_refused() {
    let secret = |byte| Zeroizing::new([byte; 32]);
    for (current, epochs, error) in [
        (1, vec![], PseudonymKeyError::Current),
        (1, vec![(2, secret(1))], PseudonymKeyError::Current),
        (1, vec![(1, secret(1)), (1, secret(2))], PseudonymKeyError::Twice),
        (1, vec![(1, secret(0))], PseudonymKeyError::Weak),
    ] {
        assert_eq!(PseudonymKeys::new(current, epochs).err(), Some(error));
    }
}

#[test]
fn a_hundred_thousand_values_have_as_many_tokens() {
    let long = "x".repeat(CAPACITY);
    let tokens: HashSet<String> = (0..50_000)
        .flat_map(|at| [format!("{at}"), format!("{long}{at}")])
        .map(|value| KEYS.token(ID, &value))
        .collect();
    assert_eq!(tokens.len(), 100_000);
}

#[test]
fn references_bind_the_originator() {
    let (kcs, other) = (AgencyId::new("kcs"), AgencyId::new("other"));
    let long_id = [5; 32];
    let token = KEYS.reference(&kcs, &long_id);
    assert_eq!(token.len(), TOKEN_CHARS);
    assert_ne!(token, KEYS.reference(&other, &long_id));
    assert_eq!(KEYS.open_reference([&other], &token), Err(TokenError::NotOpenable));
    assert_eq!(KEYS.open_reference([], &token), Err(TokenError::NotOpenable));
    assert_eq!(KEYS.open_reference([&other, &kcs], &token), Ok((&kcs, long_id.to_vec())));
    assert_eq!(KEYS.open(TokenDomain::Reference, &token), Err(TokenError::NotOpenable));
    // The agency's name and the id cannot trade a byte.
    assert_ne!(
        KEYS.reference(&AgencyId::new("a"), b"bc"),
        KEYS.reference(&AgencyId::new("ab"), b"c")
    );
}

#[test]
fn debug_prints_no_key() {
    assert_eq!(format!("{:?} {:?}", keys(), *KEYS), "PseudonymKeys { .. } ScopeKey { .. }");
}

#[test]
fn reasons_are_words_that_stay() {
    let tokens = [TokenError::Malformed, TokenError::EpochGone, TokenError::NotOpenable];
    let words = ["TOKEN_MALFORMED", "TOKEN_EPOCH_GONE", "TOKEN_NOT_OPENABLE"];
    assert_eq!(tokens.map(TokenError::word), words);
    let keys = [PseudonymKeyError::Current, PseudonymKeyError::Twice, PseudonymKeyError::Weak];
    let words = ["PSEUDONYM_KEY_CURRENT", "PSEUDONYM_KEY_TWICE", "PSEUDONYM_KEY_WEAK"];
    assert_eq!(keys.map(PseudonymKeyError::word), words);
}

#[test]
fn the_writer_of_tokens_gets_no_secret_but_the_current_one() {
    let all = keys();
    assert_eq!((all.current(), all.epochs().collect::<Vec<_>>()), (3, vec![2, 3]));
    let writer = all.only_current();
    assert_eq!((writer.current(), writer.epochs().collect::<Vec<_>>()), (3, vec![3]));
    let scope = scope("alpha/case-1");
    assert_eq!(writer.scope_key(&scope).token(ID, "KR-1"), KEYS.token(ID, "KR-1"));
}

#[test]
fn keys_keep_anothers_tokens_while_they_have_its_current_secret() {
    let of = |current, epochs: &[(u16, u8)]| {
        let secret = |&(epoch, byte): &(u16, u8)| (epoch, Zeroizing::new([byte; 32]));
        PseudonymKeys::new(current, epochs.iter().map(secret)).unwrap()
    };
    let writer = of(2, &[(1, 5), (2, 9)]);
    assert!(of(3, &[(2, 9), (3, 7)]).keep(&writer), "rotated since");
    assert!(!of(3, &[(2, 8), (3, 7)]).keep(&writer), "another secret under its number");
    assert!(!of(3, &[(1, 5), (3, 7)]).keep(&writer), "an older epoch alone");
    assert!(!of(3, &[(3, 9)]).keep(&writer), "its secret under another number");
}
