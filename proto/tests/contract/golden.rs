//! `golden/contract.json` is the contract as a listing that people can read in a review. A difference fails:
//! an addition is accepted with `UPDATE_GOLDEN=1`; what breaks the wire, or a client that reads names, never is.
//!
//! A field, an enum value or their number may go if the message or enum reserves the number and the name. A
//! message, enum, service or RPC that goes, and a type that changes, break peers outright: whoever really means
//! it edits the listing by hand, in a commit that says so.

use std::path::PathBuf;

use prost_reflect::{Cardinality, DescriptorPool, FieldDescriptor, Kind};
use serde_json::{Map, Value, json};

use crate::{labels::label_of, messages, pool};

/// A difference between two listings.
#[derive(Debug, Clone, PartialEq)]
enum Change {
    Addition(String),
    Break(String),
}

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("golden/contract.json")
}

/// `number:name:type:label`, the label of a leaf or `-`.
fn field_line(field: &FieldDescriptor) -> String {
    let kind = match field.kind() {
        Kind::Message(message) => message.full_name().to_owned(),
        Kind::Enum(kind) => kind.full_name().to_owned(),
        scalar => format!("{scalar:?}").to_lowercase(),
    };
    let shape = match (field.cardinality(), field.containing_oneof()) {
        (Cardinality::Repeated, _) => "repeated ".to_owned(),
        (_, Some(oneof)) => format!("oneof({}) ", oneof.name()),
        _ => String::new(),
    };
    let label = label_of(field).map_or("-".to_owned(), |label| label.join("/"));
    format!("{}:{}:{shape}{kind}:{label}", field.number(), field.name())
}

fn listing(pool: &DescriptorPool) -> Value {
    let mut all_messages = Map::new();
    for message in messages(pool) {
        let fields: Vec<String> = message.fields().map(|field| field_line(&field)).collect();
        let reserved = reserved(
            message
                .reserved_ranges()
                .map(|range| (i64::from(range.start), i64::from(range.end) - 1)),
            message.reserved_names(),
        );
        let entry = json!({"fields": fields, "reserved": reserved});
        all_messages.insert(message.full_name().to_owned(), entry);
    }
    let mut enums: Vec<_> =
        pool.all_enums().filter(|kind| kind.full_name().starts_with("portcullis.")).collect();
    enums.sort_by(|one, two| one.full_name().cmp(two.full_name()));
    let mut all_enums = Map::new();
    for kind in enums {
        let values: Vec<String> =
            kind.values().map(|value| format!("{}:{}", value.number(), value.name())).collect();
        let reserved = reserved(
            kind.reserved_ranges()
                .map(|range| (i64::from(*range.start()), i64::from(*range.end()))),
            kind.reserved_names(),
        );
        let entry = json!({"values": values, "reserved": reserved});
        all_enums.insert(kind.full_name().to_owned(), entry);
    }
    let mut services = Map::new();
    for service in pool.services() {
        let methods: Vec<String> = service
            .methods()
            .map(|method| {
                let stream = |yes: bool| if yes { "stream " } else { "" };
                format!(
                    "{}({}{}) returns ({}{})",
                    method.name(),
                    stream(method.is_client_streaming()),
                    method.input().full_name(),
                    stream(method.is_server_streaming()),
                    method.output().full_name()
                )
            })
            .collect();
        services.insert(service.full_name().to_owned(), json!(methods));
    }
    let extensions: Vec<String> = pool
        .all_extensions()
        .filter(|extension| extension.full_name().starts_with("portcullis."))
        .map(|extension| {
            let on = extension.containing_message().full_name().to_owned();
            format!("{}:{} extends {on}", extension.number(), extension.full_name())
        })
        .collect();
    json!({"messages": all_messages, "enums": all_enums, "services": services, "extensions": extensions})
}

/// Numbers and names that may not be used again.
fn reserved<'a>(
    ranges: impl Iterator<Item = (i64, i64)>,
    names: impl Iterator<Item = &'a str>,
) -> Vec<String> {
    let numbers = ranges.flat_map(|(first, last)| {
        assert!(last - first < 1000, "a reserved range of {first} to {last}");
        (first..=last).map(|number| number.to_string())
    });
    numbers.chain(names.map(str::to_owned)).collect()
}

fn texts(value: &Value) -> Vec<&str> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

