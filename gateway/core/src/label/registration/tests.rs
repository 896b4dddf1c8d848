//! One bad schema per rule, with the exact words; and schemas that no compiler would write, made by hand.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use prost::Message as _;
use prost_types::FileDescriptorSet;
use protox::file::{ChainFileResolver, DescriptorSetFileResolver, File, GoogleFileResolver};

use super::*;
use crate::label::{MAX_SET_BYTES, candidates};

/// One file, in memory.
struct Memory(String);

impl protox::file::FileResolver for Memory {
    fn open_file(&self, name: &str) -> Result<File, protox::Error> {
        if name != "a.proto" {
            return Err(protox::Error::file_not_found(name));
        }
        File::from_source(name, &self.0)
    }
}

/// `@(REFERENCE OFFICIAL IDENTIFIER)` is a label.
fn labelled(source: &str) -> String {
    let mut text = String::new();
    for (at, part) in source.split("@(").enumerate() {
        if at == 0 {
            text.push_str(part);
            continue;
        }
        let (label, rest) = part.split_once(')').unwrap();
        let words: Vec<&str> = label.split(' ').collect();
        write!(
            text,
            "[(portcullis.label.v1.label) = {{category: CATEGORY_{} sensitivity: SENSITIVITY_{} \
             semantic: SEMANTIC_{}}}]{rest}",
            words[0], words[1], words[2]
        )
        .unwrap();
    }
    text
}

/// A file whose body begins on line 2.
fn compile(header: &str, body: &str, source_info: bool) -> Bytes {
    let source = format!("{header} {}", labelled(body));
    let mut resolver = ChainFileResolver::new();
    resolver.add(Memory(source));
    resolver.add(DescriptorSetFileResolver::decode(portcullis_proto::DESCRIPTOR_SET).unwrap());
    resolver.add(GoogleFileResolver::new());
    let mut compiler = protox::Compiler::with_file_resolver(resolver);
    compiler.include_imports(true).include_source_info(source_info);
    compiler.open_file("a.proto").unwrap_or_else(|error| panic!("{error}: {body}"));
    compiler.encode_file_descriptor_set().into()
}

const HEADER: &str =
    r#"syntax = "proto3"; package a.v1; import "portcullis/label/v1/label.proto";"#;
const PROTO2: &str =
    r#"syntax = "proto2"; package a.v1; import "portcullis/label/v1/label.proto";"#;

/// Everything that is said about `a.v1.T`.
fn said(set: &Bytes) -> Vec<String> {
    said_of(set, "a.v1.T")
}

fn said_of(set: &Bytes, name: &str) -> Vec<String> {
    match RecordType::register_from_outside(set, name) {
        Ok(record_type) => panic!("{record_type:?} is accepted"),
        Err(errors) => {
            errors.iter().for_each(|error| note(error.rule));
            errors.iter().map(ToString::to_string).collect()
        }
    }
}

/// Rules that a test has seen refuse something.
fn note(rule: LintRule) {
    SEEN.with_borrow_mut(|seen| seen.insert(rule));
}

thread_local! {
    static SEEN: std::cell::RefCell<BTreeSet<LintRule>> = const { std::cell::RefCell::new(BTreeSet::new()) };
}

/// The set changed by hand: what no compiler lets through.
fn edited(set: &Bytes, edit: impl FnOnce(&mut prost_types::FileDescriptorProto)) -> Bytes {
    // prost's types would drop the labels, so only the file itself is taken apart.
    let mut files = FileDescriptorSet::decode(set.as_ref()).unwrap().file;
    let at = files.iter().position(|file| file.name() == "a.proto").unwrap();
    edit(&mut files[at]);
    FileDescriptorSet { file: files }.encode_to_vec().into()
}

