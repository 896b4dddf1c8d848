//! Twenty other worlds of the same pack, made in memory, to learn from: ten to train on, six to calibrate on,
//! four to measure on.
//!
//! The worlds have decoys and ordinary trade as the verified one has them, but more true cases than it, where it has few,
//! so that there is something to learn from; in calibration a true case then counts for less, so that posteriors are those
//! of the verified world (G. King, L. Zeng, "Logistic Regression in Rare Events Data", 2001).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::assess::Quality;
use super::calibration::{Calibration, Scored};
use super::candidate::{Candidate, Subject};
use super::ground::{Ground, Known};
use super::model::{Model, TrainError};
use super::sheet::Feature;
use crate::lanes::TooFew;
use crate::rng::Seed;
use crate::scheme::{Cases, Kind, Request};
use crate::shipment::Engine;
use crate::table::Table;
use crate::world::pack::Pack;
use crate::world::{BuildError, World};

/// Worlds to train, to calibrate and to measure on.
pub const WORLDS: [usize; 3] = [10, 6, 4];
/// Seeds of those worlds begin here.
const FIRST_SEED: u64 = 710_001;
/// Most consignments of one of them.
const LARGEST: u64 = 20_000;
/// Least true cases of each scheme in one of them.
const LEAST: u64 = 10;