/// What the new listing changes about the old.
fn changes(old: &Value, new: &Value) -> Vec<Change> {
    let mut found = Vec::new();
    for (section, lines) in [("messages", "fields"), ("enums", "values")] {
        let empty = Map::new();
        let (before, after) = (
            old[section].as_object().unwrap_or(&empty),
            new[section].as_object().unwrap_or(&empty),
        );
        for (name, was) in before {
            match after.get(name) {
                None => found.push(Change::Break(format!("{name} is gone"))),
                Some(is) => numbered(name, was, is, lines, &mut found),
            }
        }
        for name in after.keys().filter(|name| !before.contains_key(*name)) {
            found.push(Change::Addition(format!("{name} is new")));
        }
    }
    let rpcs = |value: &Value| -> Vec<String> {
        let services = value["services"].as_object().cloned().unwrap_or_default();
        services
            .iter()
            .flat_map(|(service, methods)| {
                texts(methods).into_iter().map(move |method| format!("{service}.{method}"))
            })
            .collect()
    };
    flat("RPC", &rpcs(old), &rpcs(new), &mut found);
    let owned = |value: &Value| texts(value).into_iter().map(str::to_owned).collect::<Vec<_>>();
    flat("extension", &owned(&old["extensions"]), &owned(&new["extensions"]), &mut found);
    found
}

/// Fields of a message or values of an enum, known by their numbers.
fn numbered(name: &str, was: &Value, is: &Value, lines: &str, found: &mut Vec<Change>) {
    let number = |line: &str| line.split(':').next().unwrap_or_default().to_owned();
    let word = |line: &str| line.split(':').nth(1).unwrap_or_default().to_owned();
    // All but the label: labels are policy's business, not the wire's.
    let wire = |line: &str| {
        if lines == "fields" {
            line.rsplit_once(':').map_or(line, |(wire, _)| wire).to_owned()
        } else {
            line.to_owned()
        }
    };
    let (before, after) = (texts(&was[lines]), texts(&is[lines]));
    let reserved = texts(&is["reserved"]);
    for line in &before {
        match after.iter().find(|other| number(other) == number(line)) {
            Some(other) if other == line => {}
            Some(other) if wire(other) == wire(line) => {
                found.push(Change::Addition(format!(
                    "{name}: the label of {line} is now that of {other}"
                )));
            }
            Some(other) => found.push(Change::Break(format!("{name}: {line} became {other}"))),
            None => {
                let kept_free = [number(line), word(line)];
                if kept_free.iter().all(|kept| reserved.contains(&kept.as_str())) {
                    found.push(Change::Addition(format!("{name}: {line} is gone and reserved")));
                } else {
                    found.push(Change::Break(format!(
                        "{name}: {line} is gone; say `reserved {};` and `reserved \"{}\";`",
                        kept_free[0], kept_free[1]
                    )));
                }
            }
        }
    }
    for line in after.iter().filter(|line| !before.iter().any(|old| number(old) == number(line))) {
        if texts(&was["reserved"]).contains(&number(line).as_str()) {
            found.push(Change::Break(format!("{name}: {line} uses a reserved number")));
        } else {
            found.push(Change::Addition(format!("{name}: {line} is new")));
        }
    }
    for kept in texts(&was["reserved"]).into_iter().filter(|kept| !reserved.contains(kept)) {
        found.push(Change::Break(format!("{name}: {kept} is no longer reserved")));
    }
    for kept in reserved.iter().filter(|kept| !texts(&was["reserved"]).contains(kept)) {
        found.push(Change::Addition(format!("{name}: {kept} is reserved")));
    }
}

fn flat(what: &str, old: &[String], new: &[String], found: &mut Vec<Change>) {
    for line in old.iter().filter(|line| !new.contains(line)) {
        found.push(Change::Break(format!("{what} {line} is gone or has changed")));
    }
    for line in new.iter().filter(|line| !old.contains(line)) {
        found.push(Change::Addition(format!("{what} {line} is new")));
    }
}

#[test]
fn the_wire_is_as_it_was() {
    let new = listing(&pool());
    let text = std::fs::read_to_string(path()).unwrap_or_else(|_| "{}".into());
    let old: Value = serde_json::from_str(&text).expect("golden/contract.json");
    let found = changes(&old, &new);
    let breaks: Vec<_> = found.iter().filter(|change| matches!(change, Change::Break(_))).collect();
    assert!(breaks.is_empty(), "wire break, not to be accepted: {breaks:#?}");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        let text = serde_json::to_string_pretty(&new).unwrap() + "\n";
        std::fs::write(path(), text).unwrap();
    } else {
        assert!(
            found.is_empty(),
            "the contract has grown; review, then run this test with UPDATE_GOLDEN=1: {found:#?}"
        );
    }
}