/// Schemas and what is said about them.
const TABLE: &[(&str, &str, &[&str])] = &[
    (
        HEADER,
        "\nmessage T {\n  string id = 1 @(REFERENCE OFFICIAL IDENTIFIER);\n  string note = 2;\n  int64 n = 3;\n}",
        &[
            "a.proto:4: a.v1.T.note: UNLABELLED: a leaf needs a label",
            "a.proto:5: a.v1.T.n: UNLABELLED: a leaf needs a label",
        ],
    ),
    // A message that stands at two paths is wrong once.
    (
        HEADER,
        "\nmessage T { P a = 1; repeated P b = 2; }\nmessage P { string x = 1; }",
        &["a.proto:3: a.v1.P.x: UNLABELLED: a leaf needs a label"],
    ),
    (
        HEADER,
        "\nmessage T {\n  string a = 1 [(portcullis.label.v1.label) = {sensitivity: SENSITIVITY_PUBLIC}];\n\
         \x20 string b = 2 [(portcullis.label.v1.label) = {category: CATEGORY_PERSONAL semantic: SEMANTIC_CODE}];\n\
         \x20 string c = 3 [(portcullis.label.v1.label) = {category: CATEGORY_PERSONAL sensitivity: SENSITIVITY_PUBLIC}];\n}",
        &[
            "a.proto:3: a.v1.T.a: INCOMPLETE_LABEL: the label has no category",
            "a.proto:4: a.v1.T.b: INCOMPLETE_LABEL: the label has no sensitivity",
            "a.proto:5: a.v1.T.c: INCOMPLETE_LABEL: the label has no semantic",
        ],
    ),
    (
        HEADER,
        "\nmessage T {\n  P p = 1 @(PERSONAL OFFICIAL FREE_TEXT);\n}\nmessage P {\n  string x = 1 @(PERSONAL OFFICIAL FREE_TEXT);\n}",
        &[
            "a.proto:6: a.v1.P.x: LABEL_INSIDE_WHOLE: stands inside a message that carries a label and is treated whole",
        ],
    ),
    (
        HEADER,
        "\nmessage T {\n oneof o {\n  string a = 1 @(PERSONAL OFFICIAL PERSON_NAME);\n  string b = 2 @(COMMERCIAL OFFICIAL ORGANISATION_NAME);\n }\n}",
        &[
            "a.proto:5: a.v1.T.b: ONEOF_LABELS_DIFFER: category or sensitivity differs from another member of its oneof",
        ],
    ),
    (
        HEADER,
        "\nmessage T {\n oneof o {\n  string a = 1 @(PERSONAL OFFICIAL PERSON_NAME);\n  P b = 2;\n }\n}\nmessage P {\n  string x = 1 @(PERSONAL OFFICIAL CODE);\n  string y = 2 @(PERSONAL SECRET CODE);\n}",
        &[
            "a.proto:5: a.v1.T.b: ONEOF_LABELS_DIFFER: category or sensitivity differs from another member of its oneof",
        ],
    ),
    (
        HEADER,
        "\nmessage T {\n  map<string, string> m = 1;\n}",
        &["a.proto:3: a.v1.T.m: MAP: keys of a map have no label"],
    ),
    // .. nor inside a message that is treated whole.
    (
        HEADER,
        "\nmessage T {\n  P p = 1 @(PERSONAL OFFICIAL FREE_TEXT);\n}\nmessage P {\n  map<string, string> m = 1;\n}",
        &["a.proto:6: a.v1.P.m: MAP: keys of a map have no label"],
    ),
    (
        PROTO2,
        "\nmessage T {\n  optional group G = 1 {\n    optional string x = 1;\n  }\n}",
        &[
            "a.proto:2: a.v1.T: SYNTAX: only proto3 is taken",
            "a.proto:3: a.v1.T.g: GROUP: groups are not supported",
        ],
    ),
    (
        PROTO2,
        "\nmessage T {\n  required string x = 1 @(PERSONAL OFFICIAL CODE);\n}",
        &[
            "a.proto:2: a.v1.T: SYNTAX: only proto3 is taken",
            "a.proto:3: a.v1.T.x: REQUIRED: what must be there could not be withheld",
        ],
    ),
    (
        PROTO2,
        "\nmessage T {\n  extensions 100 to 199;\n}",
        &["a.proto:2: a.v1.T: EXTENSION: has extension ranges"],
    ),
    (
        r#"syntax = "proto3"; package a.v1; import "portcullis/label/v1/label.proto"; import "google/protobuf/any.proto";"#,
        "\nmessage T {\n  google.protobuf.Any a = 1;\n}",
        &["a.proto:3: a.v1.T.a: ANY: what is inside has no label"],
    ),
    (
        HEADER,
        "\nmessage T {\n  int32 a = 1 @(PERSONAL OFFICIAL PERSON_NAME);\n  string b = 2 @(FINANCIAL OFFICIAL MONEY);\n  P c = 3 @(FINANCIAL OFFICIAL MONEY);\n  double d = 4 @(COMMERCIAL OFFICIAL MASS);\n}\nmessage P { string x = 1; }",
        &[
            "a.proto:3: a.v1.T.a: SEMANTIC_DOES_NOT_FIT: int32 cannot be PERSON_NAME",
            "a.proto:4: a.v1.T.b: SEMANTIC_DOES_NOT_FIT: string cannot be MONEY",
            "a.proto:5: a.v1.T.c: SEMANTIC_DOES_NOT_FIT: a.v1.P cannot be MONEY",
            "a.proto:6: a.v1.T.d: SEMANTIC_DOES_NOT_FIT: double cannot be MASS",
        ],
    ),
    (
        HEADER,
        "\nmessage T {\n  string id = 1 @(REFERENCE OFFICIAL IDENTIFIER);\n  T again = 2;\n}",
        &[
            "a.proto:4: a.v1.T.again: RECURSION: leads back to a.v1.T, and a bound cannot be declared",
        ],
    ),
    // Neither in a circle, nor inside a message that is treated whole.
    (
        HEADER,
        "\nmessage T {\n  A a = 1;\n  A b = 2 @(PERSONAL OFFICIAL FREE_TEXT);\n}\nmessage A {\n  B b = 1;\n}\nmessage B {\n  A a = 1;\n}",
        &["a.proto:10: a.v1.B.a: RECURSION: leads back to a.v1.A, and a bound cannot be declared"],
    ),
    // Who reads JSON takes either name.
    (
        HEADER,
        "\nmessage T {\n  string the_id = 1 @(REFERENCE OFFICIAL CODE);\n  string b = 2 [json_name = \"the_id\", (portcullis.label.v1.label) = {category: CATEGORY_REFERENCE sensitivity: SENSITIVITY_OFFICIAL semantic: SEMANTIC_CODE}];\n}",
        &["a.proto:4: a.v1.T.b: JSON_NAME: has the name `the_id` in JSON that another field has"],
    ),
    (
        HEADER,
        "\nmessage T {\n  P p = 1;\n}\nmessage P {}",
        &["a.proto:5: a.v1.P: EMPTY: has no field"],
    ),
];

