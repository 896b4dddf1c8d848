//! The pure heart of Portcullis: what a field is (`label`), who may know it (`policy`), what is left of
//! it (`redact`), what may be asked (`filter`), and what agencies do with agreements (`act`). No runtime,
//! network, store or clock: time, keys and attributes come in as arguments, so that every rule here can be
//! tested, fuzzed and replayed.

pub mod act;
pub mod filter;
pub mod handling;
pub mod id;
pub mod label;
pub mod policy;
pub mod redact;
pub mod release;
