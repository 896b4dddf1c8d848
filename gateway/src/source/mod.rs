//! Sources: the gateway's client to agency systems, and the adapter that serves an agency's files.

pub mod adapter;
