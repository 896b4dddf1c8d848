//! Where values end and begin: signs, calendars, amounts, and defaults below a message.

use std::sync::Arc;

use bytes::Bytes;

use super::*;
use crate::label::RecordType;

fn kinds() -> Arc<RecordType> {
    let root = env!("CARGO_MANIFEST_DIR");
    let folders = [format!("{root}/../../proto"), format!("{root}/src/filter/testdata")];
    let mut compiler = protox::Compiler::new(folders).unwrap();
    compiler.include_imports(true).open_files(["kinds.proto"]).unwrap();
    let set = Bytes::from(compiler.encode_file_descriptor_set());
    Arc::new(RecordType::register(&set, "test.kinds.v1.Kinds").unwrap())
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = vec![];
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

fn number(field: u64, value: i64) -> Vec<u8> {
    [varint(field << 3), varint(value.cast_unsigned())].concat()
}

fn inner(field: u64, content: &[u8]) -> Vec<u8> {
    [varint(field << 3 | 2), varint(content.len() as u64), content.to_vec()].concat()
}

/// Which of `<`, `=` and `>` a record's field satisfies.
fn order(record: &Arc<RecordType>, path: &str, value: &str, payload: &[u8]) -> String {
    let holds = |sign: &&str| {
        let filter = parse_expression(&format!("{path} {sign} {value}"), record).unwrap();
        filter.bind(record, &|_| true).unwrap().matches(payload).unwrap()
    };
    ["<", "=", ">"].into_iter().filter(holds).collect()
}

#[test]
fn signed_numbers_are_the_ones_that_were_written() {
    let record = kinds();
    for value in [1, -1, 2, -2, 3, -3, 300, -300, i64::from(i32::MAX), i64::from(i32::MIN)] {
        let spread = value << 1 ^ (value >> 63);
        let wide = number(5, spread);
        let narrow = inner(23, &number(2, spread));
        for (path, payload) in [("e_sint64", wide), ("v_parts.counts", narrow)] {
            assert_eq!(order(&record, path, &value.to_string(), &payload), "=", "{path} {value}");
            assert_eq!(order(&record, path, &(value - 1).to_string(), &payload), ">", "{path}");
        }
    }
}

#[test]
fn a_date_is_its_midnight_and_without_day_or_month_the_first() {
    let record = kinds();
    let date = |(year, month, day)| {
        inner(16, &[number(1, year), number(2, month), number(3, day)].concat())
    };
    for (told, midnight) in [
        ((1970, 1, 1), "1970-01-01"),
        ((1969, 12, 31), "1969-12-31"),
        ((2021, 4, 1), "2021-04-01"),
        ((2024, 2, 29), "2024-02-29"),
        ((2021, 4, 0), "2021-04-01"),
        ((2021, 0, 0), "2021-01-01"),
        ((1, 1, 1), "0001-01-01"),
        ((9999, 12, 31), "9999-12-31"),
    ] {
        assert_eq!(order(&record, "p_dates", midnight, &date(told)), "=", "{told:?}");
    }
    let later = "2021-04-01T00:00:00.001Z";
    assert_eq!(order(&record, "p_dates", later, &date((2021, 4, 1))), "<");
    for none in [
        (0, 1, 1),
        (0, 0, 0),
        (-1, 1, 1),
        (10_000, 1, 1),
        (2021, 0, 1),
        (2021, 13, 1),
        (2021, -1, 1),
        (2021, 2, 29),
        (2021, 4, 31),
        (2021, 4, -1),
    ] {
        assert_eq!(order(&record, "p_dates", "2021-04-01", &date(none)), "", "{none:?}");
    }
}

#[test]
fn moments_and_amounts_are_compared_to_the_billionth() {
    let record = kinds();
    let whole = |field, first, units, nanos| {
        inner(field, &[number(first, units), number(first + 1, nanos)].concat())
    };
    for (seconds, nanos, text) in [
        (1_617_235_200, 0, "2021-04-01"),
        (1_617_235_200, 500_000_000, "2021-04-01T00:00:00.5Z"),
        (-1, 999_000_000, "1969-12-31T23:59:59.999Z"),
    ] {
        let time = whole(15, 1, seconds, nanos);
        assert_eq!(order(&record, "o_time", text, &time), "=", "{text}");
        let later = whole(15, 1, seconds, nanos + 1);
        assert_eq!(order(&record, "o_time", text, &later), ">", "{text}");
    }
    for (units, nanos, text) in
        [(5, 0, "5"), (5, 0, "5.0"), (5, 250_000_000, "5.25"), (-5, -250_000_000, "-5.25")]
    {
        let amount = whole(17, 2, units, nanos);
        assert_eq!(order(&record, "q_money", text, &amount), "=", "{text}");
        let more = whole(17, 2, units, nanos + 1);
        assert_eq!(order(&record, "q_money", text, &more), ">", "{text}");
    }
}

/// The message is there, its field is not.
#[test]
fn a_default_written_out_below_a_message_is_no_value() {
    let record = kinds();
    assert_eq!(order(&record, "v_parts.name", "''", &inner(23, &inner(1, b""))), "");
    assert_eq!(order(&record, "v_parts.name", "''", &inner(23, &inner(1, b"a"))), ">");
    assert_eq!(order(&record, "v_parts.counts", "0", &inner(23, &number(2, 0))), "=");
}

#[test]
fn what_is_no_hexadecimal_is_told() {
    let error = parse_expression("m_bytes = 0ax", &kinds()).unwrap_err();
    assert_eq!(error.fault(), ExpressionFault::DoesNotFit);
    assert!(error.to_string().contains("`m_bytes` is compared with bytes in hexadecimal"));
}
