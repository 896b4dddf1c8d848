//! What a drill plays with: the world of a scenario, its cases, and the matters that teams are given, with the truth about
//! each. A matter is a record of a team's own agency on which it has to decide while it is within reach. Who is dealt what
//! is in `deal.rs`, when it comes in `tell.rs`, and what smugglers hold back in `reserve.rs`.

mod deal;
mod reserve;
mod tell;

use std::collections::{BTreeSet, HashMap};

use serde::{Deserialize, Serialize};

use super::clock::Exercise;
use super::known::since;
use super::scenario::Scenario;
use super::story::Story;
use crate::detect::ground::Ground;
use crate::detect::records::{At, Records, place};
use crate::rng::Seed;
use crate::scheme::{Cases, Request};
use crate::shipment::Engine;
use crate::table::Table;
use crate::world::pack::Pack;
use crate::world::{Office, World};
use deal::Labels;
use reserve::Rows;

/// Why there is no plot.
#[derive(Debug, thiserror::Error)]
pub enum PlotError {
    /// The pack.
    #[error(transparent)]
    Pack(#[from] crate::world::pack::PackError),
    /// The world.
    #[error(transparent)]
    World(#[from] crate::world::BuildError),
    /// Its cases.
    #[error(transparent)]
    Cases(#[from] crate::lanes::TooFew),
    /// A team nobody knows.
    #[error(
        "no agency `{0}` holds records in this world, or it is of a kind that decides on nothing"
    )]
    Team(String),
    /// A case that the scenario leaves out and that is none.
    #[error("{scenario}/scenario.toml: `left_out` names `{case}`, which is no case of this world")]
    LeftOut {
        /// The scenario.
        scenario: String,
        /// The name.
        case: String,
    },
    /// Nothing to play.
    #[error(
        "no case of this world touches any of the teams: other seed, more consignments or other teams"
    )]
    NoCase,
}

/// A matter, by its number in the order of arrival.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MatterId(pub u32);

/// What a matter really is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Truth {
    /// Part of a case, by its place among the cases of the plot.
    Case(usize),
    /// Ordinary fraud: no case, and nothing wrong with stopping it.
    Fraud(String),
    /// Looks like a scheme and is lawful.
    Decoy(String),
    /// Lawful.
    Innocent,
}

/// A record on which a team has to decide.
#[derive(Debug, Clone)]
pub struct Matter {
    /// Its number.
    pub id: MatterId,
    /// Team, by its place in the scenario.
    pub team: usize,
    /// The record.
    pub at: At,
    /// Number of the record.
    pub record: String,
    /// When it comes to the team.
    pub arrives: Exercise,
    /// When it is out of reach.
    pub leaves: Exercise,
    /// Value of the goods, or what is paid, in US dollars.
    pub value: f64,
    /// What it really is.
    pub truth: Truth,
}

/// A record of a case and who holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    /// The record.
    pub at: At,
    /// Its number.
    pub record: String,
    /// Who holds it.
    pub agency: String,
    /// In which part, such as `XC`.
    pub holder: String,
    /// From when on it is known.
    pub known: Exercise,
}

/// A case that is played.
#[derive(Debug, Clone)]
pub struct PlotCase {
    /// Its name in the truth.
    pub id: String,
    /// Its scheme.
    pub scheme: String,
    /// How bad it is when it goes through.
    pub hazard: u32,
    /// Smallest sets of agencies that should suffice.
    pub needs: Vec<Vec<String>>,
    /// Its records, in the order in which they became known.
    pub traces: Vec<Trace>,
    /// Matters by which it can be stopped.
    pub matters: Vec<MatterId>,
    /// When the first of it was to be seen by anybody.
    pub first: Exercise,
    /// When it could first be solved by a set of agencies together.
    pub joint: Exercise,
    /// When it is out of everybody's reach.
    pub exit: Exercise,
    /// When the first of anything that anybody would hold of it becomes known, but for what was known before the exercise.
    pub begins: Exercise,
    /// Whether it happens only where smugglers fall back on it.
    pub reserve: bool,
    /// Everything that anybody would hold of it, traces and all other records.
    pub rows: Vec<At>,
}

impl PlotCase {
    /// Whether it can be solved while anybody can still stop it. Others are told in the report and count in no score.
    pub fn in_time(&self) -> bool {
        self.joint < self.exit
    }
}

