//! Schemas: messages in which every field carries all there is to say about it: type, label, what plans make
//! of it, which values it gets.

use portcullis_core::label::{Category, Label, Semantic, Sensitivity};

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

impl Schema {
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
