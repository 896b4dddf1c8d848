//! The contract as Rust: generated messages and services, the descriptor set with labels intact, and the
//! strict codec that every service of this workspace uses. Nothing clever.

#![allow(
    missing_docs,
    reason = "generated from the .proto files, whose comments are the documentation"
)]

pub mod codec;
mod debug;
pub mod digest;

/// The compiled contract as a `google.protobuf.FileDescriptorSet`, custom options and comments included.
pub const DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/portcullis.binpb"));

macro_rules! area {
    ($($area:ident = $package:literal),* $(,)?) => {$(
        #[allow(clippy::all, clippy::pedantic)]
        pub mod $area {
            pub mod v1 {
                tonic::include_proto!($package);
            }
        }
    )*};
}
area!(
    agreement = "portcullis.agreement.v1",
    audit = "portcullis.audit.v1",
    case = "portcullis.case.v1",
    directory = "portcullis.directory.v1",
    drill = "portcullis.drill.v1",
    handling = "portcullis.handling.v1",
    label = "portcullis.label.v1",
    query = "portcullis.query.v1",
    record = "portcullis.record.v1",
    source = "portcullis.source.v1",
);

/// The record types of the contract, by their names in `portcullis.record.v1`.
pub const RECORD_TYPES: &[&str] = &[
    "BillOfLading",
    "BrokeringTransaction",
    "CatchAllNotice",
    "ClassificationRuling",
    "CompanyRegistryEntry",
    "Consignment",
    "Declaration",
    "DenialNotification",
    "EndUseCheck",
    "EndUserCertificate",
    "ExportLicence",
    "FreeZoneStock",
    "GateMove",
    "Inspection",
    "Invoice",
    "LicenceDetermination",
    "Ownership",
    "Party",
    "Payment",
    "SealEvent",
    "Seizure",
    "TechnologyTransfer",
    "Tip",
    "TransitDeclaration",
    "TravelEvent",
    "VesselRegistryEntry",
    "VesselTrack",
    "WatchlistHit",
    "Weighing",
];
