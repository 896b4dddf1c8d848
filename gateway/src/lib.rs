//! The gateway: brokers need-to-know queries between agencies, redacts field by field, and proves what
//! was disclosed. Arrows point down: `command -> server -> service -> broker -> core and {source, store,
//! audit} -> {identity, clock}`.

pub mod admin;
pub mod agreements;
pub mod audit;
pub mod broker;
pub mod cases;
pub mod client;
pub mod clock;
pub mod command;
pub mod config;
pub mod identity;
pub mod keeper;
pub mod officers;
pub mod pseudonyms;
pub mod record_types;
pub mod releases;
pub mod server;
pub mod service;
pub mod source;
pub mod status;
pub mod store;
pub mod telemetry;
