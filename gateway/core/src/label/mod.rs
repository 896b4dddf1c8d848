//! What a field is: labels, semantics, and record types with every leaf labelled.

mod kind;
mod lint;
mod record_type;
mod registration;
mod set;
mod syntax;

pub use lint::{LintError, LintRule};
pub use record_type::{
    Cardinality, FieldSpec, Leaf, LeafId, LeafKind, Node, NodeId, RecordType, Target, Whole,
};
pub use set::{Candidates, MAX_SET_BYTES, candidates};

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $number:literal $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$vdoc])* $variant = $number,)* }

        impl $name {
            /// Every variant, in order of its number on the wire.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// From the number on the wire; unspecified and unknown numbers are none.
            pub fn from_number(number: i32) -> Option<Self> {
                match number { $($number => Some(Self::$variant),)* _ => None }
            }

            /// From the word of the contract, such as `HS_CODE`.
            pub fn from_word(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)* _ => None }
            }

            /// The word of the contract.
            pub fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }
        }
    };
}
pub(crate) use words;

words! {
    /// What a value is about (`portcullis.label.v1.Category`).
    Category {
        /// Trade terms.
        Commercial = 1 "COMMERCIAL",
        /// A natural person.
        Personal = 2 "PERSONAL",
        /// Prices, payments, duties.
        Financial = 3 "FINANCIAL",
        /// Parameters of goods and technology.
        Technical = 4 "TECHNICAL",
        /// What an agency did or plans.
        Operational = 5 "OPERATIONAL",
        /// Assessments, tips, watch lists.
        Intelligence = 6 "INTELLIGENCE",
        /// Where something is or was.
        Location = 7 "LOCATION",
        /// Keys and codes.
        Reference = 8 "REFERENCE",
    }
}

words! {
    /// How much harm a disclosure can do, ascending (`portcullis.label.v1.Sensitivity`).
    Sensitivity {
        /// Published anyway.
        Public = 1 "PUBLIC",
        /// For officials.
        Official = 2 "OFFICIAL",
        /// For a stated purpose.
        Confidential = 3 "CONFIDENTIAL",
        /// For named officers in a named case.
        Secret = 4 "SECRET",
    }
}

words! {
    /// What a value is (`portcullis.label.v1.Semantic`).
    Semantic {
        /// Harmonized System code.
        HsCode = 1 "HS_CODE",
        /// Dual-use control code.
        ControlCode = 2 "CONTROL_CODE",
        /// ISO 3166-1 alpha-2.
        Country = 3 "COUNTRY",
        /// UN/LOCODE.
        Port = 4 "PORT",
        /// `google.protobuf.Timestamp`.
        Timestamp = 5 "TIMESTAMP",
        /// `portcullis.record.v1.Date`.
        Date = 6 "DATE",
        /// `portcullis.record.v1.Date` of a birth.
        BirthDate = 7 "BIRTH_DATE",
        /// `portcullis.record.v1.Money`.
        Money = 8 "MONEY",
        /// Integer grams.
        Mass = 9 "MASS",
        /// Units, packages, pieces.
        Quantity = 10 "QUANTITY",
        /// A ratio or rate.
        Rate = 11 "RATE",
        /// `portcullis.record.v1.GeoPoint`.
        GeoPoint = 12 "GEO_POINT",
        /// Name of a natural person.
        PersonName = 13 "PERSON_NAME",
        /// Name of a legal person.
        OrganisationName = 14 "ORGANISATION_NAME",
        /// `portcullis.record.v1.Address`.
        Address = 15 "ADDRESS",
        /// Key of a record, party or document.
        Identifier = 16 "IDENTIFIER",
        /// ISO 6346.
        ContainerNumber = 17 "CONTAINER_NUMBER",
        /// Anything a person typed.
        FreeText = 18 "FREE_TEXT",
        /// A short public code list.
        Code = 19 "CODE",
        /// Yes or no.
        Flag = 20 "FLAG",
    }
}

/// The label of a leaf.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Label {
    /// What the value is about.
    pub category: Category,
    /// How much harm its disclosure can do.
    pub sensitivity: Sensitivity,
    /// What the value is.
    pub semantic: Semantic,
}
