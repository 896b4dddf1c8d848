//! Records within the limits that are made to be expensive: what a wire field of them costs, beside one of a
//! realistic record under the same plan.

use std::sync::Arc;
use std::time::Duration;

use portcullis_core::redact::{MAX_RECORD_FIELDS, Redactor};
use prost::Message as _;

use super::{Bench, FIELDS, race};
use crate::record::{self, Consignment, Container, Item, Party};

/// What one costs.
pub struct Cost {
    /// What is hostile about it.
    pub name: &'static str,
    /// Under which plan.
    pub plan: &'static str,
    /// Wire fields; values of a packed list count as one each.
    pub fields: usize,
    /// Its size.
    pub bytes: usize,
    /// Nanoseconds a wire field.
    pub each: f64,
    /// Times that of a realistic record under the same plan.
    pub times: f64,
}

/// Runs each under *all kept*, *half withheld* and *all withheld*.
///
/// # Errors
/// When a record that should be within the limits is refused.
pub fn run(
    bench: &Bench,
    records: &[Vec<u8>],
    rounds: usize,
    slice: Duration,
) -> anyhow::Result<Vec<Cost>> {
    let plans: [(&str, &Arc<Redactor>); 3] =
        [("all kept", &bench.clear), ("half withheld", &bench.half), ("all withheld", &bench.none)];
    let mut costs = vec![];
    for (plan, redactor) in plans {
        // A large record beside many small ones is measured in the same rounds.
        let realistic = &race(&mut [bench.alone("", redactor)], records, rounds, slice)[0];
        let field = realistic.best / FIELDS;
        for (name, fields, bytes) in hostile() {
            let (mut out, mut presence) = (vec![], vec![]);
            redactor
                .redact(&bench.key, &bytes, &mut out, &mut presence)
                .map_err(|refusal| anyhow::anyhow!("{name}: {}", refusal.word()))?;
            let record = [bytes];
            let measured = &race(&mut [bench.alone("", redactor)], &record, rounds, slice)[0];
            let each = measured.best / fields as f64;
            let [bytes] = &record;
            costs.push(Cost { name, plan, fields, bytes: bytes.len(), each, times: each / field });
        }
    }
    Ok(costs)
}

/// Name, wire fields, bytes.
fn hostile() -> Vec<(&'static str, usize, Vec<u8>)> {
    let most = MAX_RECORD_FIELDS;
    let field = |number: u32, content: &[u8]| {
        let mut out = vec![];
        prost::encoding::encode_key(number, prost::encoding::WireType::LengthDelimited, &mut out);
        prost::encoding::encode_varint(content.len() as u64, &mut out);
        out.extend_from_slice(content);
        out
    };
    let empty_item = field(17, b"");
    let unknown = |number: u32| field(number, b"");
    let backwards = {
        // One item whose 9 kinds of fields cannot repeat; its containers and the record's items can.
        let pair = [field(17, &[0x08, 0x01]), field(17, b"")].concat();
        let mut bytes = field(17, b"");
        bytes.extend(pair.repeat((most - 3) / 3));
        bytes.extend(field(16, b""));
        bytes
    };
    let reversed = {
        // Every message writes its fields from the last to the first.
        let container = [vec![0x20, 1], field(3, b"a"), field(2, b"b"), field(1, b"c")].concat();
        let item =
            [field(9, &container).repeat(2), vec![0x28, 1, 0x20, 1], field(2, b"8")].concat();
        let party = [field(4, b"NV"), field(3, b"1"), field(2, b"2"), field(1, b"3")].concat();
        let mut bytes = field(17, &item).repeat(4_600);
        bytes.extend(field(16, &party));
        bytes.extend(field(15, &party));
        (4_600 * 14 + 10, bytes)
    };
    let deep = {
        // Containers on the edge of 128 bytes: leaving something out shortens every length above.
        let container = Container {
            number: "MSCU1234566".into(),
            seal: "x".repeat(100),
            size_type: "22G1".into(),
            packages: 9,
        };
        let item = Item { containers: vec![container; 130], ..Item::default() };
        let record = Consignment { items: vec![item; 50], ..Consignment::default() };
        (50 * (1 + 130 * 5), record.encode_to_vec())
    };
    let accents = {
        // Short texts that are not ASCII.
        let party = Party {
            name: "\u{e9}\u{e9}\u{e9}\u{e9}".into(),
            identifier: "\u{ae40}\u{cca0}".into(),
            ..Party::default()
        };
        let item = Item {
            hs_code: "\u{416}".into(),
            description: "\u{416}\u{42f}".into(),
            ..Item::default()
        };
        let record = Consignment {
            consignor: Some(party),
            items: vec![item; 21_000],
            ..Consignment::default()
        };
        (3 + 21_000 * 3, record.encode_to_vec())
    };
    let long_numbers = {
        let item =
            Item { quantity: u64::MAX, net_mass: u64::MAX, number: u32::MAX, ..Item::default() };
        let record = Consignment { items: vec![item; 16_000], ..Consignment::default() };
        (16_000 * 4, record.encode_to_vec())
    };
    let realistic = {
        let items = record::consignment(0).items;
        let record = Consignment {
            items: items.into_iter().cycle().take(2_000).collect(),
            ..Consignment::default()
        };
        let bytes = record.encode_to_vec();
        let fields = record
            .items
            .iter()
            .map(|item| {
                let money = item.value.as_ref().map_or(0, |money| {
                    1 + usize::from(!money.currency_code.is_empty())
                        + usize::from(money.units != 0)
                        + usize::from(money.nanos != 0)
                });
                let plain = [
                    item.number != 0,
                    !item.hs_code.is_empty(),
                    !item.description.is_empty(),
                    item.quantity != 0,
                    item.net_mass != 0,
                    !item.country_of_origin.is_empty(),
                    !item.control_code.is_empty(),
                ];
                let containers: usize = item
                    .containers
                    .iter()
                    .map(|container| {
                        1 + usize::from(!container.number.is_empty())
                            + usize::from(!container.seal.is_empty())
                            + usize::from(!container.size_type.is_empty())
                            + usize::from(container.packages != 0)
                    })
                    .sum();
                1 + money + plain.iter().filter(|set| **set).count() + containers
            })
            .sum();
        (fields, bytes)
    };
    vec![
        ("2,000 ordinary items", realistic.0, realistic.1),
        ("empty messages", most, empty_item.repeat(most)),
        ("unknown fields", most, unknown(1_000).repeat(most)),
        ("unknown fields of high numbers", most, unknown(500_000_000).repeat(most)),
        ("one field out of order at the end", 2 + (most - 3) / 3 * 3, backwards),
        ("every message backwards", reversed.0, reversed.1),
        ("lengths that all change", deep.0, deep.1),
        ("short texts that are not ASCII", accents.0, accents.1),
        ("varints of ten bytes", long_numbers.0, long_numbers.1),
    ]
}