#[test]
fn every_rule_is_told_with_file_line_message_field_and_why() {
    for (header, body, expected) in TABLE {
        assert_eq!(said(&compile(header, body, true)), *expected, "{body}");
        // Without source information the same is said, without lines.
        let bare: BTreeSet<String> = expected.iter().map(|text| without_line(text)).collect();
        let found: BTreeSet<String> = said(&compile(header, body, false)).into_iter().collect();
        assert_eq!(found, bare, "{body}");
    }
    by_hand();
    names();
    sizes();
    labels_of_others();
    let seen = SEEN.with_borrow(Clone::clone);
    let unseen: Vec<&LintRule> = LintRule::ALL.iter().filter(|rule| !seen.contains(rule)).collect();
    assert!(unseen.is_empty(), "no test refuses for {unseen:?}");
}

fn without_line(text: &str) -> String {
    let mut parts: Vec<&str> = text.splitn(3, ':').collect();
    parts.remove(1);
    parts.join(":")
}

const GOOD: &str = "\nmessage T {\n  string id = 1 @(REFERENCE OFFICIAL IDENTIFIER);\n}";

/// Sets that are none.
fn by_hand() {
    let good = compile(HEADER, GOOD, true);
    assert!(RecordType::register_from_outside(&good, "a.v1.T").is_ok());
    assert_eq!(
        said(&Bytes::from_static(&[0xff; 9])),
        [
            "a.v1.T: NOT_A_DESCRIPTOR_SET: cannot be read: failed to decode Protobuf message: invalid varint"
        ]
    );
    assert_eq!(said(&Bytes::new()), ["a.v1.T: NOT_A_DESCRIPTOR_SET: there is no file in it"]);
    let twice = edited(&good, |file| {
        let message = file.message_type[0].clone();
        file.message_type.push(message);
    });
    assert_eq!(
        said(&twice),
        ["a.v1.T: NOT_A_DESCRIPTOR_SET: contradicts itself: name \\'a.v1.T\\' is defined twice"]
    );
    let mut alone = FileDescriptorSet::decode(good.as_ref()).unwrap();
    alone.file.retain(|file| file.name() == "a.proto");
    assert_eq!(
        said(&alone.encode_to_vec().into()),
        [
            "a.proto:1: MISSING_IMPORT: `portcullis/label/v1/label.proto` is not in the descriptor set"
        ]
    );
    assert_eq!(
        said_of(&good, "a.v1.U"),
        ["a.v1.U: NO_SUCH_MESSAGE: the descriptor set has no such message"]
    );
}