mod comparison {
    use super::*;

    fn listing_with(edit: impl Fn(&mut Value)) -> (Value, Value) {
        let old = json!({
            "messages": {"a.M": {"fields": ["1:id:string:REFERENCE", "2:n:int64:-"], "reserved": ["9"]}},
            "enums": {"a.E": {"values": ["0:E_UNSPECIFIED", "1:E_ONE"], "reserved": []}},
            "services": {"a.S": ["Get(a.GetRequest) returns (a.GetResponse)"]},
            "extensions": ["51701:a.label extends google.protobuf.FieldOptions"],
        });
        let mut new = old.clone();
        edit(&mut new);
        (old, new)
    }

    #[track_caller]
    fn breaks(edit: impl Fn(&mut Value)) {
        let (old, new) = listing_with(edit);
        let found = changes(&old, &new);
        assert!(found.iter().any(|change| matches!(change, Change::Break(_))), "{found:?}");
    }

    #[track_caller]
    fn adds(edit: impl Fn(&mut Value)) {
        let (old, new) = listing_with(edit);
        let found = changes(&old, &new);
        assert!(!found.is_empty());
        assert!(found.iter().all(|change| matches!(change, Change::Addition(_))), "{found:?}");
    }

    #[test]
    fn nothing_changed_is_no_change() {
        let (old, new) = listing_with(|_| {});
        assert_eq!(changes(&old, &new), []);
    }

    #[test]
    fn removal_renumbering_and_change_of_type_break() {
        let fields =
            |lines: Value| move |new: &mut Value| new["messages"]["a.M"]["fields"] = lines.clone();
        breaks(fields(json!(["1:id:string:REFERENCE"])));
        breaks(fields(json!(["1:id:string:REFERENCE", "3:n:int64:-"])));
        breaks(fields(json!(["1:id:string:REFERENCE", "2:n:sint64:-"])));
        breaks(fields(json!(["1:id:string:REFERENCE", "2:n:repeated int64:-"])));
        breaks(fields(json!(["1:id:string:REFERENCE", "2:n:oneof(x) int64:-"])));
        breaks(fields(json!(["1:id:string:REFERENCE", "2:m:int64:-"])));
        breaks(fields(json!(["1:id:string:REFERENCE", "2:n:int64:-", "9:x:string:-"])));
        breaks(|new| new["messages"] = json!({}));
        breaks(|new| new["messages"]["a.M"]["reserved"] = json!([]));
        breaks(|new| new["enums"]["a.E"]["values"] = json!(["0:E_UNSPECIFIED"]));
        breaks(|new| new["enums"]["a.E"]["values"] = json!(["0:E_UNSPECIFIED", "2:E_ONE"]));
        breaks(|new| new["services"]["a.S"] = json!([]));
        breaks(|new| {
            new["services"]["a.S"] = json!(["Get(a.GetRequest) returns (stream a.GetResponse)"]);
        });
        breaks(|new| {
            new["extensions"] = json!(["51702:a.label extends google.protobuf.FieldOptions"])
        });
    }

    #[test]
    fn a_removal_counts_as_one_only_with_number_and_name_reserved() {
        let without_n = |reserved: Value| {
            move |new: &mut Value| {
                new["messages"]["a.M"] =
                    json!({"fields": ["1:id:string:REFERENCE"], "reserved": reserved});
            }
        };
        breaks(without_n(json!(["9", "2"])));
        breaks(without_n(json!(["9", "n"])));
        adds(without_n(json!(["9", "2", "n"])));
    }

    #[test]
    fn additions_and_labels_are_told_apart_from_breaks() {
        adds(|new| {
            new["messages"]["a.M"]["fields"] =
                json!(["1:id:string:REFERENCE", "2:n:int64:-", "3:x:string:-"]);
        });
        adds(|new| {
            new["messages"]["a.M"]["fields"] = json!(["1:id:string:PERSONAL", "2:n:int64:-"]);
        });
        adds(|new| new["messages"]["a.N"] = json!({"fields": [], "reserved": []}));
        adds(|new| {
            new["enums"]["a.E"]["values"] = json!(["0:E_UNSPECIFIED", "1:E_ONE", "2:E_TWO"]);
        });
        adds(|new| {
            new["services"]["a.S"] = json!([
                "Get(a.GetRequest) returns (a.GetResponse)",
                "Put(a.PutRequest) returns (a.PutResponse)"
            ]);
        });
    }
}
