//! Rules one by one.

use std::sync::Arc;

use bytes::Bytes;

use super::super::{
    Batch, FieldPlan, FoundRecord, MAX_RECORD_BYTES, MAX_RECORD_FIELDS, Plan, Reason, Redactor,
    Refusal, TOKEN_CHARS, Treatment, explain, presence_bits,
};
use super::{EVERY, KEYS, SET, all, contract, field, fitting, keys, only, plan, redact, scope};
use crate::id::AgencyId;
use crate::label::RecordType;

use Treatment::{Clear, Mask, Presence, Pseudonymise, Withhold};

/// A string field.
pub fn text(number: u32, value: &[u8]) -> Vec<u8> {
    let mut out = super::super::write::tag(number, 2).as_slice().to_vec();
    super::super::write::varint(&mut out, value.len() as u64);
    out.extend(value);
    out
}

/// A varint field.
pub fn number(number: u32, value: u64) -> Vec<u8> {
    let mut out = super::super::write::tag(number, 0).as_slice().to_vec();
    super::super::write::varint(&mut out, value);
    out
}

#[test]
fn refuses_by_name_whether_hidden_or_clear() {
    let twice_inner = text(29, &[text(1, b"a"), text(1, b"b")].concat());
    let cases: Vec<(Vec<u8>, Refusal)> = vec![
        (vec![0x0a], Refusal::Truncated),
        (vec![0x0a, 5, b'x'], Refusal::Truncated),
        (text(29, &[0x0a, 5]), Refusal::Truncated),
        (vec![0x0a, 0x81, 0x00, b'x'], Refusal::OverlongVarint),
        (vec![0x58, 0x80, 0x00], Refusal::OverlongVarint),
        (vec![0x00, 0x00], Refusal::FieldNumber),
        (vec![0x0b, 0x0c], Refusal::Group),
        (vec![0xc3, 0xb8, 0x02, 0xc4, 0xb8, 0x02], Refusal::Group),
        (number(1, 5), Refusal::WireType),
        (number(29, 5), Refusal::WireType),
        (number(16, 5), Refusal::WireType),
        (text(11, b"\x05"), Refusal::WireType),
        (text(1, &[0xff]), Refusal::Utf8),
        (text(21, &text(1, &[0xc0, 0x80])), Refusal::Utf8),
        (text(40, &text(3, &text(1, &[0xff]))), Refusal::Utf8),
        ([text(1, b"a"), text(1, b"a")].concat(), Refusal::FieldTwice),
        ([number(11, 0), number(11, 0)].concat(), Refusal::FieldTwice),
        (twice_inner.clone(), Refusal::FieldTwice),
        ([text(29, b""), text(29, b"")].concat(), Refusal::FieldTwice),
        ([text(16, b""), text(16, b"")].concat(), Refusal::FieldTwice),
        (text(16, &[number(1, 1), number(1, 1)].concat()), Refusal::FieldTwice),
        ([text(31, b"a"), text(32, b"b")].concat(), Refusal::OneofTwice),
        ([text(31, b"a"), text(31, b"b")].concat(), Refusal::OneofTwice),
        (number(13, 2), Refusal::OutOfRange),
        (number(37, 1 << 32), Refusal::OutOfRange),
        (text(25, &[0xff, 0xff, 0xff, 0xff, 0x1f]), Refusal::OutOfRange),
        (text(25, &[0x80]), Refusal::Truncated),
        (text(28, &[0x80, 0x80, 0x80, 0x80, 0x10]), Refusal::OutOfRange),
        (text(26, &[1, 2, 3]), Refusal::Truncated),
        (text(9, &vec![b'x'; MAX_RECORD_BYTES]), Refusal::TooLarge),
        (text(24, b"").repeat(MAX_RECORD_FIELDS + 1), Refusal::TooManyFields),
        (number(9999, 1).repeat(MAX_RECORD_FIELDS + 1), Refusal::TooManyFields),
    ];
    for treatment in [Clear, Withhold, Presence] {
        let redactor = all(&EVERY, treatment);
        for (bytes, cause) in &cases {
            let shown = &bytes[..bytes.len().min(16)];
            assert_eq!(redact(&redactor, bytes).err(), Some(*cause), "{treatment}: {shown:02x?}");
        }
    }
    let bytes = [text(1, b"854231"), twice_inner].concat();
    for treatment in [Clear, Presence] {
        let (mut out, mut presence) = (vec![1], vec![1]);
        assert!(all(&EVERY, treatment).redact(&KEYS, &bytes, &mut out, &mut presence).is_err());
        assert!(out.is_empty() && presence.is_empty(), "nothing is left of a refused record");
    }
}

