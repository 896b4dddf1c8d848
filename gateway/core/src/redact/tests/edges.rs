//! Where things end: the largest records, numbers and lengths, and one more.

use std::sync::Arc;

use bytes::Bytes;

use super::super::{Batch, FoundRecord, MAX_RECORD_BYTES, MAX_RECORD_FIELDS, Refusal, Treatment};
use super::rules::{number, text};
use super::{EVERY, all, keys, only, redact, scope};
use crate::id::AgencyId;

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
        if size > 0 {
            assert_eq!(outcome(&whole[..whole.len() - 1]), Err(Refusal::Truncated), "{size}");
            assert_eq!(outcome(&inner[..inner.len() - 1]), Err(Refusal::Truncated), "{size}");
        }
    }
    let (double, float) = ([0x71, 0, 0, 0, 0, 0, 0, 0, 1], [0x7d, 0, 0, 0, 1]);
    assert_eq!(outcome(&double).as_deref(), Ok(&double[..]));
    assert_eq!(outcome(&float).as_deref(), Ok(&float[..]));
    let zeros = [&[0x71][..], &[0; 8], &[0x7d], &[0; 4]].concat();
    assert_eq!(outcome(&zeros).as_deref(), Ok(&[][..]));
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
fn a_bitmap_has_a_byte_for_every_eight_presences() {
    let paths: Vec<_> = EVERY.leaves().iter().map(|leaf| leaf.path.as_str()).collect();
    for (presences, size) in [(0, 0), (1, 1), (8, 1), (9, 2), (16, 2), (17, 3)] {
        let told: Vec<_> = paths[..presences].iter().map(|path| (*path, Presence)).collect();
        let redactor = only(&EVERY, &told);
        assert_eq!(redactor.presence_bytes(), size);
        assert_eq!(redact(&redactor, b"").unwrap().1, vec![0; size]);
    }
}
