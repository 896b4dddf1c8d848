//! The record that both benchmarks use: its descriptor set, its type as prost would generate it, and any
//! number of distinct records by number. Same number, same bytes, on any machine.

mod make;
mod message;

use anyhow::Context as _;
use bytes::Bytes;
use portcullis_core::label::RecordType;
use prost::Message as _;

pub use make::consignment;
pub use message::{Address, Consignment, Container, Item, Money, Party, Status, Timestamp};

/// Full name of the record type.
pub const NAME: &str = "portcullis.bench.v1.Consignment";

/// Distinct records that a benchmark goes round.
pub const DISTINCT: u64 = 256;

/// Half of the leaves, about half of the bytes: what the plan *half withheld* withholds.
pub const WITHHELD: [&str; 18] = [
    "lodged_at",
    "declared_value",
    "packages",
    "country_of_export",
    "port_of_loading",
    "remarks",
    "duty_rate",
    "consignor.identifier",
    "consignor.phone",
    "consignor.address",
    "consignee.name",
    "consignee.phone",
    "items.number",
    "items.description",
    "items.net_mass",
    "items.control_code",
    "items.containers.seal",
    "items.containers.packages",
];

/// What the plan *five pseudonyms* makes tokens of; each stands once in a record.
pub const PSEUDONYMS: [&str; 5] =
    ["id", "ucr", "consignor.name", "consignor.identifier", "consignee.name"];

/// The serialized descriptor set, labels included.
///
/// # Errors
/// When the project's .proto files are not where they were at build time.
pub fn descriptor_set() -> anyhow::Result<Bytes> {
    let here = concat!(env!("CARGO_MANIFEST_DIR"), "/src/record");
    let contract = concat!(env!("CARGO_MANIFEST_DIR"), "/../../proto");
    let mut compiler = protox::Compiler::new([here, contract])?;
    compiler.include_imports(true).open_file("bench.proto").context("bench.proto")?;
    Ok(compiler.encode_file_descriptor_set().into())
}

/// The registered record type.
///
/// # Errors
/// As [`descriptor_set`], and when its labels do not pass the lint.
pub fn record_type() -> anyhow::Result<RecordType> {
    RecordType::register(&descriptor_set()?, NAME)
        .map_err(|errors| anyhow::anyhow!("the record type is refused: {errors:?}"))
}

/// One record as it stands on the wire.
pub fn encoded(number: u64) -> Bytes {
    consignment(number).encode_to_vec().into()
}

/// Fields on the wire, those of nested messages included.
#[cfg(test)]
pub fn wire_fields(message: &prost_reflect::DynamicMessage) -> usize {
    let inner = |value: &prost_reflect::Value| value.as_message().map_or(0, wire_fields);
    message
        .fields()
        .map(|(_, value)| match value {
            prost_reflect::Value::List(values) => values.iter().map(|value| 1 + inner(value)).sum(),
            value => 1 + inner(value),
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use prost_reflect::DynamicMessage;

    use super::*;

    #[test]
    fn a_record_is_what_the_tables_say() {
        let record_type = record_type().unwrap();
        assert_eq!(record_type.leaves().len(), 36, "35 fields; a party's stand twice");
        let mut bytes = 0;
        for number in 0..DISTINCT {
            let encoded = encoded(number);
            let message =
                DynamicMessage::decode(record_type.descriptor().clone(), encoded.clone()).unwrap();
            assert_eq!(message.encode_to_vec(), encoded, "the types agree with the .proto");
            assert_eq!(message.unknown_fields().count(), 0);
            assert_eq!(wire_fields(&message), 95, "record {number}");
            bytes += encoded.len();
        }
        let mean = bytes / usize::try_from(DISTINCT).unwrap();
        assert!((1050..=1150).contains(&mean), "{mean} bytes");
        for path in WITHHELD.iter().chain(&PSEUDONYMS) {
            assert!(record_type.leaves().iter().any(|leaf| leaf.path == **path), "{path}");
        }
    }
}
