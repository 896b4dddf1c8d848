//! The refusal ladder and what else identity promises, over real connections on loopback.

mod connecting;
mod files;
mod ladder;
mod names;
mod open;
mod stall;
mod support;
mod tls;
mod wrapping;
