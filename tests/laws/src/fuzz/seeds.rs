//! Seeds: records of every type, and the inputs that targets make of them.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::LazyLock;

use portcullis_core::label::RecordType;
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, Value};

use super::lint::split;
use super::oracle::made;
use super::record::{EVERY, NAMES, kind};
use crate::world::{canonical, descriptor_set};

/// Records of each type that are made here.
const RECORDS: u64 = 4;

/// Sound records of a type, made from its schema.
pub fn records(number: u8) -> &'static [Vec<u8>] {
    static MADE: LazyLock<Vec<Vec<Vec<u8>>>> = LazyLock::new(|| {
        (0..NAMES.len())
            .map(|number| {
                let record_type = &kind(number as u8).record_type;
                (0..RECORDS).map(|seed| record(record_type, seed)).collect()
            })
            .collect()
    });
    &MADE[usize::from(number) % NAMES.len()]
}

/// A record with most of its fields set; of seed 0 with all of them.
fn record(record_type: &RecordType, seed: u64) -> Vec<u8> {
    let mut draw = Draw(seed);
    canonical(&message(record_type.descriptor(), &mut draw, 3))
}

struct Draw(u64);

impl Draw {
    fn below(&mut self, bound: usize) -> usize {
        if self.0 == 0 {
            return bound - 1;
        }
        self.0 = self.0.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        (self.0 >> 33) as usize % bound
    }
}

fn message(descriptor: &MessageDescriptor, draw: &mut Draw, depth: usize) -> DynamicMessage {
    let mut message = DynamicMessage::new(descriptor.clone());
    for field in descriptor.fields() {
        if draw.below(5) < 2 || field.number() > 150 {
            continue;
        }
        let value = if field.is_list() {
            Value::List((0..draw.below(3)).map(|_| value(&field, draw, depth)).collect())
        } else {
            value(&field, draw, depth)
        };
        message.set_field(&field, value);
    }
    message
}

const TEXTS: &[&str] = &[
    "854231",
    "3A001.a",
    "KR",
    "KRPUS",
    "Kim Cheol-su",
    "MSCU1234566",
    "ID-0012345",
    "김철수",
    "2B350",
    "EUR",
    "Σιδηρουργία Νορβίας",
    "",
    "12 Quay Street",
    "NV-EOR-1005",
    "A",
];

fn value(field: &FieldDescriptor, draw: &mut Draw, depth: usize) -> Value {
    let number = [0, 1, 7, 127, 128, 1_617_235_200, 42, 1999, 12][draw.below(9)];
    match field.kind() {
        Kind::Bool => Value::Bool(number % 2 == 1),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 if number % 2 == 0 => Value::I32(number),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => Value::I32(number % 13),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => Value::I64(i64::from(number) * 3),
        Kind::Uint32 | Kind::Fixed32 => Value::U32(number.unsigned_abs()),
        Kind::Uint64 | Kind::Fixed64 => Value::U64(u64::from(number.unsigned_abs()) << 7),
        Kind::Float => Value::F32(1.5),
        Kind::Double => Value::F64([60.17, 24.94, -0.5, 0.0][draw.below(4)]),
        Kind::String => Value::String(TEXTS[draw.below(TEXTS.len())].to_owned()),
        Kind::Bytes => Value::Bytes(vec![0, 0xff, 7].into()),
        Kind::Enum(_) => Value::EnumNumber(number % 4),
        Kind::Message(inner) if depth == 0 => Value::Message(DynamicMessage::new(inner)),
        Kind::Message(inner) => Value::Message(message(&inner, draw, depth - 1)),
    }
}

/// Writes seeds below a folder, one folder per target. `real` are records of other making, by full name.
///
/// # Errors
/// Where a file cannot be written.
pub fn write_seeds(folder: &Path, real: &[(String, Vec<u8>)]) -> io::Result<usize> {
    let mut written = 0;
    let mut write = |target: &str, name: String, bytes: &[u8]| {
        written += 1;
        fs::create_dir_all(folder.join(target))?;
        fs::write(folder.join(target).join(name), bytes)
    };
    for (number, name) in (0..).zip(NAMES) {
        let short = name.rsplit('.').next().unwrap_or(name).to_lowercase();
        let theirs = real.iter().filter(|(of, _)| of == name).map(|(_, bytes)| bytes);
        for (at, bytes) in records(number).iter().chain(theirs).enumerate() {
            let plan = at as u8;
            write("engine", format!("{short}-{at}"), &[&[number, plan], &bytes[..]].concat())?;
            write("oracle", format!("{short}-{at}"), &[&[0, number, plan], &bytes[..]].concat())?;
        }
    }
    for world in 0..12_u8 {
        let edits = [world, 0, world, 0x42].repeat(usize::from(world % 3));
        write(
            "oracle",
            format!("world-{world}"),
            &[&[1 + world % 3, world, 0], &edits[..]].concat(),
        )?;
        write(
            "lint",
            format!("edits-{world}"),
            &[&[2 + world % 2, world * 20], &edits[..]].concat(),
        )?;
        let set = descriptor_set(&made(u16::from(world)).schema);
        let (_, file) = split(&set);
        if file.len() < 4096 {
            write("lint", format!("file-{world}"), &[&[1, 0], &file[..]].concat())?;
        }
    }
    let (_, file) = split(&EVERY);
    write("lint", "every".to_owned(), &[&[1, 0], &file[..]].concat())?;
    Ok(written)
}