fn names() {
    let good = compile(HEADER, GOOD, true);
    let rule = "BAD_NAME: a name is made of A-Z, a-z, 0-9 and _, and is at most 255 bytes long";
    for (name, shown) in [("a.b", "a.b"), ("x\u{1b}[2J", "x\\u{1b}[2J"), ("ä", "ä"), ("1a", "1a")]
    {
        let bad = edited(&good, |file| {
            file.message_type[0].field[0].name = Some(name.into());
        });
        assert_eq!(said(&bad), [format!("a.proto:3: a.v1.T.{shown}: {rule}")]);
    }
    let long = "x".repeat(256);
    let bad = edited(&good, |file| file.message_type[0].field[0].name = Some(long.clone()));
    assert_eq!(said(&bad), [format!("a.proto:3: a.v1.T.{long}: {rule}")]);
    let own = Bytes::from_static(portcullis_proto::DESCRIPTOR_SET);
    assert_eq!(
        said_of(&own, "portcullis.record.v1.Party"),
        ["portcullis.record.v1.Party: RESERVED_NAME: names of this package are the contract's own"]
    );
    assert_eq!(said_of(&good, "T"), ["T: BAD_NAME: a record type needs a package"]);
    // Something else under the name of Money.
    let header = r#"syntax = "proto3"; package portcullis.record.v1; import "portcullis/label/v1/label.proto";"#;
    let body = "\nmessage T {\n  Money m = 1 @(FINANCIAL OFFICIAL MONEY);\n}\nmessage Money {\n  string currency_code = 1; int64 units = 2; int64 nanos = 3;\n}";
    let errors =
        RecordType::register(&compile(header, body, true), "portcullis.record.v1.T").unwrap_err();
    errors.iter().for_each(|error| note(error.rule));
    assert_eq!(
        errors.iter().map(ToString::to_string).collect::<Vec<_>>(),
        [
            "a.proto:5: portcullis.record.v1.Money: SHAPE_DIFFERS: does not have the fields that belong to this name"
        ]
    );
}

fn sizes() {
    let mut deep = "\nmessage T {\n  M1 m = 1;\n}".to_owned();
    for at in 1..=16 {
        let next = if at == 16 {
            "string x = 1 @(REFERENCE OFFICIAL CODE)".to_owned()
        } else {
            format!("M{} m = 1", at + 1)
        };
        write!(deep, "\nmessage M{at} {{ {next}; }}").unwrap();
    }
    assert_eq!(
        said(&compile(HEADER, &deep, true)),
        ["a.proto:20: a.v1.M16: TOO_DEEP: stands deeper than 16 messages"]
    );
    // Sixteen deep is not too deep.
    let shallow = deep.replacen("message T {\n  M1 m = 1;", "message T {\n  M2 m = 1;", 1);
    assert!(RecordType::register(&compile(HEADER, &shallow, true), "a.v1.T").is_ok());

    let wide = |count: usize| {
        let mut wide = "\nmessage T {".to_owned();
        for at in 1..=count {
            write!(wide, "\n  string f{at} = {at} @(REFERENCE OFFICIAL CODE);").unwrap();
        }
        compile(HEADER, &format!("{wide}\n}}"), true)
    };
    assert_eq!(RecordType::register(&wide(4096), "a.v1.T").unwrap().leaves().len(), 4096);
    assert_eq!(
        said(&wide(4097)),
        ["a.proto:4099: a.v1.T.f4097: TOO_LARGE: the record has more than 4096 leaves"]
    );
    // 2^13 paths out of 13 messages: what is unfolded is bounded too.
    let mut bushy = "\nmessage T { N1 a = 1; N1 b = 2; }".to_owned();
    for at in 1..13 {
        write!(bushy, "\nmessage N{at} {{ N{0} a = 1; N{0} b = 2; }}", at + 1).unwrap();
    }
    bushy.push_str("\nmessage N13 { string x = 1 @(REFERENCE OFFICIAL CODE); }");
    let said_of_bushy = said(&compile(HEADER, &bushy, true));
    assert_eq!(said_of_bushy.len(), 1, "{said_of_bushy:?}");
    assert!(said_of_bushy[0].ends_with("TOO_LARGE: the record has more than 4096 message paths"));
    let huge = Bytes::from(vec![0; MAX_SET_BYTES + 1]);
    assert_eq!(said(&huge), ["a.v1.T: TOO_LARGE: the descriptor set is larger than 4194304 bytes"]);
    // Errors are told up to a bound.
    let mut bad = "\nmessage T {".to_owned();
    for at in 1..=2000 {
        write!(bad, "\n  string f{at} = {at};").unwrap();
    }
    assert_eq!(said(&compile(HEADER, &format!("{bad}\n}}"), true)).len(), 1000);
}

