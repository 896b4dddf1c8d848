//! End-to-end tests, a module per behaviour.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests are tests: what is wrong here must stop them"
)]

mod agreements;
mod attacker;
mod bad_input;
mod budgets;
mod canary;
mod casework;
mod clients;
mod commands;
mod crash;
mod drill_join;
mod drill_people;
mod drills;
mod gauntlet;
mod identity;
mod kcs;
mod levels;
mod officers;
mod payments;
mod pseudonyms;
mod query;
mod readme;
mod recipients;
mod record_types;
mod releases;
mod reloads;
mod solve;
mod sources;
mod sweep;
mod telemetry;
mod threats;
mod twins;
