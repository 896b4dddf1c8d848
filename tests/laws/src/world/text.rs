//! A schema as .proto text, for a person and for a real compiler.

use std::fmt::{self, Write as _};

use super::descriptor::{IMPORTS, PACKAGE};
use super::schema::{Cardinality, Field, Kind, Schema};

impl fmt::Display for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for message in &self.messages {
            writeln!(f, "message {} {{", message.name)?;
            for field in &message.fields {
                if !matches!(field.cardinality, Cardinality::Oneof(_)) {
                    writeln!(f, "  {}", self.field(field)?)?;
                }
            }
            for oneof in 0..message.oneofs {
                writeln!(f, "  oneof choice_{oneof} {{")?;
                for field in &message.fields {
                    if field.cardinality == Cardinality::Oneof(oneof) {
                        writeln!(f, "    {}", self.field(field)?)?;
                    }
                }
                writeln!(f, "  }}")?;
            }
            writeln!(f, "}}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\n{self}")
    }
}

impl Schema {
    /// The whole file.
    pub fn to_proto(&self) -> String {
        let mut out = format!("syntax = \"proto3\";\npackage {PACKAGE};\n");
        for import in &IMPORTS[1..] {
            out += &format!("import \"{import}\";\n");
        }
        out += &self.to_string();
        out + "enum Choice { CHOICE_UNSPECIFIED = 0; CHOICE_ONE = 1; CHOICE_MINUS = -1; }\n"
    }

    fn field(&self, field: &Field) -> Result<String, fmt::Error> {
        let mut out = String::new();
        out += match field.cardinality {
            Cardinality::Implicit | Cardinality::Oneof(_) => "",
            Cardinality::Optional => "optional ",
            Cardinality::Repeated { .. } => "repeated ",
        };
        match field.kind {
            Kind::Scalar(scalar) => out += scalar.text(),
            Kind::Known(known) => out += known.text(),
            Kind::Message(at) => out += &self.messages[at].name,
        }
        write!(out, " {} = {}", field.name, field.number)?;
        let mut options = vec![];
        if field.cardinality == (Cardinality::Repeated { packed: false }) && field.kind.packable() {
            options.push("packed = false".to_owned());
        }
        if let Some(label) = field.label {
            options.push(format!(
                "(portcullis.label.v1.label) = {{ category: CATEGORY_{} sensitivity: \
                 SENSITIVITY_{} semantic: SEMANTIC_{} }}",
                label.category.word(),
                label.sensitivity.word(),
                label.semantic.word()
            ));
        }
        if !options.is_empty() {
            write!(out, " [{}]", options.join(", "))?;
        }
        Ok(out + ";")
    }
}
