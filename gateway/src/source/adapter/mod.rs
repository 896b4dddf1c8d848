//! The source adapter: CSV files, and tables and views of SQLite and PostgreSQL, as record types behind
//! `portcullis.source.v1.SourceService`. A mapping says which column goes to which field and how; everything
//! is checked before anything is served; searches walk the records in the order of keyed opaque ids, filters
//! are evaluated here. See README.md.
//!
//! [`CsvSource`] is the service, independent of what carries it; [`serve`] runs it over any stream of
//! connections; [`start`] does so behind the gateway's own TLS acceptor.

mod batch;
mod binding;
mod calendar;
mod compile;
mod config;
mod conversion;
mod convert;
mod country;
mod decimal;
mod declared;
mod encode;
mod handling;
mod load;
mod mapping;
mod pass;
mod problem;
mod refusal;
mod rows;
mod search;
mod select;
mod serve;
mod service;
mod spool;
mod table;
mod target;
mod walk;

#[cfg(test)]
mod tests;

pub use compile::Mapping;
pub use config::{GatewayConfig, Limits, MappingEntry, MappingRef, Settings, SourceConfig};
pub use load::{Held, Holder, IdKey, Loaded};
pub use problem::{Cause, Lines, Problem, Problems};
pub use refusal::SourceRefusal;
pub use search::Counters;
pub use serve::{Listening, StartError, serve, start};
pub use service::CsvSource;
pub use table::{Table, TableError};
