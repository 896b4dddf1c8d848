//! Every column that fills a field of a record names one that is there and takes what the column holds.

use portcullis_sim::table::{Kind, Table};
use prost_reflect::{DescriptorPool, FieldDescriptor, Kind as Wire, MessageDescriptor};

fn field(message: &MessageDescriptor, path: &str) -> Option<FieldDescriptor> {
    let (first, rest) =
        path.split_once('.').map_or((path, None), |(first, rest)| (first, Some(rest)));
    let field = message.get_field_by_name(first)?;
    match (rest, field.kind()) {
        (None, _) => Some(field),
        (Some(rest), Wire::Message(inner)) => self::field(&inner, rest),
        (Some(_), _) => None,
    }
}

fn fits(kind: Kind, field: &FieldDescriptor) -> bool {
    let message = match field.kind() {
        Wire::Message(message) => message.full_name().to_owned(),
        _ => String::new(),
    };
    let number = matches!(
        field.kind(),
        Wire::Int32
            | Wire::Int64
            | Wire::Uint32
            | Wire::Uint64
            | Wire::Sint64
            | Wire::Sint32
            | Wire::Double
    );
    match kind {
        Kind::Word => matches!(field.kind(), Wire::String | Wire::Enum(_) | Wire::Uint32),
        Kind::Text => field.kind() == Wire::String,
        Kind::Integer => number,
        Kind::Micro => field.kind() == Wire::Double,
        Kind::Money => message == "portcullis.record.v1.Money",
        Kind::Moment => message == "google.protobuf.Timestamp",
        Kind::Day => message == "portcullis.record.v1.Date",
        Kind::Flag => field.kind() == Wire::Bool,
    }
}

#[test]
fn every_path_is_a_field_that_takes_its_column() {
    let pool = DescriptorPool::decode(portcullis_proto::DESCRIPTOR_SET).unwrap();
    let mut wrong = vec![];
    for table in Table::ALL {
        let Some(message) = pool.get_message_by_name(table.record_type()) else {
            wrong.push(format!("{}: no such record type", table.record_type()));
            continue;
        };
        for column in table.columns().iter().filter(|column| !column.path.is_empty()) {
            match field(&message, column.path) {
                None => wrong.push(format!(
                    "{}.{}: no such field ({})",
                    table.name(),
                    column.path,
                    message.full_name()
                )),
                Some(field) if !fits(column.kind, &field) => {
                    wrong.push(format!(
                        "{}.{}: {:?} does not take {:?}",
                        table.name(),
                        column.path,
                        field.kind(),
                        column.kind
                    ));
                }
                Some(_) => {}
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
