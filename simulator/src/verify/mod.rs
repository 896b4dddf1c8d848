//! `verify`: the solvability certificate. For every true case of a generated world: what the best single agency makes of
//! it, and what a smallest set of agencies does; then the same through the plans of an active policy, and which rule to
//! look at where these hide what decides.

mod certificate;
#[cfg(test)]
mod certified;
mod gateway;
pub mod plan;
#[cfg(test)]
mod tests;
mod text;

use std::collections::BTreeSet;
use std::path::Path;

use crate::describe::read::{Folder, ReadError};
use crate::detect::candidate::{Subject, View};
use crate::detect::ground::{Ground, KnownCase};
use crate::detect::linker::{self, Linker};
use crate::detect::train::{self, LearnError, MakeGround, Recipe};
use crate::rng::Seed;
use crate::table::Table;
use crate::world::pack::Pack;
use crate::world::{BuildError, World};

pub use certificate::{Case, Certificate, Decisive, Hidden, Joint, SchemeSummary, Solo, Through};
pub use gateway::Gateway;
pub use plan::Plans;
pub use text::write as as_text;

/// No single agency's posterior may reach this.
pub const SOLO_BELOW: f64 = 0.2;
/// The set's must exceed this.
pub const JOINT_ABOVE: f64 = 0.9;

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// Files.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The world.
    #[error(transparent)]
    World(#[from] BuildError),
    /// Worlds to learn from.
    #[error(transparent)]
    Learn(#[from] LearnError),
    /// Nothing to certify.
    #[error("there is no true case in {0}")]
    NoCase(String),
}

/// What to verify, and how.
pub struct Order<'a> {
    /// Pack that the folder was made from.
    pub pack: &'a Pack,
    /// Seed that it was made with.
    pub seed: Seed,
    /// Plans of the active policy.
    pub plans: Option<&'a Plans>,
    /// Threads to use.
    pub threads: usize,
}

/// A generated folder, opened.
#[derive(Debug)]
pub struct Opened {
    /// Its world.
    pub world: World,
    /// Its records and their truth.
    pub ground: Ground,
    name: String,
}

impl Opened {
    /// Opens a folder that was made from a pack and a seed.
    ///
    /// # Errors
    /// What cannot be read or built.
    pub fn read(folder: &Path, pack: &Pack, seed: Seed) -> Result<Self, VerifyError> {
        let world = World::build(pack.clone(), seed)?;
        let ground = Ground::read(&world, &Folder::open(folder)?, &every_table())?;
        Ok(Self { world, ground, name: folder.display().to_string() })
    }

    /// Certifies it.
    ///
    /// # Errors
    /// As [`VerifyError`].
    pub fn certify(&self, order: &Order) -> Result<Certificate, VerifyError> {
        certify(&self.name, &self.world, &self.ground, order, &Ground::made)
    }

    /// Who would have to be shown what of whom: requester, originator, table.
    pub fn wanted(&self) -> BTreeSet<(String, String, Table)> {
        wanted(&self.ground)
    }
}

/// Who would have to be shown what of whom so that the cases of a world can be solved: requester, originator, table.
pub fn wanted(ground: &Ground) -> BTreeSet<(String, String, Table)> {
    let mut wanted = BTreeSet::new();
    let text = |agency: &u32| ground.records.text_of(*agency).to_owned();
    for case in true_cases(ground) {
        let linkers = linker::ALL.iter().filter(|linker| linker.scheme() == case.kind);
        for (linker, (_, set)) in linkers.flat_map(|linker| {
            certificate::sets(ground, *linker, case).into_iter().map(move |set| (linker, set))
        }) {
            for (requester, originator) in
                set.iter().flat_map(|one| set.iter().map(move |other| (one, other)))
            {
                if requester != originator {
                    let tables =
                        linker.tables().iter().filter(|table| ground.holds(*originator, **table));
                    wanted.extend(tables.map(|table| (text(requester), text(originator), *table)));
                }
            }
        }
    }
    wanted
}

/// Tables that any linker reads, and those that traces lie in.
pub fn every_table() -> BTreeSet<Table> {
    let read = linker::ALL.iter().flat_map(|linker| linker.tables().iter().copied());
    read.chain(train::PAPERS).collect()
}

/// Certifies a world.
///
/// # Errors
/// As [`VerifyError`].
pub fn certify(
    name: &str,
    world: &World,
    ground: &Ground,
    order: &Order,
    make: &MakeGround,
) -> Result<Certificate, VerifyError> {
    let linkers: Vec<&'static dyn Linker> = linker::ALL
        .iter()
        .copied()
        .filter(|linker| true_cases(ground).any(|case| case.kind == linker.scheme()))
        .collect();
    if true_cases(ground).next().is_none() {
        return Err(VerifyError::NoCase(name.to_owned()));
    }
    let mut subjects: Vec<Subject> = vec![];
    for linker in &linkers {
        let views = solo_views(ground, *linker).into_iter().chain([View::Joint]);
        let asked =
            order.plans.map(|plans| asking_views(ground, *linker, plans)).unwrap_or_default();
        subjects.extend(views.chain(asked).map(|view| Subject { linker: *linker, view }));
    }
    let consignments = exports(ground);
    let recipe = Recipe::like(world, consignments, &ground.known);
    let seeds = train::seeds(order.seed);
    let detectors = train::train(order.pack, &recipe, &seeds, &subjects, order.threads, make)?;
    Ok(certificate::issue(name, world, ground, order, &recipe, &detectors))
}

/// Every consignment has an export declaration; a few have one more, of goods that are sent back or on.
fn exports(ground: &Ground) -> u64 {
    let direction = crate::detect::records::place(Table::Declaration, "direction");
    let records = &ground.records;
    records.all(Table::Declaration).filter(|at| records.text(*at, direction) == "EXPORT").count()
        as u64
}

fn true_cases(ground: &Ground) -> impl Iterator<Item = &KnownCase> {
    ground.known.cases.iter().filter(|case| case.is_true)
}

/// Kinds of agency that hold any record of a scheme's cases, with the table.
fn solo_views(ground: &Ground, linker: &dyn Linker) -> BTreeSet<View> {
    let rows = true_cases(ground)
        .filter(|case| case.kind == linker.scheme())
        .flat_map(|case| case.rows.iter());
    rows.filter_map(|(at, _)| {
        Some(View::Solo(ground.roster.office(ground.records.agency(*at))?, at.table))
    })
    .collect()
}

/// What members of the smallest sets of a scheme's cases are shown, each kind of plan once.
fn asking_views(ground: &Ground, linker: &dyn Linker, plans: &Plans) -> BTreeSet<View> {
    let cases = true_cases(ground).filter(|case| case.kind == linker.scheme());
    cases
        .flat_map(|case| certificate::sets(ground, linker, case))
        .flat_map(|(_, set)| {
            let views =
                (0..set.len()).map(|who| certificate::asks(ground, linker, plans, &set, who));
            views.collect::<Vec<_>>()
        })
        .collect()
}