/// Labels of another version, with numbers that are not known, or of somebody else.
fn labels_of_others() {
    let custom = |label: &str, body: &str| {
        let mut resolver = ChainFileResolver::new();
        resolver.add(Two(label.to_owned(), format!("{HEADER} {}", labelled(body))));
        resolver.add(GoogleFileResolver::new());
        let mut compiler = protox::Compiler::with_file_resolver(resolver);
        compiler.include_imports(true).include_source_info(true);
        compiler.open_file("a.proto").unwrap();
        Bytes::from(compiler.encode_file_descriptor_set())
    };
    let label = include_str!("../../../../../proto/portcullis/label/v1/label.proto");
    assert!(RecordType::register(&custom(label, GOOD), "a.v1.T").is_ok());
    let none = "the descriptor set does not bring portcullis/label/v1/label.proto";
    let other = "its portcullis/label/v1/label.proto is not the contract's";
    let header = r#"syntax = "proto3"; package a.v1;"#;
    let bare = compile(header, "\nmessage T { string x = 1; }", true);
    assert_eq!(said(&bare), [format!("a.v1.T: NO_LABEL_OPTION: {none}")]);
    for (from, to) in [
        // Whoever swaps words would have SECRET read as PUBLIC.
        ("SENSITIVITY_SECRET = 4", "SENSITIVITY_PUBLIC_ = 4"),
        ("= 51701", "= 51702"),
        ("Category category = 1;", "Sensitivity category = 1;"),
        ("CATEGORY_REFERENCE = 8", "CATEGORY_REFERENCE = 9"),
    ] {
        assert!(label.contains(from), "{from}");
        let mut changed = label.replace(from, to);
        if from.contains("REFERENCE") {
            // A new word is no harm, an old one under another number is.
            changed =
                changed.replace("CATEGORY_REFERENCE = 9", "CATEGORY_X = 8; CATEGORY_REFERENCE = 9");
        }
        let body = GOOD.replace("REFERENCE", "PERSONAL");
        if from.starts_with("Category") {
            let body = "\nmessage T { string x = 1; }";
            assert_eq!(
                said(&custom(&changed, body)),
                [format!("a.v1.T: NO_LABEL_OPTION: {other}")]
            );
            continue;
        }
        assert_eq!(said(&custom(&changed, &body)), [format!("a.v1.T: NO_LABEL_OPTION: {other}")]);
    }
    // A later label.proto may know more; what it says by that is not understood here, so it is refused.
    let later = label
        .replace("SEMANTIC_FLAG = 20;", "SEMANTIC_FLAG = 20; SEMANTIC_SHOE_SIZE = 21;")
        .replace("Semantic semantic = 3;", "Semantic semantic = 3; bool never_export = 4;");
    assert!(RecordType::register(&custom(&later, GOOD), "a.v1.T").is_ok());
    let body = GOOD.replace("IDENTIFIER", "SHOE_SIZE");
    let unknown = "a.proto:3: a.v1.T.id: UNKNOWN_LABEL";
    assert_eq!(said(&custom(&later, &body)), [format!("{unknown}: semantic 21 is not known here")]);
    let body = "\nmessage T {\n  string id = 1 [(portcullis.label.v1.label) = {category: CATEGORY_PERSONAL sensitivity: SENSITIVITY_PUBLIC semantic: SEMANTIC_CODE never_export: true}];\n}";
    let text = "the label says something that is not known here";
    assert_eq!(said(&custom(&later, body)), [format!("{unknown}: {text}")]);
    let second =
        label.replace("Label label = 51701;", "Label label = 51701; Label label2 = 51702;");
    let body = "\nmessage T {\n  string id = 1 [(portcullis.label.v1.label2) = {category: CATEGORY_PERSONAL}];\n}";
    let text = "`portcullis.label.v1.label2` is not known here";
    assert_eq!(said(&custom(&second, body)), [format!("{unknown}: {text}")]);
}

