//! Synthetic trade with smuggling schemes hidden in it.

pub mod agency;
pub mod calendar;
pub mod describe;
pub mod detect;
pub mod dirt;
pub mod draw;
pub mod drill;
pub mod generate;
pub mod ident;
pub mod lanes;
pub mod list;
pub mod load;
pub mod permute;
pub mod rng;
pub mod scheme;
pub mod shipment;
pub mod table;
pub mod verify;
pub mod world;
pub mod write;