#[test]
fn every_field_of_a_wide_message_may_stand_once() {
    for (name, fields) in [("test.v1.Wide", 200), ("test.v1.Full", 64)] {
        let wide = Arc::new(RecordType::register(&SET, name).unwrap());
        let redactor = all(&wide, Clear);
        let bytes: Vec<u8> = (1..=fields).flat_map(|at| number(at, 7)).collect();
        assert_eq!(redact(&redactor, &bytes).unwrap().0, bytes);
        for again in [1, 63, 64, 65, 128, 129, 200].into_iter().filter(|at| *at <= fields) {
            let twice = [bytes.clone(), number(again, 7)].concat();
            assert_eq!(redact(&redactor, &twice).err(), Some(Refusal::FieldTwice), "{again}");
        }
    }
}

#[test]
fn unknown_fields_are_dropped_at_every_depth() {
    let inner = [text(1, b"Kim"), text(77, b"CANARY"), number(900, 3)].concat();
    let whole = [text(77, b"CANARY"), number(1, 5)].concat();
    let bytes = [text(6000, b"CANARY"), text(16, &whole), text(29, &inner)].concat();
    let out = redact(&all(&EVERY, Clear), &bytes).unwrap().0;
    assert_eq!(out, [text(16, &number(1, 5)), text(29, &text(1, b"Kim"))].concat());
}

#[test]
fn a_message_of_which_nothing_is_told_vanishes_with_its_number_of_elements() {
    let row = text(30, &text(1, b"Kim"));
    let bytes = [text(29, &text(1, b"Kim")), row.repeat(3)].concat();
    for treatment in [Withhold, Presence] {
        let redactor = only(&EVERY, &[("inner", treatment), ("rows", treatment)]);
        assert!(redact(&redactor, &bytes).unwrap().0.is_empty(), "{treatment}");
    }
    // One clear field below: the elements stay, empty or not; the single message only when it is not.
    let redactor = only(&EVERY, &[("inner.note", Clear), ("rows.note", Clear)]);
    assert_eq!(redact(&redactor, &bytes).unwrap().0, text(30, b"").repeat(3));
    assert_eq!(redact(&redactor, &text(29, b"")).unwrap().0, b"");
    // All of it clear: nothing to hide.
    let redactor = only(&EVERY, &[("inner", Clear)]);
    assert_eq!(redact(&redactor, &text(29, b"")).unwrap().0, text(29, b""));
}

#[test]
fn defaults_count_only_where_presence_is_explicit() {
    let bytes = [text(1, b""), number(11, 0), text(22, b""), number(23, 0), text(31, b"")].concat();
    let out = redact(&all(&EVERY, Clear), &bytes).unwrap().0;
    assert_eq!(out, [text(22, b""), number(23, 0), text(31, b"")].concat());
    // Minus zero is a value.
    let minus = [vec![0x71], (-0.0_f64).to_le_bytes().to_vec()].concat();
    assert_eq!(redact(&all(&EVERY, Clear), &minus).unwrap().0, minus);
}

