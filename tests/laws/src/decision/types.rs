//! Random record types: every semantic, category and sensitivity, messages in messages, lists, and oneofs in oneofs.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use bytes::Bytes;
use portcullis_core::label::{Category, RecordType, Semantic, Sensitivity};

use crate::world::near::Rng;

/// So many.
const TYPES: usize = 48;
const PACKAGE: &str = "decided.v1";
const IMPORTS: [&str; 3] =
    ["google/protobuf/timestamp", "portcullis/label/v1/label", "portcullis/record/v1/value"];

/// Record types, and each as a .proto file writes it.
pub struct Pool {
    pub(super) types: Vec<Arc<RecordType>>,
    pub(super) texts: Vec<String>,
}

/// Record types of a seed.
pub fn pool(seed: u64) -> Pool {
    let mut rng = Rng(seed ^ 0x7465_7874);
    let text = |at| {
        let mut text = format!("message T{at} {{\n");
        message(&mut text, None, 0, &mut rng);
        text + "}\n"
    };
    compile((0..TYPES).map(text).collect())
}

/// Compiles messages, each a record type.
pub(super) fn compile(texts: Vec<String>) -> Pool {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let (process, number) = (std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
    let folder = std::env::temp_dir().join(format!("portcullis-decisions-{process}-{number}"));
    std::fs::create_dir_all(&folder).unwrap();
    let mut file = format!("syntax = \"proto3\";\npackage {PACKAGE};\n");
    for import in IMPORTS {
        writeln!(file, "import \"{import}.proto\";").unwrap();
    }
    file.extend(texts.iter().map(String::as_str));
    std::fs::write(folder.join("decided.proto"), &file).unwrap();
    let proto = format!("{}/../../proto", env!("CARGO_MANIFEST_DIR"));
    let mut compiler = protox::Compiler::new([folder.clone(), proto.into()]).unwrap();
    let opened = compiler.include_imports(true).open_file("decided.proto").map(|_| ());
    std::fs::remove_dir_all(&folder).unwrap();
    opened.unwrap_or_else(|error| panic!("{error}\n{file}"));
    let set: Bytes = compiler.encode_file_descriptor_set().into();
    let register = |text: &String| {
        let name = text.split(' ').nth(1).unwrap();
        match RecordType::register(&set, &format!("{PACKAGE}.{name}")) {
            Ok(record_type) => Arc::new(record_type),
            Err(errors) => panic!("{errors:?}\n{text}"),
        }
    };
    Pool { types: texts.iter().map(register).collect(), texts }
}

impl Pool {
    /// A record type of it as a .proto file writes it.
    pub(super) fn text(&self, record_type: &RecordType) -> &str {
        let at = self.types.iter().position(|one| one.name() == record_type.name());
        at.map_or("", |at| &self.texts[at])
    }
}

/// Category and sensitivity that everything below a oneof shares.
type Shared = Option<(Category, Sensitivity)>;

fn message(text: &mut String, shared: Shared, depth: usize, rng: &mut Rng) {
    let mut number = 0;
    for _ in 0..2 + rng.below(if depth == 0 { 6 } else { 2 }) {
        match rng.below(10) {
            0..=1 if depth < 2 => inner(text, &mut number, shared, depth, rng),
            2..=3 if depth < 2 => {
                number += 1;
                let shared = shared.unwrap_or_else(|| labels(rng));
                writeln!(text, "oneof o{number} {{").unwrap();
                let mut messages = vec![];
                for _ in 0..1 + rng.below(3) {
                    if depth < 1 && rng.below(4) == 0 {
                        number += 1;
                        writeln!(text, "M{number} f{number} = {number};").unwrap();
                        messages.push(number);
                    } else {
                        leaf(text, &mut number, Some(shared), false, rng);
                    }
                }
                text.push_str("}\n");
                for of in messages {
                    writeln!(text, "message M{of} {{").unwrap();
                    message(text, Some(shared), depth + 1, rng);
                    text.push_str("}\n");
                }
            }
            _ => leaf(text, &mut number, shared, rng.below(5) == 0, rng),
        }
    }
}

fn inner(text: &mut String, number: &mut usize, shared: Shared, depth: usize, rng: &mut Rng) {
    *number += 1;
    let many = if rng.below(3) == 0 { "repeated " } else { "" };
    writeln!(text, "{many}M{number} f{number} = {number};\nmessage M{number} {{").unwrap();
    message(text, shared, depth + 1, rng);
    text.push_str("}\n");
}

fn leaf(text: &mut String, number: &mut usize, shared: Shared, many: bool, rng: &mut Rng) {
    *number += 1;
    let (category, sensitivity) = shared.unwrap_or_else(|| labels(rng));
    let semantic = *rng.pick(Semantic::ALL);
    let kind = *rng.pick(kinds(semantic));
    let many = if many { "repeated " } else { "" };
    writeln!(
        text,
        "{many}{kind} f{number} = {number} [(portcullis.label.v1.label) = {{ category: CATEGORY_{} \
         sensitivity: SENSITIVITY_{} semantic: SEMANTIC_{} }}];",
        category.word(),
        sensitivity.word(),
        semantic.word()
    )
    .unwrap();
}

/// What few rules speak of is as frequent as what many do; SECRET a little less.
fn labels(rng: &mut Rng) -> (Category, Sensitivity) {
    let category = match rng.below(5) {
        0 => Category::Personal,
        1 => Category::Intelligence,
        _ => *rng.pick(Category::ALL),
    };
    let sensitivity = match rng.below(7) {
        0..=1 => Sensitivity::Public,
        2..=3 => Sensitivity::Official,
        4..=5 => Sensitivity::Confidential,
        _ => Sensitivity::Secret,
    };
    (category, sensitivity)
}

fn kinds(semantic: Semantic) -> &'static [&'static str] {
    match semantic {
        Semantic::Timestamp => &["google.protobuf.Timestamp"],
        Semantic::Date | Semantic::BirthDate => &["portcullis.record.v1.Date"],
        Semantic::Money => &["portcullis.record.v1.Money"],
        Semantic::GeoPoint => &["portcullis.record.v1.GeoPoint"],
        Semantic::Address => &["portcullis.record.v1.Address"],
        Semantic::Mass | Semantic::Quantity => &["int64", "uint32"],
        Semantic::Rate => &["double", "int32"],
        Semantic::Flag => &["bool"],
        Semantic::Code => &["string", "int32"],
        Semantic::Identifier => &["string", "int64", "string", "bytes"],
        Semantic::FreeText => &["string", "bytes"],
        _ => &["string"],
    }
}