/// What a drill plays with.
#[derive(Debug)]
pub struct Plot {
    /// The world.
    pub world: World,
    /// Its records and the truth about them.
    pub ground: Ground,
    /// Cases that are played.
    pub cases: Vec<PlotCase>,
    /// Cases of the world that touch no team or are left out.
    pub unplayed: usize,
    /// Matters in the order of their arrival.
    pub matters: Vec<Matter>,
    /// Which moment of the world an exercise time is.
    pub story: Story,
    /// SHA-256 of the pack.
    pub pack_hash: String,
    /// Seed.
    pub seed: u64,
}

/// Records on which agencies of a kind decide.
pub fn decides_on(office: Office) -> Option<Table> {
    match office {
        Office::Customs => Some(Table::Declaration),
        Office::Licensing => Some(Table::Licence),
        Office::Fiu => Some(Table::Payment),
        Office::Port | Office::CoastGuard | Office::Intelligence | Office::Police => None,
    }
}

impl Plot {
    /// The plot of a scenario, from another seed where one is wanted.
    ///
    /// # Errors
    /// As [`PlotError`].
    pub fn new(scenario: &Scenario, seed: Option<u64>) -> Result<Self, PlotError> {
        let seed = seed.unwrap_or(scenario.seed);
        let pack = Pack::read(&scenario.pack)?;
        let pack_hash = pack.hash.clone();
        let world = World::build(pack, Seed(seed))?;
        let (ground, labels, rows) = ground(&world, scenario)?;
        let mut plot = Self {
            world,
            ground,
            cases: vec![],
            unplayed: 0,
            matters: vec![],
            story: Story::default(),
            pack_hash,
            seed,
        };
        plot.deal(scenario, &labels)?;
        plot.hold_back(scenario, rows);
        Ok(plot)
    }

    /// The engine of a scenario's world, from which its files are made.
    ///
    /// # Errors
    /// When the world has no room for its cases.
    pub fn engine<'w>(world: &'w World, scenario: &Scenario) -> Result<Engine<'w>, PlotError> {
        let request = Request::of(world, scenario.consignments, &scenario.cases);
        let cases = Cases::new(world, scenario.consignments, request)?;
        Ok(Engine::new(world, scenario.consignments, cases)?)
    }

    /// A matter.
    pub fn matter(&self, id: MatterId) -> Option<&Matter> {
        self.matters.get(usize::try_from(id.0).ok()?)
    }

    /// Since when a record is known, in seconds since 1970; the beginning of time where it always was.
    pub fn known(&self, at: At) -> i64 {
        known(&self.ground.records, at)
    }

    /// The agency that holds a record, and its number.
    pub fn whose(&self, at: At) -> (String, String) {
        let records = &self.ground.records;
        (records.text_of(records.agency(at)).to_owned(), self.id_of(at))
    }

    fn id_of(&self, at: At) -> String {
        self.ground.records.text(at, place(at.table, "id")).to_owned()
    }
}

/// A world's records and truth, what its labels say of declarations, and all rows of its cases.
fn ground(world: &World, scenario: &Scenario) -> Result<(Ground, Labels, Rows), PlotError> {
    let engine = Plot::engine(world, scenario)?;
    let every: BTreeSet<Table> = Table::ALL.iter().copied().collect();
    let (records, truth) = Records::made(&engine, &every);
    let mut labels = HashMap::new();
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(&*truth.labels);
    for row in reader.records().flatten() {
        let cell = |at: usize| row.get(at).unwrap_or_default().to_owned();
        for id in [cell(0), cell(1)].into_iter().filter(|id| !id.is_empty()) {
            labels.insert(id, (cell(2), cell(3)));
        }
    }
    let ground = Ground::with_truth(world, records, &truth);
    let rows =
        if scenario.reserve.is_empty() { Rows::new() } else { reserve::rows(&engine, &ground) };
    Ok((ground, labels, rows))
}

fn known(records: &Records, at: At) -> i64 {
    let seconds = since(at.table).and_then(|name| records.number(at, place(at.table, name)));
    #[expect(clippy::cast_possible_truncation, reason = "seconds of some thousand years")]
    seconds.map_or(i64::MIN, |seconds| seconds as i64)
}
