//! `Debug` of a message that carries record values, or what an officer typed, prints none of it.

use bytes::Bytes;
use portcullis_proto::{query, record, source};
use prost::{Message, Name};
use prost_reflect::{DynamicMessage, Kind, MessageDescriptor, Value};

use crate::{messages, pool};

const CANARY: &str = "canary7391";
const NUMBER: i64 = 7_391_046;

/// Every field filled: texts and bytes with the canary, numbers with one that stands out.
fn filled(descriptor: &MessageDescriptor, depth: usize) -> DynamicMessage {
    let mut message = DynamicMessage::new(descriptor.clone());
    for field in descriptor.fields() {
        let value = match field.kind() {
            Kind::String => Value::String(CANARY.into()),
            Kind::Bytes => Value::Bytes(Bytes::from_static(CANARY.as_bytes())),
            Kind::Bool => Value::Bool(true),
            Kind::Double => Value::F64(NUMBER as f64),
            Kind::Int32 | Kind::Sint32 => Value::I32(NUMBER as i32),
            Kind::Int64 | Kind::Sint64 => Value::I64(NUMBER),
            Kind::Uint32 => Value::U32(NUMBER as u32),
            Kind::Uint64 => Value::U64(NUMBER as u64),
            Kind::Enum(_) => Value::EnumNumber(1),
            Kind::Message(_) if depth == 0 => continue,
            Kind::Message(below) => Value::Message(filled(&below, depth - 1)),
            other => panic!("{}: {other:?} is new here", field.full_name()),
        };
        let value = if field.is_list() { Value::List(vec![value]) } else { value };
        message.set_field(&field, value);
    }
    message
}

fn canary<M: Message + Name + Default>() -> M {
    let descriptor = pool().get_message_by_name(&M::full_name()).expect("in the contract");
    filled(&descriptor, 4).transcode_to().expect("same schema")
}

#[track_caller]
fn silent(printed: &str) {
    let bytes = format!("{:?}", CANARY.as_bytes());
    for secret in [CANARY, &NUMBER.to_string(), bytes.trim_matches(['[', ']'])] {
        assert!(!printed.contains(secret), "{printed}");
    }
}

macro_rules! values {
    ($($area:ident::$name:ident),* $(,)?) => {
        /// Messages checked, by full name.
        fn check_all() -> Vec<String> {
            vec![$({
                let message = canary::<portcullis_proto::$area::v1::$name>();
                silent(&format!("{message:?}"));
                silent(&format!("{message:#?}"));
                portcullis_proto::$area::v1::$name::full_name()
            }),*]
        }
    };
}

values!(
    audit::Entry,
    drill::Cell,
    drill::DecideRequest,
    drill::HandOverRequest,
    drill::Happened,
    drill::Matter,
    drill::SendRequest,
    query::Prefix,
    query::Query,
    query::QueryRequest,
    query::ReleasedRecord,
    query::Value,
    record::Address,
    record::BillOfLading,
    record::BillSwitch,
    record::BrokeredLeg,
    record::BrokeringTransaction,
    record::CatchAllNotice,
    record::ClassificationRuling,
    record::CompanyRegistryEntry,
    record::Consignment,
    record::Date,
    record::Declaration,
    record::DeclarationItem,
    record::DenialNotification,
    record::DeniedItem,
    record::DocumentRef,
    record::EndUseCheck,
    record::EndUserCertificate,
    record::ExportLicence,
    record::FlagPeriod,
    record::FreeZoneStock,
    record::GateMove,
    record::GeoPoint,
    record::GoodsItem,
    record::Inspection,
    record::Invoice,
    record::ItemParameter,
    record::LicenceDetermination,
    record::LicenceDrawdown,
    record::LicenceItem,
    record::Money,
    record::OrganisationName,
    record::Ownership,
    record::Party,
    record::Payment,
    record::PersonalName,
    record::SealEvent,
    record::Seizure,
    record::StockMovement,
    record::TechnologyTransfer,
    record::Tip,
    record::TrackCall,
    record::TrackMeeting,
    record::TrackPoint,
    record::TradeParty,
    record::TransitDeclaration,
    record::TransitGuarantee,
    record::TransportEquipment,
    record::TravelEvent,
    record::VesselRegistryEntry,
    record::VesselTrack,
    record::WatchlistHit,
    record::Weighing,
    source::SourceRecord,
);

#[test]
fn no_value_of_a_record_is_printed() {
    let checked = check_all();
    for message in messages(&pool()) {
        if message.package_name() == "portcullis.record.v1" {
            let name = message.full_name().to_owned();
            assert!(checked.contains(&name), "{name}: add it to this test and to src/debug.rs");
        }
    }
}

#[test]
fn what_holds_them_prints_none_either() {
    use query::v1::{Filter, FilterList, Membership, QueryResponse, RecordBatch};
    let value = || canary::<query::v1::Value>();
    let kind = value().kind.expect("filled");
    silent(&format!("{kind:?}"));
    let membership = Membership { path: "id".into(), values: vec![value(), value()] };
    let node = query::v1::filter::Node::Membership(membership);
    let comparison = query::v1::Comparison { path: "id".into(), operator: 1, value: Some(value()) };
    silent(&format!("{comparison:?}"));
    let list = FilterList { filters: vec![Filter { node: Some(node) }] };
    silent(&format!("{list:?}"));
    let batch = RecordBatch { records: vec![canary()], ..RecordBatch::default() };
    let message = query::v1::query_response::Message::Batch(batch);
    silent(&format!("{:?}", QueryResponse { message: Some(message) }));
    silent(&format!(
        "{:?}",
        source::v1::SourceBatch { records: vec![canary()], ..Default::default() }
    ));
    silent(&format!(
        "{:?}",
        query::v1::ExplainRequest { query: Some(canary()), as_officer: false }
    ));
    silent(&format!("{:?}", Some(canary::<record::v1::Declaration>())));
}

#[test]
fn the_canary_is_there_to_be_found() {
    let record = canary::<record::v1::Declaration>();
    assert_eq!(record.id, CANARY);
    assert_eq!(record.items[0].net_mass_grams, NUMBER);
    assert_eq!(record.importer.unwrap().name.unwrap().original, CANARY);
    let held = canary::<source::v1::HeldType>();
    let printed = std::panic::catch_unwind(|| silent(&format!("{held:?}")));
    assert!(printed.is_err(), "a message with a derived Debug must be caught");
}