#[test]
fn presence_is_a_bitmap_of_fixed_size() {
    let redactor = only(
        &EVERY,
        &[
            ("hs", Presence),
            ("inner", Presence),
            ("masses", Presence),
            ("maybe_identifier", Presence),
            ("at", Presence),
            ("rows", Clear),
        ],
    );
    let bits = presence_bits(redactor.plan());
    let bit = |path: &str| {
        let leaf = EVERY.leaf_by_path(path).unwrap();
        bits.iter().find(|(id, _)| *id == leaf.id).unwrap().1 as usize
    };
    assert!(bits.iter().map(|(_, bit)| *bit).eq(0..bits.len() as u32));
    let set = |bytes: &[u8]| {
        let (out, presence) = redact(&redactor, bytes).unwrap();
        assert!(out.is_empty());
        assert_eq!(presence.len(), bits.len().div_ceil(8));
        (0..bits.len()).filter(|at| presence[at / 8] >> (at % 8) & 1 == 1).collect::<Vec<_>>()
    };
    assert_eq!(set(b""), [0; 0]);
    assert_eq!(set(&text(1, b"")), [0; 0], "a default without presence is no value");
    assert_eq!(set(&text(1, b"854231")), [bit("hs")]);
    assert_eq!(set(&text(22, b"")), [bit("maybe_identifier")]);
    assert_eq!(set(&text(25, b"")), [0; 0], "an empty list is no value");
    assert_eq!(set(&text(25, &[0])), [bit("masses")]);
    assert_eq!(set(&text(16, b"")), [bit("at")], "an empty message is a value");
    assert_eq!(set(&text(29, &text(5, &text(2, b"")))), [bit("inner.deep.at")]);
}

#[test]
fn tokens_and_fillers_have_one_length() {
    for treatment in [Mask, Pseudonymise] {
        let redactor = only(&EVERY, &[("organisation", treatment)]);
        let lengths: Vec<usize> = ["a", "Acme Ltd", &"long ".repeat(50)]
            .iter()
            .map(|value| redact(&redactor, &text(6, value.as_bytes())).unwrap().0.len())
            .collect();
        assert!(lengths.windows(2).all(|pair| pair[0] == pair[1]), "{treatment}: {lengths:?}");
    }
    let redactor = only(&EVERY, &[("identifier", Pseudonymise), ("far", Pseudonymise)]);
    let out = redact(&redactor, &[text(7, b"KR-1"), text(5000, b"KR-1")].concat()).unwrap().0;
    let one = &out[2..2 + TOKEN_CHARS];
    assert_eq!(one, &out[out.len() - TOKEN_CHARS..], "equal in two fields of one semantic");
}

#[test]
fn keys_and_originator_must_be_those_of_the_plan() {
    let redactor = Arc::new(all(&EVERY, Clear));
    let record = |originator: &str| FoundRecord {
        originator: AgencyId::new(originator),
        opaque_id: Bytes::from_static(&[9; 16]),
        payload: text(1, b"854231").into(),
        version: 4,
        data_as_of: None,
        delete_by: None,
    };
    let key = Arc::new(keys().scope_key(&scope("alpha/case-1")));
    let mut batch = Batch::default();
    assert_eq!(batch.take(&redactor, &key, record("kcs")), Ok(TOKEN_CHARS + 8));
    let released = batch.finish().into_inner().pop().unwrap();
    assert_eq!(released.payload, text(1, b"854231"));
    assert_eq!((released.version, released.reference.len()), (4, TOKEN_CHARS));
    assert_eq!(released.plan.hash(), redactor.plan().hash());
    assert_eq!(
        KEYS.open_reference([&AgencyId::new("kcs")], str::from_utf8(&released.reference).unwrap()),
        Ok((&AgencyId::new("kcs"), vec![9; 16]))
    );
    assert_eq!(batch.take(&redactor, &key, record("other")), Err(Refusal::ForeignPlan));
    let foreign = Arc::new(keys().scope_key(&scope("alpha/case-2")));
    assert_eq!(batch.take(&redactor, &foreign, record("kcs")), Err(Refusal::ForeignPlan));
    assert!(batch.is_empty() && batch.finish().as_inner().is_empty());
    assert!(!format!("{:?}", record("kcs")).contains("854231"));
}

#[test]
fn a_message_under_a_known_name_with_other_fields_is_withheld_when_coarsened() {
    // Money's currency as a number: not what the rules know, so nothing of it may pass.
    let own = super::super::generalise::Whole::of(
        crate::label::Whole::Money,
        super::super::Level::Band,
        &[number(1, 5), number(2, 7)].concat(),
    );
    assert!(own.is_none());
}

