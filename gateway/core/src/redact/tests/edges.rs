//! Where things end: the largest records, numbers and lengths, and one more.

use std::sync::Arc;

use bytes::Bytes;

use super::super::{
    Batch, FoundRecord, MAX_RECORD_BYTES, MAX_RECORD_FIELDS, Plan, Reason, Redactor, Refusal,
    Treatment,
};
use super::rules::{number, text};
use super::{EVERY, SET, all, field, keys, only, plan, redact, scope};
use crate::id::{AgencyId, AgreementId};
use crate::label::RecordType;

use Treatment::{Clear, Presence};

#[test]
fn limits_hold_at_the_edge() {
    let redactor = all(&EVERY, Clear);
    // Tag and length of a text of this size take four bytes.
    let largest = text(9, &vec![b'x'; MAX_RECORD_BYTES - 4]);
    assert_eq!(largest.len(), MAX_RECORD_BYTES);
    assert_eq!(redact(&redactor, &largest).unwrap().0, largest);
    let larger = text(9, &vec![b'x'; MAX_RECORD_BYTES - 3]);
    assert_eq!(redact(&redactor, &larger).err(), Some(Refusal::TooLarge));
    // A list of texts goes the quick way, one of numbers and what is unknown the careful one.
    let double = vec![0xc9, 0x02, 0, 0, 0, 0, 0, 0, 0, 0];
    for field in [text(24, b""), double, number(9999, 1), text(30, b"")] {
        let most = field.repeat(MAX_RECORD_FIELDS);
        assert!(redact(&redactor, &most).is_ok(), "{field:02x?}");
        for more in [number(11, 1), text(1, b"x"), text(29, b""), number(9999, 1)] {
            let cause = redact(&redactor, &[most.clone(), more].concat()).err();
            assert_eq!(cause, Some(Refusal::TooManyFields), "{field:02x?}");
        }
    }
    // What is inside counts: one for the message, the others for it.
    let inner = text(29, &number(9999, 1).repeat(MAX_RECORD_FIELDS - 1));
    assert!(redact(&redactor, &inner).is_ok());
    let cause = redact(&redactor, &[inner, number(11, 1)].concat()).err();
    assert_eq!(cause, Some(Refusal::TooManyFields));
}

/// Tag, then a value in so many bytes of seven bits, all ones but for the last byte.
fn ones(tag: &[u8], bytes: usize, last: u8) -> Vec<u8> {
    [tag, &vec![0xff; bytes - 1], &[last]].concat()
}

#[test]
fn numbers_are_taken_to_the_last_bit_of_their_type_and_no_further() {
    let redactor = all(&EVERY, Clear);
    let outcome = |bytes: &[u8]| redact(&redactor, bytes).map(|(out, _)| out);
    // mass int64, quantity uint64, q_sint64, q_uint32, q_int32, flag bool.
    let (int64, uint64, sint64): (&[u8], &[u8], &[u8]) = (&[0x58], &[0x60], &[0x98, 0x02]);
    let (uint32, int32, flag): (&[u8], &[u8], &[u8]) = (&[0xa0, 0x02], &[0xa8, 0x02], &[0x68]);
    for tag in [int64, uint64, sint64] {
        for bytes in 1..=9 {
            for last in [0x01, 0x7f] {
                let good = ones(tag, bytes, last);
                assert_eq!(outcome(&good), Ok(good));
            }
            let cut = ones(tag, bytes, 0xff);
            assert_eq!(outcome(&cut), Err(Refusal::Truncated), "{cut:02x?}");
        }
        for bytes in 2..=10 {
            let padded = ones(tag, bytes, 0);
            assert_eq!(outcome(&padded), Err(Refusal::OverlongVarint), "{padded:02x?}");
        }
        let largest = ones(tag, 10, 1);
        assert_eq!(outcome(&largest), Ok(largest));
        for last in [0x02, 0x7f, 0x81] {
            assert_eq!(outcome(&ones(tag, 10, last)), Err(Refusal::OverlongVarint), "{last}");
        }
    }
    let of = |tag: &[u8], value: u64| {
        let mut bytes = tag.to_vec();
        super::super::write::varint(&mut bytes, value);
        bytes
    };
    let below = |tag, value| {
        let bytes = of(tag, value);
        let good = outcome(&bytes) == Ok(bytes);
        (good, outcome(&of(tag, value + 1)).err())
    };
    assert_eq!(below(uint32, u32::MAX.into()), (true, Some(Refusal::OutOfRange)));
    assert_eq!(below(int32, i32::MAX as u64), (true, Some(Refusal::OutOfRange)));
    assert_eq!(below(flag, 1), (true, Some(Refusal::OutOfRange)));
    // Five bytes hold 35 bits.
    for last in [0x10, 0x1f, 0x20, 0x40, 0x7f] {
        for tag in [uint32, int32, flag] {
            let wide = ones(tag, 5, last);
            assert_eq!(outcome(&wide), Err(Refusal::OutOfRange), "{wide:02x?}");
        }
    }
    let largest = ones(uint32, 5, 0x0f);
    assert_eq!(outcome(&largest), Ok(largest));
    for negative in [-1_i64, i32::MIN.into()] {
        let bytes = of(int32, negative.cast_unsigned());
        assert_eq!(outcome(&bytes), Ok(bytes));
    }
    let bytes = of(int32, (i64::from(i32::MIN) - 1).cast_unsigned());
    assert_eq!(outcome(&bytes), Err(Refusal::OutOfRange));
}

