//! `Debug` for messages that carry record values, or what an officer typed: the name of the message, never a
//! value.

macro_rules! opaque {
    ($($area:ident :: $($name:ident)::+),* $(,)?) => {$(
        impl std::fmt::Debug for crate::$area::v1::$($name)::+ {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(concat!(stringify!($($name)::+), " { .. }"))
            }
        }
    )*};
}

opaque!(
    audit::Entry,
    query::Query,
    query::QueryRequest,
    query::Value,
    query::value::Kind,
    query::Prefix,
    query::ReleasedRecord,
    query::Release,
    query::ReleaseDecision,
    query::release_decision::Step,
    query::ReleaseGrant,
    query::ReleaseRefusal,
    query::ReleaseStep,
    source::SourceRecord,
    record::Money,
    record::GeoPoint,
    record::Date,
    record::Address,
    record::PersonalName,
    record::OrganisationName,
    record::DocumentRef,
    record::TradeParty,
    record::Party,
    record::DeclarationItem,
    record::Declaration,
    record::DeniedItem,
    record::DenialNotification,
    record::LicenceItem,
    record::ExportLicence,
    record::Inspection,
);