#[test]
fn members_of_a_oneof_take_their_meet() {
    let of = |one: Treatment, two: Treatment| {
        let plan = plan(&EVERY, |leaf| match leaf.path.as_str() {
            "choice_id" => one,
            "choice_name" => two,
            _ => Withhold,
        });
        let at = |path: &str| {
            let field = plan.field(EVERY.leaf_by_path(path).unwrap().id).unwrap();
            (field.treatment, field.reason, field.usable)
        };
        assert_eq!(
            (at("choice_id").0, at("choice_id").2),
            (at("choice_name").0, at("choice_name").2)
        );
        at("choice_id")
    };
    assert_eq!(of(Clear, Clear), (Clear, Reason::Permitted, true));
    assert_eq!(of(Clear, Withhold), (Withhold, Reason::ReducedByPolicy, false));
    assert_eq!(of(Clear, Mask), (Mask, Reason::ReducedByPolicy, false));
    assert_eq!(of(Mask, Pseudonymise).0, Presence);
    // What may be matched of all may be matched of each, as a guess where one of them is one.
    for (usable, probes) in [((true, true), (true, true)), ((true, false), (false, false))] {
        let fields = EVERY.leaves().iter().map(|leaf| match leaf.path.as_str() {
            "choice_id" => FieldPlan { usable: usable.0, probe: true, ..field(Withhold) },
            "choice_name" => FieldPlan { usable: usable.1, ..field(Withhold) },
            _ => field(Withhold),
        });
        let (agreement, owner) = ("agreement".into(), AgencyId::new("kcs"));
        let scope = scope("alpha/case-1");
        let met = Plan::new(EVERY.clone(), fields.collect(), agreement, owner, scope, None);
        let at = |path: &str| met.field(EVERY.leaf_by_path(path).unwrap().id).unwrap();
        assert_eq!((at("choice_id").probe, at("choice_name").probe), probes);
        assert_eq!(at("choice_id").usable, usable.1);
    }
    // Not asking for one member does not take the other away.
    let whole = plan(&EVERY, |_| Clear);
    let wanted = EVERY.leaf_by_path("choice_id").unwrap().id;
    let narrowed = whole.narrowed(|leaf| leaf == wanted);
    assert_eq!(narrowed.treatment(wanted), Clear);
    assert_eq!(narrowed.treatment(EVERY.leaf_by_path("choice_name").unwrap().id), Withhold);
}

/// Was: where the meet did not fit, all were withheld, so that a member that got less (clear beside mask became
/// presence beside mask) raised the others from withhold to presence.
#[test]
fn less_for_a_member_of_a_oneof_is_never_more_for_the_others() {
    let either = Arc::new(RecordType::register(&SET, "test.v1.Either").unwrap());
    for pair in [["text_id", "number_id"], ["at", "on"]] {
        let [one, two] = pair.map(|path| either.leaf_by_path(path).unwrap());
        let of = |a: Treatment, b: Treatment| {
            let plan = plan(&either, |leaf| match leaf.id {
                id if id == one.id => a,
                id if id == two.id => b,
                _ => Withhold,
            });
            assert_eq!(plan.treatment(one.id), plan.treatment(two.id), "{a} {b}");
            plan.treatment(one.id)
        };
        for (a, b) in
            fitting(one).into_iter().flat_map(|a| fitting(two).into_iter().map(move |b| (a, b)))
        {
            assert!(of(a, b) <= a && of(a, b) <= b, "{a} {b}");
            for lower in fitting(one).into_iter().filter(|lower| *lower <= a) {
                assert!(of(lower, b) <= of(a, b), "{a} {b}: {lower}");
            }
            for lower in fitting(two).into_iter().filter(|lower| *lower <= b) {
                assert!(of(a, lower) <= of(a, b), "{a} {b}: {lower}");
            }
        }
    }
    let [text, at] = ["text_id", "at"].map(|path| either.leaf_by_path(path).unwrap().id);
    let of = |one, two| {
        plan(
            &either,
            |leaf| if leaf.path.starts_with("number") || leaf.path == "on" { two } else { one },
        )
    };
    assert_eq!(of(Mask, Clear).treatment(text), Presence);
    let day = Treatment::Generalise(super::super::Level::Day);
    assert_eq!(of(day, Clear).treatment(at), Treatment::Generalise(super::super::Level::Month));
}