#[test]
fn a_tag_or_length_is_as_short_as_it_can_be_and_ends_where_it_says() {
    let redactor = all(&EVERY, Clear);
    let outcome = |bytes: &[u8]| redact(&redactor, bytes).map(|(out, _)| out);
    for (bytes, cause) in [
        // Tags of a text, a number, a message.
        (&[0x8a, 0x00, 1, b'x'][..], Refusal::OverlongVarint),
        (&[0xd8, 0x00, 1], Refusal::OverlongVarint),
        (&[0xea, 0x81, 0x00, 0], Refusal::OverlongVarint),
        (&[0x80, 0x00], Refusal::OverlongVarint),
        (&[0x8a], Refusal::Truncated),
        // The value, before its wrong wire type.
        (&[0x80, 0x01, 0x80], Refusal::Truncated),
        // Lengths.
        (&[0x0a, 0x80, 0x00], Refusal::OverlongVarint),
        (&[0x0a, 0x80, 0x80, 0x00], Refusal::OverlongVarint),
        (&[0x0a, 0x80], Refusal::Truncated),
        (&[0xea, 0x01, 1], Refusal::Truncated),
        (&[0xea, 0x01, 0x81, 0x00, 0], Refusal::OverlongVarint),
        // Doubles, floats.
        (&[0x71, 0, 0, 0, 0, 0, 0, 0], Refusal::Truncated),
        (&[0x7d, 0, 0, 0], Refusal::Truncated),
    ] {
        assert_eq!(outcome(bytes), Err(cause), "{bytes:02x?}");
    }
    for size in [0_usize, 1, 127, 128, 129, 16_383, 16_384] {
        let whole = text(22, &vec![b'x'; size]);
        assert_eq!(outcome(&whole).as_deref(), Ok(&whole[..]));
        let inner = text(29, &text(2, &vec![b'x'; size.max(1)]));
        assert_eq!(outcome(&inner).as_deref(), Ok(&inner[..]));
        // Bytes that would be read as fields, were the length cut.
        let blob = text(27, &text(1, b"854231").repeat(size / 8 + 1)[..size]);
        assert_eq!(outcome(&blob).as_deref(), Ok(&blob[..]));
        if size > 0 {
            assert_eq!(outcome(&whole[..whole.len() - 1]), Err(Refusal::Truncated), "{size}");
            assert_eq!(outcome(&inner[..inner.len() - 1]), Err(Refusal::Truncated), "{size}");
        }
    }
    let (double, float) = ([0x71, 0, 0, 0, 0, 0, 0, 0, 1], [0x7d, 0, 0, 0, 1]);
    assert_eq!(outcome(&double).as_deref(), Ok(&double[..]));
    assert_eq!(outcome(&float).as_deref(), Ok(&float[..]));
    // One bit anywhere, or two alike, is no zero.
    for (one, two) in (0..4).flat_map(|one| (0..4).map(move |two| (one, two))) {
        let mut float = [0x7d, 0, 0, 0, 0];
        (float[1 + one], float[1 + two]) = (1, 1);
        assert_eq!(outcome(&float).as_deref(), Ok(&float[..]));
    }
    let zeros = [&[0x71][..], &[0; 8], &[0x7d], &[0; 4]].concat();
    assert_eq!(outcome(&zeros).as_deref(), Ok(&[][..]));
}

