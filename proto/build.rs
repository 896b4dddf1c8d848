//! Compiles the contract with protox (no protoc needed) and keeps custom options: `protox::compile`
//! would drop the labels, so the descriptor set is encoded by the compiler itself.

use std::path::PathBuf;

use prost::Message as _;

const FILES: &[&str] = &[
    "portcullis/label/v1/label.proto",
    "portcullis/handling/v1/handling.proto",
    "portcullis/audit/v1/audit.proto",
    "portcullis/query/v1/query.proto",
    "portcullis/source/v1/source.proto",
    "portcullis/directory/v1/directory.proto",
    "portcullis/agreement/v1/agreement.proto",
    "portcullis/case/v1/case.proto",
    "portcullis/drill/v1/drill.proto",
    "portcullis/record/v1/value.proto",
    "portcullis/record/v1/common.proto",
    "portcullis/record/v1/party.proto",
    "portcullis/record/v1/declaration.proto",
    "portcullis/record/v1/licence.proto",
    "portcullis/record/v1/denial.proto",
    "portcullis/record/v1/inspection.proto",
    "portcullis/record/v1/goods.proto",
    "portcullis/record/v1/certificate.proto",
    "portcullis/record/v1/end_use_check.proto",
    "portcullis/record/v1/determination.proto",
    "portcullis/record/v1/ruling.proto",
    "portcullis/record/v1/technology.proto",
    "portcullis/record/v1/brokering.proto",
    "portcullis/record/v1/notice.proto",
    "portcullis/record/v1/transit.proto",
    "portcullis/record/v1/consignment.proto",
    "portcullis/record/v1/bill.proto",
    "portcullis/record/v1/invoice.proto",
    "portcullis/record/v1/free_zone.proto",
    "portcullis/record/v1/gate_move.proto",
    "portcullis/record/v1/weighing.proto",
    "portcullis/record/v1/seal.proto",
    "portcullis/record/v1/vessel_track.proto",
    "portcullis/record/v1/vessel_registry.proto",
    "portcullis/record/v1/travel.proto",
    "portcullis/record/v1/ownership.proto",
    "portcullis/record/v1/company.proto",
    "portcullis/record/v1/payment.proto",
    "portcullis/record/v1/tip.proto",
    "portcullis/record/v1/watchlist.proto",
    "portcullis/record/v1/seizure.proto",
];

/// Messages that carry record values, or what an officer typed: their `Debug` is written by hand in
/// `src/debug.rs` and prints none.
const SECRET: &[&str] = &[
    ".portcullis.audit.v1.Entry",
    ".portcullis.drill.v1.Cell",
    ".portcullis.drill.v1.DecideRequest",
    ".portcullis.drill.v1.HandOverRequest",
    ".portcullis.drill.v1.Happened",
    ".portcullis.drill.v1.Matter",
    ".portcullis.drill.v1.SendRequest",
    ".portcullis.query.v1.Query",
    ".portcullis.query.v1.QueryRequest",
    ".portcullis.record.v1",
    ".portcullis.query.v1.Value",
    ".portcullis.query.v1.Prefix",
    ".portcullis.query.v1.ReleasedRecord",
    ".portcullis.query.v1.Release",
    ".portcullis.query.v1.ReleaseDecision",
    ".portcullis.query.v1.ReleaseGrant",
    ".portcullis.query.v1.ReleaseRefusal",
    ".portcullis.query.v1.ReleaseStep",
    ".portcullis.source.v1.SourceRecord",
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed=portcullis");
    let mut compiler = protox::Compiler::new(["."])?;
    compiler.include_imports(true).include_source_info(true);
    compiler.open_files(FILES)?;
    let set = compiler.encode_file_descriptor_set();
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    std::fs::write(out.join("portcullis.binpb"), &set)?;

    let mut config = prost_build::Config::new();
    config.bytes(["."]).enable_type_names().skip_debug(SECRET);
    let parsed = prost_types::FileDescriptorSet::decode(set.as_slice())?;
    tonic_prost_build::configure()
        .codec_path("crate::codec::Strict")
        .emit_rerun_if_changed(false)
        .compile_fds_with_config(parsed, config)?;
    Ok(())
}