#[test]
fn explanations_come_from_the_plan() {
    let declaration = contract("Declaration");
    let mut fields: Vec<_> = declaration.leaves().iter().map(|_| field(Withhold)).collect();
    let at = |path: &str| declaration.leaf_by_path(path).unwrap().id.index();
    fields[at("items.hs_code")] = field(Treatment::Generalise(super::super::Level::Chapter));
    fields[at("officer_remarks")].ask = Some(AgencyId::new("kcs"));
    fields[at("officer_remarks")].reason = Reason::ReducedByAgreement;
    fields[at("importer.id")] = field(Presence);
    let plan = Plan::new(
        declaration.clone(),
        fields,
        "agreement".into(),
        "kcs".into(),
        scope("alpha/case-1"),
        None,
    );
    let rows = explain(&plan);
    assert_eq!(rows.len(), declaration.leaves().len());
    assert_eq!(rows[at("items.hs_code")].level, Some(super::super::Level::Chapter));
    assert_eq!(
        rows[at("items.hs_code")].sentence,
        "Coarsened to the HS chapter: agreement and policy permit it."
    );
    assert_eq!(
        rows[at("officer_remarks")].sentence,
        "Withheld, whether or not there is a value: the agreement gives no more; ask kcs for a release."
    );
    assert_eq!(rows[at("importer.id")].presence_bit, Some(0));
    assert_eq!(rows.iter().filter(|row| row.presence_bit.is_some()).count(), 1);
    assert!(Redactor::compile(Arc::new(plan)).plan().field(rows[0].leaf).is_some());
}

/// What a batch gives is what its records give one by one, whatever stands between them.
#[test]
fn a_batch_gives_what_its_records_give() {
    let scopes = ["alpha/case-1", "alpha/case-2"];
    let held = scopes.map(|name| Arc::new(keys().scope_key(&scope(name))));
    let redactors = scopes.map(|name| {
        let told = |treatment: Treatment| {
            plan(&EVERY, move |leaf| {
                if treatment.fits(leaf.label.semantic, &leaf.kind) { treatment } else { Presence }
            })
        };
        let of = |treatment: Treatment| {
            let plan = told(treatment);
            Arc::new(Redactor::compile(Arc::new(Plan::new(
                EVERY.clone(),
                plan.fields().to_vec(),
                plan.agreement().clone(),
                plan.originator().clone(),
                scope(name),
                None,
            ))))
        };
        [of(Clear), of(Pseudonymise)]
    });
    let long = [text(7, &[b'x'; 300]), text(5, b"Kim")].concat();
    let payloads: [&[u8]; 5] =
        [&text(7, b"ID-1"), &long, &[0x0b], &text(29, &text(1, &[b'y'; 46])), b""];
    let mut batch = Batch::default();
    let mut expected = vec![];
    for at in 0..60_usize {
        let (which, payload) = (at / 7 % 2, payloads[at % 5]);
        let redactor = &redactors[which][at % 2];
        let record = FoundRecord {
            originator: AgencyId::new("kcs"),
            opaque_id: vec![at as u8; 16 + at % 17].into(),
            payload: Bytes::copy_from_slice(payload),
            version: at as u64,
            data_as_of: None,
            delete_by: None,
        };
        let reference = held[which].reference(&record.originator, &record.opaque_id);
        let (mut out, mut presence) = (vec![], vec![]);
        let alone = redactor.redact(&held[which], payload, &mut out, &mut presence);
        let taken = batch.take(redactor, &held[which], record);
        assert_eq!(taken, alone.map(|()| TOKEN_CHARS + out.len() + presence.len()));
        if alone.is_ok() {
            expected.push((reference, out, presence, at as u64));
        }
    }
    let released = batch.finish().into_inner().into_iter().map(|record| {
        let reference = String::from_utf8(record.reference.to_vec()).unwrap();
        (reference, record.payload.to_vec(), record.presence.to_vec(), record.version)
    });
    assert_eq!(released.collect::<Vec<_>>(), expected);
    assert_eq!(expected.len(), 48);
}
