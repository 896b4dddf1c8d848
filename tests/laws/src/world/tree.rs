//! Random schemas: one tree in which every field carries all there is to say about it, so that taking a field
//! away takes all of it away and a failure shrinks to something a person can read.

use std::collections::BTreeSet;

use portcullis_core::label::{Category, Label, Semantic, Sensitivity};
use proptest::prelude::*;

use super::schema::{Cardinality, Draw, Field, Kind, Known, Message, Scalar, Schema};

/// Largest field number.
const MAX_NUMBER: u32 = (1 << 29) - 1;
/// Field numbers that protobuf keeps for itself.
const RESERVED: std::ops::RangeInclusive<u32> = 19_000..=19_999;

/// A field before numbers and names are made unique.
#[derive(Debug, Clone)]
pub(super) struct RawField {
    number: u32,
    shape: u8,
    label: (u8, u8, u8),
    choices: [u8; 2],
    values: Vec<[Draw; 2]>,
    body: RawBody,
}

#[derive(Debug, Clone)]
enum RawBody {
    Scalar(u8),
    Known(u8),
    /// A message that is walked into.
    Message(Vec<RawField>),
    /// A message that carries a label itself, though nobody knows it.
    Opaque(Vec<RawField>),
    /// A message type that stands elsewhere already.
    Again(u8),
}

/// A record's fields, and how many plain ones follow (now and then more than 64).
#[derive(Debug, Clone)]
pub(super) struct RawSchema {
    fields: Vec<RawField>,
    /// Their numbers.
    wide: Vec<u16>,
}

pub(super) fn raw() -> impl Strategy<Value = RawSchema> {
    // One in twenty is wide; its plain fields can be taken away one by one.
    let wide = prop_oneof![
        20 => Just(vec![]),
        1 => proptest::collection::vec(1..3000_u16, 0..150),
    ];
    (wide, fields(2, 1..7)).prop_map(|(wide, fields)| RawSchema { fields, wide })
}

fn fields(
    depth: u32,
    size: std::ops::Range<usize>,
) -> proptest::strategy::BoxedStrategy<Vec<RawField>> {
    proptest::collection::vec(field(depth), size).boxed()
}

fn field(depth: u32) -> impl Strategy<Value = RawField> {
    let plain = prop_oneof![
        6 => any::<u8>().prop_map(RawBody::Scalar),
        3 => any::<u8>().prop_map(RawBody::Known),
    ];
    let body = if depth == 0 {
        plain.boxed()
    } else {
        prop_oneof![
            9 => plain,
            3 => fields(depth - 1, 1..5).prop_map(RawBody::Message),
            1 => fields(depth - 1, 1..4).prop_map(RawBody::Opaque),
            1 => any::<u8>().prop_map(RawBody::Again),
        ]
        .boxed()
    };
    let number = prop_oneof![
        6 => 1..16_u32,
        3 => 16..2048_u32,
        1 => prop_oneof![Just(1023_u32), Just(1024), Just(2047), Just(2048), Just(18_999), Just(MAX_NUMBER)],
        1 => 2048..=MAX_NUMBER,
    ];
    let values = proptest::collection::vec([draw(), draw()], 0..4);
    (number, any::<u8>(), any::<(u8, u8, u8)>(), any::<[u8; 2]>(), values, body).prop_map(
        |(number, shape, label, choices, values, body)| RawField {
            number,
            shape,
            label,
            choices,
            values,
            body,
        },
    )
}

fn draw() -> impl Strategy<Value = Draw> {
    let bits = prop_oneof![2 => 0..1000_u64, 1 => any::<u64>()];
    (any::<u8>(), bits).prop_map(|(pick, bits)| Draw { pick, bits })
}

impl Schema {
    /// Gives everything a name and a number of its own, and members of a oneof one label.
    pub(super) fn of(raw: &RawSchema) -> Self {
        let mut build = Build { messages: vec![], walked: vec![], opaque: vec![] };
        build.message(&raw.fields, &raw.wide, true, None);
        Self { messages: build.messages }
    }
}

struct Build {
    messages: Vec<Message>,
    /// Messages that are walked into and may be used again.
    walked: Vec<usize>,
    /// Messages without labels inside.
    opaque: Vec<usize>,
}

/// Category and sensitivity that all members of a oneof share.
type Shared = (Category, Sensitivity);

fn pick<T: Copy>(all: &[T], at: u8) -> T {
    all[usize::from(at) % all.len()]
}

