//! Synthetic trade with smuggling schemes hidden in it. So far: the random streams that everything generated
//! will follow from, and the catalogue of schemes. World, writers and drills are not built yet.

pub mod rng;
pub mod scheme;
