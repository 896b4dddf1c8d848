//! Sample data for the gateway's playground, cut from the demo pack's world: four agencies of Norvia, Solmark and
//! Velland, each in columns of its own making, so that mappings have something to do. Rows, firms, goods, dates and
//! numbers are the world's. What no generator knows is dressed on: officers' remarks, markings, compartments.

mod customs;
mod dress;
mod licences;
mod lines;
mod parties;
mod pick;
mod rows;

use crate::generate::{Part, Truth, pieces};
use crate::lanes::TooFew;
use crate::rng::Seed;
use crate::scheme::{Cases, Request};
use crate::shipment::Engine;
use crate::shipment::registers::Registers;
use crate::world::pack::Pack;
use crate::world::{BuildError, World};

use rows::Rows;

/// Seed of the samples' world.
const SEED: Seed = Seed(1);
/// Its consignments: enough that its largest ways carry what the samples show.
const CONSIGNMENTS: u64 = 60_000;

/// Why there are no samples.
#[derive(Debug, thiserror::Error)]
pub enum SamplesError {
    /// The world cannot be made.
    #[error(transparent)]
    World(#[from] BuildError),
    /// It has no room for its cases.
    #[error(transparent)]
    TooFew(#[from] TooFew),
    /// A line cannot be written.
    #[error("a line of the samples cannot be written: {0}")]
    Line(String),
    /// The pack's world lacks what samples show.
    #[error("this pack's world has too few {0} for samples: they are cut from the demo pack")]
    Few(&'static str),
}

/// A file of the samples.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// Its place below the samples' folder.
    pub path: &'static str,
    /// What it holds.
    pub text: String,
}

/// All of them, the same each time.
///
/// # Errors
/// A pack that is not the demo pack, or not like it.
pub fn samples(pack: Pack) -> Result<Vec<Sample>, SamplesError> {
    let world = World::build(pack, SEED)?;
    let request = Request::by_rates(&world, CONSIGNMENTS);
    let cases = Cases::new(&world, CONSIGNMENTS, request)?;
    let engine = Engine::new(&world, CONSIGNMENTS, cases)?;
    let registers = Registers::new(&engine);
    let mut rows = Rows::default();
    for piece in pieces(&engine, Part::WHOLE) {
        piece.make(&engine, &registers, &mut rows, &mut Truth::default());
    }
    let picked = pick::pick(&rows)?;
    Ok(vec![
        Sample { path: "nv-customs/declarations.csv", text: customs::exports(&world, &picked)? },
        Sample { path: "nv-customs/inspections.csv", text: customs::inspections(&picked)? },
        Sample { path: "nv-licensing/licences.csv", text: licences::licences(&world, &picked)? },
        Sample { path: "sm-customs/declarations.csv", text: customs::imports(&world, &picked)? },
        Sample { path: "vl-fiu/parties.csv", text: parties::parties(&world, &rows, &picked)? },
    ])
}