/// Why nothing was learned.
#[derive(Debug, thiserror::Error)]
pub enum LearnError {
    /// A world that cannot be built.
    #[error("cannot build a world to learn from: {0}")]
    World(#[from] BuildError),
    /// A world that is too small.
    #[error("a world to learn from is too small: {0}")]
    TooFew(#[from] TooFew),
}

/// What the worlds are made of.
#[derive(Debug, Clone)]
pub struct Recipe {
    /// Consignments of each.
    pub consignments: u64,
    /// Cases and decoys of each.
    pub request: Request,
    /// How many cases of the verified world one of a scheme here stands for, by scheme.
    pub each_true: BTreeMap<&'static str, f64>,
}

impl Recipe {
    /// Worlds like one of so many consignments with these cases.
    pub fn like(world: &World, consignments: u64, known: &Known) -> Self {
        let count = |kind: Kind| known.cases.iter().filter(|case| case.kind == kind.id()).count();
        let kinds = || Kind::SCHEMES.iter().chain(Kind::DECOYS).copied();
        let counts: Vec<(Kind, f64)> = kinds()
            .map(|kind| (kind, count(kind) as f64))
            .filter(|(_, count)| *count > 0.0)
            .collect();
        let trues: Vec<(Kind, u64)> =
            Kind::SCHEMES.iter().map(|kind| (*kind, count(*kind) as u64)).collect();
        let singles = Request::of(world, consignments, &trues).singles;
        let mut own = consignments.min(LARGEST);
        loop {
            let scale = own as f64 / consignments.max(1) as f64;
            let planned: Vec<(Kind, u64)> =
                counts.iter().map(|(kind, count)| (*kind, planned(*kind, count * scale))).collect();
            let total: u64 = planned.iter().map(|(_, count)| count).sum();
            // As dense as lanes allow, and a little room.
            let needed = total.div_ceil(3) * 64 * 4;
            if needed > own && own < 8 * LARGEST {
                own = needed.max(own + own / 8);
                continue;
            }
            let each_true = counts
                .iter()
                .zip(&planned)
                .filter(|((kind, _), _)| kind.is_scheme())
                .map(|((kind, count), (_, planned))| {
                    (kind.id(), count * scale / (*planned).max(1) as f64)
                })
                .collect();
            return Self {
                consignments: own,
                request: Request { kinds: planned, singles },
                each_true,
            };
        }
    }
}

impl Recipe {
    /// How many cases of the verified world one of a detector's scheme stands for.
    fn each(&self, subject: &Subject) -> f64 {
        self.each_true.get(subject.linker.scheme()).copied().unwrap_or(1.0)
    }
}

fn planned(kind: Kind, wanted: f64) -> u64 {
    let wanted = u64::try_from(crate::shipment::draft::round(wanted)).unwrap_or_default().max(1);
    if kind.is_scheme() { wanted.max(LEAST) } else { wanted }
}

/// Seeds to learn from, none of which is the verified world's.
pub fn seeds(besides: Seed) -> Vec<Seed> {
    let all = (FIRST_SEED..).map(Seed).filter(|seed| *seed != besides);
    all.take(WORLDS.iter().sum()).collect()
}

/// A trained detector.
#[derive(Debug)]
pub struct Detector {
    /// What it looks for, and with whose eyes.
    pub subject: Subject,
    /// What it measures.
    pub features: Vec<Feature>,
    /// What it learned.
    pub model: Result<Model, TrainError>,
    /// How good it is.
    pub quality: Quality,
}

/// How the ground of a world is made; tests make other ones.
pub type MakeGround = dyn Fn(&Engine, &BTreeSet<Table>) -> Ground + Sync;

/// Trains detectors.
///
/// # Errors
/// When a world cannot be made.
pub fn train(
    pack: &Pack,
    recipe: &Recipe,
    seeds: &[Seed],
    subjects: &[Subject],
    threads: usize,
    make: &MakeGround,
) -> Result<Vec<Detector>, LearnError> {
    let wanted: BTreeSet<Table> = tables(subjects);
    let ground = |seed: &Seed| -> Result<Ground, LearnError> {
        let world = World::build(pack.clone(), *seed)?;
        let cases = Cases::new(&world, recipe.consignments, recipe.request.clone())?;
        Ok(make(&Engine::new(&world, recipe.consignments, cases)?, &wanted))
    };
    let [training, calibration, _] = WORLDS;
    let (training, unseen) = seeds.split_at(training.min(seeds.len()));
    let mut worlds: Vec<Vec<Vec<Candidate>>> = subjects.iter().map(|_| vec![]).collect();
    let mut named: Vec<Vec<Feature>> = vec![];
    let drawn = in_parallel(threads, training, |seed| -> Result<_, LearnError> {
        let ground = ground(seed)?;
        let features: Vec<_> = subjects.iter().map(|subject| subject.features(&ground)).collect();
        let all: Vec<_> = subjects.iter().map(|subject| subject.draw(&ground, false)).collect();
        Ok((features, all))
    });
    for world in drawn {
        let (features, all) = world?;
        named = features;
        worlds.iter_mut().zip(all).for_each(|(worlds, world)| worlds.push(world));
    }
    let mut models = in_parallel(threads, &worlds, |worlds| Model::train(worlds, FIRST_SEED));
    drop(worlds);
    // Every row of the worlds that calibrate and measure counts; only its score is kept.
    let scored = in_parallel(threads, unseen, |seed| -> Result<_, LearnError> {
        let ground = ground(seed)?;
        let by_subject = subjects.iter().zip(&models);
        let all = by_subject.map(|(subject, model)| match model {
            Ok(model) => score(subject, model, &ground, recipe),
            Err(_) => vec![],
        });
        Ok(all.collect::<Vec<_>>())
    });
    let scored = scored.into_iter().collect::<Result<Vec<_>, LearnError>>()?;
    let (calibrating, measuring) = scored.split_at(calibration.min(scored.len()));
    let of = |worlds: &[Vec<Vec<Scored>>], at: usize| -> Vec<Scored> {
        worlds.iter().filter_map(|world| world.get(at)).flatten().copied().collect()
    };
    for (at, (subject, model)) in subjects.iter().zip(&mut models).enumerate() {
        if let Ok(model) = model {
            model.calibration = Calibration::learn(&of(calibrating, at), recipe.each(subject));
        }
    }
    let parts = subjects.iter().zip(named).zip(models).enumerate();
    Ok(parts
        .map(|(at, ((subject, features), model))| {
            let quality = match &model {
                Ok(model) => Quality::of(&model.calibration, &of(measuring, at)),
                Err(_) => Quality::default(),
            };
            Detector { subject: subject.clone(), features, model, quality }
        })
        .collect())
}

fn score(subject: &Subject, model: &Model, ground: &Ground, recipe: &Recipe) -> Vec<Scored> {
    let candidates = subject.draw(ground, true);
    let scores = model.scores(&candidates.iter().collect::<Vec<_>>());
    candidates
        .iter()
        .zip(scores)
        .map(|(candidate, score)| Scored {
            score,
            is_true: candidate.is_true,
            weight: if candidate.is_true {
                recipe.each(subject)
            } else {
                f64::from(candidate.weight)
            },
            rules: candidate.rules,
            is_like: candidate.is_like,
        })
        .collect()
}

/// Tables that every consignment may have rows in.
pub const PAPERS: [Table; 5] =
    [Table::Declaration, Table::Invoice, Table::Payment, Table::Transit, Table::BillOfLading];

/// Tables that detectors read.
pub fn tables(subjects: &[Subject]) -> BTreeSet<Table> {
    let read = subjects.iter().flat_map(|subject| subject.linker.tables().iter().copied());
    read.chain(subjects.iter().map(Subject::table)).chain(PAPERS).collect()
}

/// Does work on several threads; results come in the order of the work.
fn in_parallel<T: Sync, R: Send>(
    threads: usize,
    work: &[T],
    each: impl Fn(&T) -> R + Sync,
) -> Vec<R> {
    let (next, done) = (AtomicUsize::new(0), Mutex::new(BTreeMap::new()));
    std::thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            scope.spawn(|| {
                while let Some((at, one)) = Some(next.fetch_add(1, Ordering::Relaxed))
                    .and_then(|at| Some((at, work.get(at)?)))
                {
                    let result = each(one);
                    // A thread that panics has the panic go on at the end of the scope.
                    if let Ok(mut done) = done.lock() {
                        done.insert(at, result);
                    }
                }
            });
        }
    });
    done.into_inner().map(|done| done.into_values().collect()).unwrap_or_default()
}