/// Read in all but some bits, the number's tag would be the text's, and its four bytes a text of three.
#[test]
fn a_tag_of_two_bytes_is_read_in_all_its_bits() {
    let flipped = Arc::new(RecordType::register(&SET, "test.v1.Flipped").unwrap());
    let shown = only(&flipped, &[("text", Clear)]);
    let number = [0xbd, 0x02, 3, b'a', b'b', b'c'];
    assert_eq!(redact(&shown, &number), Ok((vec![], vec![])));
    assert_eq!(redact(&shown, &text(56, b"abc")).unwrap().0, text(56, b"abc"));
}

/// Lengths of more than two bytes are none of the quick way's: what is inside is redacted all the same.
#[test]
fn a_message_of_more_than_sixteen_kilobytes_is_walked_into() {
    let note = vec![b'n'; 20_000];
    let inner = [text(1, b"Kim"), text(2, &note), number(3, 7)].concat();
    let payload = [text(1, b"854231"), text(29, &inner), text(41, &[1; 8])].concat();
    let shown = only(&EVERY, &[("inner", Clear)]);
    assert_eq!(redact(&shown, &payload), Ok((text(29, &inner), vec![])));
    let some = only(&EVERY, &[("hs", Clear), ("inner.name", Clear), ("inner.mass", Presence)]);
    let expected = [text(1, b"854231"), text(29, &text(1, b"Kim"))].concat();
    assert_eq!(redact(&some, &payload), Ok((expected, vec![1])));
    let hidden = only(&EVERY, &[("hs", Clear)]);
    assert_eq!(redact(&hidden, &payload), Ok((text(1, b"854231"), vec![])));
    let faulty = text(29, &[text(2, &note), text(1, &[0xff])].concat());
    assert_eq!(redact(&hidden, &faulty), Err(Refusal::Utf8));
}

/// What is left of a message is framed by a length of its own, of one byte or two, whatever it had before.
#[test]
fn a_message_that_shrinks_or_grows_is_as_long_as_what_is_left_of_it() {
    let few = only(&EVERY, &[("inner.name", Clear), ("rows.name", Clear)]);
    let hidden = ["inner.note", "rows.note"];
    let most = Redactor::compile(plan(&EVERY, |leaf| {
        if hidden.contains(&leaf.path.as_str()) { Treatment::Withhold } else { Clear }
    }));
    let sizes = || [0_usize, 1, 2, 60].into_iter().chain(120..=132).chain([200, 255, 300, 16_379]);
    // And all that make 126 to 130 bytes.
    let both = (122..=126).flat_map(|all| (1..all).map(move |kept| (kept, all - kept)));
    for (kept, gone) in sizes().flat_map(|kept| sizes().map(move |gone| (kept, gone))).chain(both) {
        let some = |number, size| match size {
            0 => vec![],
            size => text(number, &vec![b'n'; size]),
        };
        let name = some(1, kept);
        let inner = [name.clone(), some(2, gone)].concat();
        for (redactor, hs) in [(&few, vec![]), (&most, text(1, b"854231"))] {
            let single = if kept == 0 { vec![] } else { text(29, &name) };
            for (number, expected) in [(29, single), (30, text(30, &name))] {
                let payload = [text(1, b"854231"), text(number, &inner)].concat();
                let out = redact(redactor, &payload).unwrap().0;
                assert_eq!(out, [hs.clone(), expected].concat(), "{number} {kept} {gone}");
            }
        }
    }
    // A token is longer than its text.
    let grown = only(&EVERY, &[("inner.name", Treatment::Pseudonymise), ("inner.note", Clear)]);
    let token = redact(&grown, &text(29, &text(1, b"n"))).unwrap().0[3..].to_vec();
    for size in (1..=45).chain(110..=130).chain([16_280, 16_290, 16_380]) {
        let note = text(2, &vec![b'x'; size]);
        let out = redact(&grown, &text(29, &[text(1, b"n"), note.clone()].concat())).unwrap().0;
        assert_eq!(out, text(29, &[token.clone(), note].concat()), "{size}");
    }
}

