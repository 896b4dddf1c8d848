//! The source adapter: CSV files as record types behind `portcullis.source.v1.SourceService`. A mapping says
//! which column goes to which field and how; everything is checked before anything is served; searches walk
//! the records in the order of keyed opaque ids, filters are evaluated here. See README.md.
//!
//! [`CsvSource`] is the service, independent of what carries it; [`serve`] runs it over any stream of
//! connections; [`start`] does so behind the gateway's own TLS acceptor.

mod binding;
mod calendar;
mod compile;
mod config;
mod conversion;
mod convert;
mod country;
mod decimal;
mod encode;
mod handling;
mod load;
mod mapping;
mod problem;
mod refusal;
mod rows;
mod search;
mod select;
mod serve;
mod service;
mod spool;
mod target;

#[cfg(test)]
mod tests;

pub use compile::Mapping;
pub use config::{GatewayConfig, Limits, MappingEntry, MappingRef, Settings, SourceConfig};
pub use load::{Held, Holder, IdKey};
pub use problem::{Cause, Problem, Problems};
pub use refusal::SourceRefusal;
pub use search::Counters;
pub use serve::{Listening, StartError, serve, start};
pub use service::CsvSource;
