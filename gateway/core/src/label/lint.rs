//! What registration refuses a record type for: one variant per rule, and one error per place, with the line
//! where the descriptor set tells it. Schemas are no secret, so an error names all there is.

use std::fmt;

macro_rules! rules {
    ($($(#[$doc:meta])* $variant:ident $word:literal,)*) => {
        /// What a registration is refused for.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum LintRule { $($(#[$doc])* $variant,)* }

        impl LintRule {
            /// Every rule.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// One stable word.
            pub fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }
        }
    };
}

rules! {
    /// The bytes are not a descriptor set, or one that contradicts itself.
    NotADescriptorSet "NOT_A_DESCRIPTOR_SET",
    /// A file imports one that the set does not bring.
    MissingImport "MISSING_IMPORT",
    /// There is no such message in it.
    NoSuchMessage "NO_SUCH_MESSAGE",
    /// It does not bring `portcullis/label/v1/label.proto`, or another one under its name.
    NoLabelOption "NO_LABEL_OPTION",
    /// A name that paths, tables and terminals could not carry, or one that is too long.
    BadName "BAD_NAME",
    /// A record type from outside under a name of the contract's own.
    ReservedName "RESERVED_NAME",
    /// Not proto3.
    Syntax "SYNTAX",
    /// A leaf has no label.
    Unlabelled "UNLABELLED",
    /// A label lacks its category, sensitivity or semantic.
    IncompleteLabel "INCOMPLETE_LABEL",
    /// A label of another version, or one with a number that is not known here.
    UnknownLabel "UNKNOWN_LABEL",
    /// A label inside a message that carries a label itself and is treated whole.
    LabelInsideWhole "LABEL_INSIDE_WHOLE",
    /// The members of a `oneof` do not have the same category and sensitivity.
    OneofLabelsDiffer "ONEOF_LABELS_DIFFER",
    /// A map.
    Map "MAP",
    /// A group.
    Group "GROUP",
    /// A field that must be there.
    Required "REQUIRED",
    /// The message has extension ranges.
    Extension "EXTENSION",
    /// `google.protobuf.Any`.
    Any "ANY",
    /// The semantic does not fit the type.
    SemanticDoesNotFit "SEMANTIC_DOES_NOT_FIT",
    /// A message under a well-known name that does not have its fields.
    ShapeDiffers "SHAPE_DIFFERS",
    /// Two fields of one message would have one name in JSON.
    JsonName "JSON_NAME",
    /// A message contains itself: a bound cannot be declared, so none is known.
    Recursion "RECURSION",
    /// Messages nest too deeply.
    TooDeep "TOO_DEEP",
    /// Too many leaves, message paths, or bytes.
    TooLarge "TOO_LARGE",
    /// A message without any field.
    Empty "EMPTY",
}

/// One thing that is wrong with a record type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct LintError {
    /// File that declares the message; empty where there is none to name.
    pub file: String,
    /// Line from 1; 0 where the set does not tell.
    pub line: u32,
    /// Full name of the message; empty where it is about a whole file.
    pub message: String,
    /// Field, where it is about one.
    pub field: String,
    /// The rule.
    pub rule: LintRule,
    /// For a person.
    pub detail: String,
}

impl LintError {
    /// About no place in particular.
    pub(super) fn of(message: &str, rule: LintRule, detail: impl Into<String>) -> Self {
        Self {
            file: String::new(),
            line: 0,
            message: message.to_owned(),
            field: String::new(),
            rule,
            detail: detail.into(),
        }
    }
}

impl fmt::Display for LintError {
    /// `file:line: message.field: RULE: detail`, on one line whatever the names are.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.file.is_empty() {
            write!(f, "{}:", self.file.escape_debug())?;
            if self.line > 0 {
                write!(f, "{}:", self.line)?;
            }
            f.write_str(" ")?;
        }
        if !self.message.is_empty() {
            write!(f, "{}", self.message.escape_debug())?;
            if !self.field.is_empty() {
                write!(f, ".{}", self.field.escape_debug())?;
            }
            f.write_str(": ")?;
        }
        write!(f, "{}: {}", self.rule.word(), self.detail)
    }
}