impl Build {
    fn message(
        &mut self,
        raw: &[RawField],
        wide: &[u16],
        labelled: bool,
        shared: Option<Shared>,
    ) -> usize {
        let index = self.messages.len();
        let name = if index == 0 { "Record".to_owned() } else { format!("M{index}") };
        self.messages.push(Message { name, fields: vec![], oneofs: 0 });
        let mut taken = BTreeSet::new();
        let mut fields = vec![];
        // Members of a oneof stand together; a third of the fields could belong to one of two.
        let mut of_oneofs: [Vec<Field>; 2] = [vec![], vec![]];
        let mut first: [Option<Shared>; 2] = [None, None];
        for raw in raw {
            let group = match raw.shape {
                192..=215 => Some(0),
                216..=231 => Some(1),
                _ => None,
            };
            let own = (pick(Category::ALL, raw.label.0), pick(Sensitivity::ALL, raw.label.1));
            let shared = match group {
                Some(group) => Some(shared.unwrap_or(*first[group].get_or_insert(own))),
                None => shared,
            };
            let field = self.field(raw, group, labelled, shared, &mut taken);
            match group {
                Some(group) => of_oneofs[group].push(field),
                None => fields.push(field),
            }
        }
        let mut oneofs = 0;
        for mut members in of_oneofs.into_iter().filter(|members| !members.is_empty()) {
            for member in &mut members {
                member.cardinality = Cardinality::Oneof(oneofs);
            }
            fields.append(&mut members);
            oneofs += 1;
        }
        for number in wide {
            fields.push(plain(free(u32::from(*number), &mut taken), labelled));
        }
        self.messages[index].fields = fields;
        self.messages[index].oneofs = oneofs;
        index
    }

    fn field(
        &mut self,
        raw: &RawField,
        group: Option<usize>,
        labelled: bool,
        shared: Option<Shared>,
        taken: &mut BTreeSet<u32>,
    ) -> Field {
        let mut walked_into = false;
        let kind = match &raw.body {
            RawBody::Scalar(at) if *at < 110 => Kind::Scalar(Scalar::String),
            RawBody::Scalar(at) => Kind::Scalar(pick(Scalar::ALL, *at)),
            RawBody::Known(at) => Kind::Known(pick(Known::ALL, *at)),
            RawBody::Message(fields) if labelled => {
                let index = self.message(fields, &[], true, shared);
                self.walked.push(index);
                walked_into = true;
                Kind::Message(index)
            }
            RawBody::Message(fields) | RawBody::Opaque(fields) => {
                let index = self.message(fields, &[], false, None);
                self.opaque.push(index);
                Kind::Message(index)
            }
            RawBody::Again(at) => {
                let reusable = if labelled { &self.walked } else { &self.opaque };
                if reusable.is_empty() || shared.is_some() {
                    Kind::Scalar(Scalar::String)
                } else {
                    walked_into = labelled;
                    Kind::Message(pick(reusable, *at))
                }
            }
        };
        let semantic = pick(kind.semantics(), raw.label.2);
        let (category, sensitivity) = shared
            .unwrap_or((pick(Category::ALL, raw.label.0), pick(Sensitivity::ALL, raw.label.1)));
        let cardinality = match raw.shape {
            _ if group.is_some() => Cardinality::Oneof(0),
            0..=119 => Cardinality::Implicit,
            120..=143 => Cardinality::Repeated { packed: false },
            144..=169 => Cardinality::Repeated { packed: kind.packable() },
            _ if matches!(kind, Kind::Scalar(_)) => Cardinality::Optional,
            _ => Cardinality::Implicit,
        };
        let number = free(raw.number, taken);
        let stem = match kind {
            Kind::Message(_) if walked_into => "inner".to_owned(),
            Kind::Message(_) => "opaque".to_owned(),
            _ if labelled => semantic.word().to_lowercase(),
            Kind::Scalar(scalar) => format!("a_{}", scalar.text().to_lowercase()),
            Kind::Known(known) => format!("{known:?}").to_lowercase(),
        };
        Field {
            name: format!("{stem}_{number}"),
            number,
            cardinality,
            kind,
            label: (labelled && !walked_into).then_some(Label { category, sensitivity, semantic }),
            choices: raw.choices,
            values: raw.values.clone(),
        }
    }
}

/// One of the many plain fields of a wide message; all about it follows from its number.
fn plain(number: u32, labelled: bool) -> Field {
    let byte = (number * 37 % 251) as u8;
    let draw = |side: u32| Draw {
        pick: u8::from(!(number + side).is_multiple_of(3)),
        bits: u64::from(number % 9),
    };
    let integer = number.is_multiple_of(2);
    Field {
        name: format!("plain_{number}"),
        number,
        cardinality: Cardinality::Implicit,
        kind: Kind::Scalar(if integer { Scalar::Int32 } else { Scalar::String }),
        label: labelled.then_some(Label {
            category: Category::Commercial,
            sensitivity: Sensitivity::Official,
            semantic: if integer { Semantic::Quantity } else { Semantic::Identifier },
        }),
        choices: [byte, byte.rotate_left(3)],
        values: vec![[draw(0), draw(1)]],
    }
}

/// The number, or the next that is free.
fn free(mut number: u32, taken: &mut BTreeSet<u32>) -> u32 {
    while RESERVED.contains(&number) || !taken.insert(number) {
        number = if number >= MAX_NUMBER { 1 } else { number + 1 };
    }
    number
}
