//! Which world is wanted: what `generate` and `exchange` are asked alike.

use std::path::PathBuf;

use portcullis_sim::dirt::Dirt;
use portcullis_sim::rng::Seed;
use portcullis_sim::scheme::{Cases, Kind, Request};
use portcullis_sim::shipment::Engine;
use portcullis_sim::world::World;
use portcullis_sim::world::pack::Pack;

/// A world and what is to happen in it.
#[derive(clap::Args)]
pub struct Wanted {
    /// Folder of the pack, its pack.toml, or one that is built in: demo, default.
    #[arg(long)]
    pack: PathBuf,
    /// What everything drawn follows from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many consignments.
    #[arg(long, default_value_t = 20_000)]
    consignments: u64,
    /// True cases by scheme, such as `T01=3,T17=2`, and decoys such as `growing_exporter=5`; by the pack's rates where
    /// nothing is said.
    #[arg(long, value_delimiter = ',', value_parser = cases)]
    cases: Vec<(Kind, u64)>,
    /// Rows as clerks enter them: names spelt otherwise, cells left empty, digits swapped, late entries, at the pack's
    /// rates. What was changed is in the truth.
    #[arg(long)]
    dirt: bool,
}

impl Wanted {
    /// The world.
    pub fn world(&self) -> anyhow::Result<World> {
        Ok(World::build(Pack::read(&self.pack)?, Seed(self.seed))?)
    }

    /// What happens in it.
    pub fn engine<'w>(&self, world: &'w World) -> anyhow::Result<Engine<'w>> {
        let request = match self.cases.as_slice() {
            [] => Request::by_rates(world, self.consignments),
            cases => Request::of(world, self.consignments, cases),
        };
        let cases = Cases::new(world, self.consignments, request)?;
        let mut engine = Engine::new(world, self.consignments, cases)?;
        engine.dirt = self.dirt.then(|| Dirt::new(world));
        Ok(engine)
    }
}

fn cases(text: &str) -> Result<(Kind, u64), String> {
    let (id, count) = text.split_once('=').ok_or("cases are wanted as `T01=3`")?;
    let kind = Kind::parse(id).ok_or_else(|| format!("no scheme `{id}` is built"))?;
    Ok((kind, count.parse().map_err(|_| format!("`{count}` is no count"))?))
}
