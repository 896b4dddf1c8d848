//! Random schemas: one tree in which every field carries all there is to say about it (type, label, what
//! plans make of it, which values it gets), so that taking a field away takes all of it away and a failure
//! shrinks to something a person can read.

use std::collections::BTreeSet;

use portcullis_core::label::{Category, Label, Semantic, Sensitivity};
use proptest::prelude::*;

/// Largest field number.
const MAX_NUMBER: u32 = (1 << 29) - 1;
/// Field numbers that protobuf keeps for itself.
const RESERVED: std::ops::RangeInclusive<u32> = 19_000..=19_999;

/// A schema: its first message is the record, and a message refers only to ones that come after it.
#[derive(Clone)]
pub struct Schema {
    /// Every message that is not the contract's own.
    pub messages: Vec<Message>,
}

/// A message.
#[derive(Clone)]
pub struct Message {
    /// Its name.
    pub name: String,
    /// In the order of the file, which is not that of their numbers.
    pub fields: Vec<Field>,
    /// How many oneofs it has.
    pub oneofs: usize,
}

/// A field.
#[derive(Clone)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// Its number.
    pub number: u32,
    /// How often it may stand.
    pub cardinality: Cardinality,
    /// Its type.
    pub kind: Kind,
    /// Its label; none where it stands inside a whole message, or is a message that is walked into.
    pub label: Option<Label>,
    /// What the two plans of a world make of it.
    pub choices: [u8; 2],
    /// Its values, in two versions, for as many occurrences as there may be.
    pub values: Vec<[Draw; 2]>,
}

/// How often a field may stand.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Cardinality {
    /// At most once; default and absent are the same (of a message they are not).
    Implicit,
    /// At most once, with the word `optional`.
    Optional,
    /// At most one of the oneof with this number.
    Oneof(usize),
    /// Any number of times.
    Repeated {
        /// Of numbers: does the schema pack them?
        packed: bool,
    },
}

/// Type of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A scalar, or the enum of every world.
    Scalar(Scalar),
    /// A message of the contract that is treated whole.
    Known(Known),
    /// A message of the schema.
    Message(usize),
}

macro_rules! named {
    ($(#[$doc:meta])* $name:ident { $($variant:ident $text:literal $number:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[allow(missing_docs)]
        pub enum $name { $($variant,)* }

        impl $name {
            /// Every one of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// As a .proto file writes it.
            pub fn text(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// Its number in `FieldDescriptorProto.Type`.
            pub fn number(self) -> u64 {
                match self { $(Self::$variant => $number,)* }
            }
        }
    };
}

named! {
    /// A scalar type.
    Scalar {
        String "string" 9,
        Int64 "int64" 3,
        Int32 "int32" 5,
        Bool "bool" 8,
        Uint64 "uint64" 4,
        Uint32 "uint32" 13,
        Sint64 "sint64" 18,
        Sint32 "sint32" 17,
        Fixed64 "fixed64" 6,
        Fixed32 "fixed32" 7,
        Sfixed64 "sfixed64" 16,
        Sfixed32 "sfixed32" 15,
        Double "double" 1,
        Float "float" 2,
        Bytes "bytes" 12,
        Enum "Choice" 14,
    }
}

named! {
    /// A message of the contract that is treated whole.
    Known {
        Timestamp "google.protobuf.Timestamp" 11,
        Money "portcullis.record.v1.Money" 11,
        GeoPoint "portcullis.record.v1.GeoPoint" 11,
        Date "portcullis.record.v1.Date" 11,
        Address "portcullis.record.v1.Address" 11,
    }
}

impl Kind {
    /// May a list of it be packed?
    pub fn packable(self) -> bool {
        matches!(self, Self::Scalar(scalar) if !matches!(scalar, Scalar::String | Scalar::Bytes))
    }

    /// Semantics that fit it, the plainest first; a message that is not the contract's takes free text.
    pub fn semantics(self) -> &'static [Semantic] {
        use Semantic as S;
        match self {
            Self::Scalar(Scalar::String) => &[
                S::Identifier,
                S::HsCode,
                S::PersonName,
                S::ControlCode,
                S::Port,
                S::ContainerNumber,
                S::OrganisationName,
                S::Country,
                S::FreeText,
                S::Code,
            ],
            Self::Scalar(Scalar::Bytes) => &[S::Identifier, S::FreeText],
            Self::Scalar(Scalar::Bool) => &[S::Flag],
            Self::Scalar(Scalar::Double | Scalar::Float) => &[S::Rate],
            Self::Scalar(Scalar::Enum) => &[S::Code],
            Self::Scalar(_) => &[S::Quantity, S::Mass, S::Rate, S::Code, S::Identifier],
            Self::Known(Known::Timestamp) => &[S::Timestamp],
            Self::Known(Known::Money) => &[S::Money],
            Self::Known(Known::GeoPoint) => &[S::GeoPoint],
            Self::Known(Known::Date) => &[S::Date, S::BirthDate],
            Self::Known(Known::Address) => &[S::Address],
            Self::Message(_) => &[S::FreeText],
        }
    }
}

/// What a value is made of. `pick` 0: no value; below 160 one that its semantic understands, else an edge
/// or junk; `bits` says which.
#[derive(Debug, Clone, Copy)]
pub struct Draw {
    /// Which sort.
    pub pick: u8,
    /// Which of it.
    pub bits: u64,
}

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
    wide: u32,
}

pub(super) fn raw() -> impl Strategy<Value = RawSchema> {
    let wide = prop_oneof![30 => Just(0_u32), 1 => 60..140_u32];
    (fields(2, 1..7), wide).prop_map(|(fields, wide)| RawSchema { fields, wide })
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
        build.message(&raw.fields, raw.wide, true, None);
        Self { messages: build.messages }
    }

    /// A record of one field, `value = 1`.
    pub fn single(kind: Kind, semantic: Semantic, cardinality: Cardinality) -> Self {
        let label =
            Label { category: Category::Commercial, sensitivity: Sensitivity::Official, semantic };
        let field = Field {
            name: "value".into(),
            number: 1,
            cardinality,
            kind,
            label: Some(label),
            choices: [0, 0],
            values: vec![],
        };
        Self { messages: vec![Message { name: "Record".into(), fields: vec![field], oneofs: 0 }] }
    }

    /// The record's message.
    pub fn record(&self) -> &Message {
        &self.messages[0]
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
        wide: u32,
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
        for at in 0..wide {
            fields.push(plain(at, free(at * 3 + 1, &mut taken), labelled));
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
                let index = self.message(fields, 0, true, shared);
                self.walked.push(index);
                walked_into = true;
                Kind::Message(index)
            }
            RawBody::Message(fields) | RawBody::Opaque(fields) => {
                let index = self.message(fields, 0, false, None);
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

/// One of the many plain fields of a wide message.
fn plain(at: u32, number: u32, labelled: bool) -> Field {
    let byte = (at * 37 % 251) as u8;
    let draw = |side: u32| Draw {
        pick: u8::from(!(at + side).is_multiple_of(3)),
        bits: u64::from(at % 9),
    };
    Field {
        name: format!("plain_{number}"),
        number,
        cardinality: Cardinality::Implicit,
        kind: Kind::Scalar(if at.is_multiple_of(2) { Scalar::Int32 } else { Scalar::String }),
        label: labelled.then_some(Label {
            category: Category::Commercial,
            sensitivity: Sensitivity::Official,
            semantic: if at.is_multiple_of(2) { Semantic::Quantity } else { Semantic::Identifier },
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