struct Two(String, String);

impl protox::file::FileResolver for Two {
    fn open_file(&self, name: &str) -> Result<File, protox::Error> {
        match name {
            "portcullis/label/v1/label.proto" => File::from_source(name, &self.0),
            "a.proto" => File::from_source(name, &self.1),
            _ => Err(protox::Error::file_not_found(name)),
        }
    }
}

#[test]
fn every_record_type_of_the_contract_registers() {
    let set = Bytes::from_static(portcullis_proto::DESCRIPTOR_SET);
    for (name, at_least) in [
        ("Declaration", 60),
        ("ExportLicence", 40),
        ("DenialNotification", 35),
        ("Party", 20),
        ("Inspection", 15),
    ] {
        let full = format!("portcullis.record.v1.{name}");
        let record =
            RecordType::register(&set, &full).unwrap_or_else(|errors| panic!("{name}: {errors:?}"));
        assert!(record.leaves().len() >= at_least, "{name}: {}", record.leaves().len());
    }
    // All that nobody contains, and nothing else.
    let found = candidates(&set, &[]).unwrap().record_types;
    assert_eq!(found.len(), 29, "{found:?}");
    for name in &found {
        let record =
            RecordType::register(&set, name).unwrap_or_else(|errors| panic!("{name}: {errors:?}"));
        assert!(record.leaves().len() >= 15, "{name}: {}", record.leaves().len());
    }
}

#[test]
fn record_types_are_those_that_nobody_contains() {
    let leaf = "string x = 1 @(REFERENCE OFFICIAL CODE)";
    let body = format!(
        "\nmessage T {{ P p = 1; }} message P {{ {leaf}; }} message Circle1 {{ {leaf}; Circle2 c = 2; }} \
         message Circle2 {{ Circle1 c = 1; }} message Self {{ {leaf}; Self s = 2; }} \
         message Plain {{ string x = 1; }}"
    );
    let found = candidates(&compile(HEADER, &body, false), &[]).unwrap();
    assert_eq!(found.record_types, ["a.v1.Circle1", "a.v1.Self", "a.v1.T"]);
    assert_eq!(found.unlabelled, ["a.v1.Plain"]);
}

#[test]
fn the_hash_is_that_of_the_schema() {
    let hash =
        |body: &str| RecordType::register(&compile(HEADER, body, true), "a.v1.T").unwrap().hash();
    let body = "\nmessage T { E e = 1 @(REFERENCE OFFICIAL CODE); optional string s = 2 @(REFERENCE OFFICIAL CODE); }\nenum E { NONE = 0; RED = 1; }";
    let first = hash(body);
    assert_eq!(first, hash(&body.replace('\n', "\n\n")), "lines do not count");
    for (from, to) in [
        ("RED = 1", "RED = 2"),
        ("RED = 1", "BLUE = 1"),
        ("RED = 1;", "RED = 1; BLUE = 2;"),
        ("string s = 2", "string t = 2"),
        ("string s = 2", "string s = 3"),
        ("optional string", "repeated string"),
        ("OFFICIAL", "SECRET"),
        ("optional string", "string"),
        (
            "s = 2 @(REFERENCE OFFICIAL CODE)",
            "s = 2 [json_name = \"z\", (portcullis.label.v1.label) = {category: CATEGORY_REFERENCE sensitivity: SENSITIVITY_OFFICIAL semantic: SEMANTIC_CODE}]",
        ),
    ] {
        assert_ne!(first, hash(&body.replace(from, to)), "{from} -> {to}");
    }
}
