//! One file per gRPC service: decode, call the broker, encode. Generated types stop here.

pub mod filter;