#[test]
fn records_of_several_originators_are_named_each_by_its_own() {
    let held = Arc::new(keys().scope_key(&scope("alpha/case-1")));
    let mut batch = Batch::default();
    assert!(batch.is_empty());
    let owners = ["kcs", "pcs", "kcs", "nv-customs", "nv-customs"];
    for owner in owners {
        let fields = EVERY.leaves().iter().map(|_| field(Clear)).collect();
        let (agreement, scope) = (AgreementId::new("agreement"), scope("alpha/case-1"));
        let plan = Plan::new(EVERY.clone(), fields, agreement, owner.into(), scope, None);
        let record = FoundRecord {
            originator: owner.into(),
            opaque_id: Bytes::from_static(b"17"),
            payload: text(7, b"canary").into(),
            version: 1,
            data_as_of: None,
            delete_by: None,
        };
        assert_eq!(format!("{record:?}"), "FoundRecord { .. }");
        batch.take(&Arc::new(Redactor::compile(Arc::new(plan))), &held, record).unwrap();
        assert!(!batch.is_empty());
    }
    let mut disclosed = batch.finish();
    assert!(batch.is_empty());
    for (released, owner) in disclosed.as_inner().iter().zip(owners) {
        assert_eq!(released.reference, held.reference(&owner.into(), b"17"), "{owner}");
        assert_eq!(released.payload, text(7, b"canary"));
    }
    disclosed.keep_first(2);
    assert_eq!(disclosed.as_inner().len(), 2);
}

#[test]
fn debug_shows_how_many_and_under_which_plan_but_no_value() {
    let redactor = Arc::new(all(&EVERY, Clear));
    assert_eq!(format!("{redactor:?}"), format!("Redactor({})", redactor.plan().hash()));
    let held = Arc::new(keys().scope_key(&scope("alpha/case-1")));
    let mut batch = Batch::default();
    for id in [b"canary-1", b"canary-2"] {
        let record = FoundRecord {
            originator: AgencyId::new("kcs"),
            opaque_id: Bytes::from_static(id),
            payload: text(7, b"canary").into(),
            version: 1,
            data_as_of: None,
            delete_by: None,
        };
        batch.take(&redactor, &held, record).unwrap();
    }
    assert_eq!((batch.len(), format!("{batch:?}").as_str()), (2, "Batch(2 records)"));
    let disclosed = batch.finish();
    assert_eq!(format!("{disclosed:?}"), "Disclosed { .. }");
    assert_eq!(format!("{:?}", disclosed.as_inner()[0]), "ReleasedRecord { .. }");
    assert_eq!((batch.len(), disclosed.as_inner().len()), (0, 2));
}

#[test]
fn reasons_are_words_that_stay() {
    let words = [
        (Reason::Permitted, "PERMITTED"),
        (Reason::ReducedByAgreement, "REDUCED_BY_AGREEMENT"),
        (Reason::ReducedByPolicy, "REDUCED_BY_POLICY"),
        (Reason::OfficerNotProven, "OFFICER_NOT_PROVEN"),
        (Reason::NoRule, "NO_RULE"),
        (Reason::NotRequested, "NOT_REQUESTED"),
        (Reason::TreatmentDoesNotFit, "TREATMENT_DOES_NOT_FIT"),
        (Reason::ReducedUpstream, "REDUCED_UPSTREAM"),
    ];
    for (reason, word) in words {
        assert_eq!(reason.word(), word);
    }
}

#[test]
fn a_bitmap_has_a_byte_for_every_eight_presences() {
    let paths: Vec<_> = EVERY.leaves().iter().map(|leaf| leaf.path.as_str()).collect();
    for (presences, size) in [(0, 0), (1, 1), (8, 1), (9, 2), (16, 2), (17, 3)] {
        let told: Vec<_> = paths[..presences].iter().map(|path| (*path, Presence)).collect();
        let redactor = only(&EVERY, &told);
        assert_eq!(redactor.presence_bytes(), size);
        assert_eq!(redact(&redactor, b"").unwrap().1, vec![0; size]);
    }
}
