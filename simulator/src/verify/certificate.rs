//! What the certificate says of a case.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::plan::{Disclosure, Plans};
use super::{JOINT_ABOVE, Order, SOLO_BELOW};
use crate::detect::assess::Quality;
use crate::detect::candidate::{Candidate, View};
use crate::detect::ground::{Ground, KnownCase};
use crate::detect::linker::Linker;
use crate::detect::records::{At, Place, place};
use crate::detect::train::{Detector, Recipe, WORLDS};
use crate::scheme::{ALL, Scheme};
use crate::table::Table;
use crate::world::World;

/// Features that are named at most.
const NAMED: usize = 4;
/// Least that a named feature adds to the score.
const WORTH: f64 = 0.05;

/// What a single agency makes of a case.
#[derive(Debug, Clone, Serialize)]
pub struct Solo {
    /// Which.
    pub agency: String,
    /// Posterior of its best candidate.
    pub posterior: f64,
    /// Record of that candidate.
    pub record: String,
    /// What it goes by.
    pub decisive: Vec<Decisive>,
}

/// A feature that decides, and the fields it reads.
#[derive(Debug, Clone, Serialize)]
pub struct Decisive {
    /// What it measures.
    pub feature: String,
    /// Fields, `record type.path`.
    pub fields: Vec<String>,
    /// What it adds to the score (log odds before calibration).
    pub adds: f64,
}

/// What a smallest set makes of it.
#[derive(Debug, Clone, Serialize)]
pub struct Joint {
    /// Who.
    pub agencies: Vec<String>,
    /// Posterior of the best candidate; none where no key leads from one to the other.
    pub posterior: Option<f64>,
    /// What it goes by.
    pub decisive: Vec<Decisive>,
}

/// A field that would decide and is hidden.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Hidden {
    /// Whose record.
    pub originator: String,
    /// `record type.path`.
    pub field: String,
    /// What is done with it.
    pub treatment: String,
    /// Rule that says so.
    pub rule: String,
    /// Its reason, in one word.
    pub reason: String,
}

/// What one member of the set makes of it through the gateway.
#[derive(Debug, Clone, Serialize)]
pub struct Through {
    /// Who asks.
    pub requester: String,
    /// Whom.
    pub agencies: Vec<String>,
    /// Posterior of its best candidate.
    pub posterior: Option<f64>,
    /// Where it does not suffice: what made the difference, most of it first.
    pub hidden: Vec<Hidden>,
}

/// A case.
#[derive(Debug, Clone, Serialize)]
pub struct Case {
    /// Its name in the truth.
    pub case: String,
    /// Scheme.
    pub scheme: String,
    /// A teaching case, that one agency may solve.
    pub teaching: bool,
    /// The best single agency.
    pub solo: Option<Solo>,
    /// The best smallest set.
    pub joint: Option<Joint>,
    /// Members of the sets through the gateway, the best first.
    pub policy: Vec<Through>,
    /// What is wrong; nothing where it is certified.
    pub faults: Vec<String>,
}

/// A scheme.
#[derive(Debug, Clone, Serialize)]
pub struct SchemeSummary {
    /// Which.
    pub scheme: String,
    /// Cases, and those that are certified.
    pub cases: (usize, usize),
    /// Detectors by view, measured on worlds they have not learned from.
    pub detectors: BTreeMap<String, Quality>,
    /// Best lift of a single agency's detector.
    pub solo_lift: f64,
    /// Lift together.
    pub joint_lift: f64,
}

/// The certificate.
#[derive(Debug, Clone, Serialize)]
pub struct Certificate {
    /// What was verified.
    pub world: String,
    /// Pack, by name and hash.
    pub pack: (String, String),
    /// Version of the engine.
    pub engine: &'static str,
    /// Seed of the world.
    pub seed: u64,
    /// Worlds that were learned from: to train, to calibrate, to measure on; and consignments of each.
    pub learned_from: ([usize; 3], u64),
    /// By scheme.
    pub schemes: Vec<SchemeSummary>,
    /// By case.
    pub cases: Vec<Case>,
    /// Schemes with cases in this world that no detector is built for.
    pub without_detector: Vec<String>,
}

impl Certificate {
    /// Whether every case is certified.
    pub fn holds(&self) -> bool {
        self.without_detector.is_empty() && self.cases.iter().all(|case| case.faults.is_empty())
    }
}

/// The smallest sets of a case with the row that each begins with: agencies in the order of the linker's partners, the
/// row's holder first.
pub(super) fn sets(ground: &Ground, linker: &dyn Linker, case: &KnownCase) -> Vec<(At, Vec<u32>)> {
    let (table, part) = linker.begins();
    let rows = case.rows.iter().filter(|(at, held)| at.table == table && held == part);
    let mut all = vec![];
    for (at, _) in rows {
        let own = ground.records.agency(*at);
        for others in linker.partners(&ground.roster, &ground.records, *at) {
            let set: Vec<u32> = std::iter::once(own).chain(others).collect();
            if case.needs(ground, &set) {
                all.push((*at, set));
            }
        }
    }
    all
}

/// The view of one member of a set who asks the others.
pub(super) fn asks(
    ground: &Ground,
    linker: &dyn Linker,
    plans: &Plans,
    set: &[u32],
    who: usize,
) -> View {
    let names: Vec<&str> = set.iter().map(|agency| ground.records.text_of(*agency)).collect();
    let requester = names.get(who).copied().unwrap_or_default();
    let others: Vec<&str> = names.iter().copied().filter(|name| *name != requester).collect();
    View::Asks(who, plans.shown(requester, &others, linker.tables()))
}

/// Issues the certificate.
pub(super) fn issue(
    name: &str,
    world: &World,
    ground: &Ground,
    order: &Order,
    recipe: &Recipe,
    detectors: &[Detector],
) -> Certificate {
    let bench = Bench { ground, detectors };
    let (mut cases, mut without): (Vec<Case>, BTreeSet<String>) = (vec![], BTreeSet::new());
    for case in ground.known.cases.iter().filter(|case| case.is_true) {
        let linker = detectors.iter().map(|detector| detector.subject.linker);
        match linker.into_iter().find(|linker| linker.scheme() == case.kind) {
            Some(linker) => cases.push(bench.case(linker, case, order.plans)),
            None => {
                without.insert(case.kind.clone());
            }
        }
    }
    let mut schemes: BTreeMap<&str, SchemeSummary> = BTreeMap::new();
    for detector in detectors {
        let scheme = detector.subject.linker.scheme();
        let of = || cases.iter().filter(|case| case.scheme == scheme);
        let summary = schemes.entry(scheme).or_insert_with(|| SchemeSummary {
            scheme: scheme.to_owned(),
            cases: (of().count(), of().filter(|case| case.faults.is_empty()).count()),
            detectors: BTreeMap::new(),
            solo_lift: 0.0,
            joint_lift: 0.0,
        });
        let quality = &detector.quality;
        match &detector.subject.view {
            View::Solo(..) => summary.solo_lift = summary.solo_lift.max(quality.lift),
            View::Joint => summary.joint_lift = quality.lift,
            View::Asks(..) => {}
        }
        let view = view_name(&detector.subject.view, summary.detectors.len());
        summary.detectors.insert(view, quality.clone());
    }
    Certificate {
        world: name.to_owned(),
        pack: (world.pack_name.clone(), world.pack_hash.clone()),
        engine: env!("CARGO_PKG_VERSION"),
        seed: world.seed.0,
        learned_from: (WORLDS, recipe.consignments),
        schemes: schemes.into_values().collect(),
        cases,
        without_detector: without.into_iter().collect(),
    }
}

fn view_name(view: &View, number: usize) -> String {
    match view {
        View::Solo(office, table) => format!("{} alone, by {}", office.word(), table.name()),
        View::Joint => "together".to_owned(),
        View::Asks(who, _) => format!("through the gateway, member {who}, plan {number}"),
    }
}

struct Bench<'a> {
    ground: &'a Ground,
    detectors: &'a [Detector],
}

struct Found {
    posterior: f64,
    candidate: Candidate,
}

impl<'a> Bench<'a> {
    fn detector(&self, linker: &dyn Linker, view: &View) -> Option<&'a Detector> {
        self.detectors.iter().find(|detector| {
            detector.subject.linker.scheme() == linker.scheme() && detector.subject.view == *view
        })
    }

    fn look(&self, detector: &Detector, at: At, agencies: &[u32]) -> Option<Found> {
        let candidate = detector.subject.candidate(self.ground, at, agencies);
        let model = detector.model.as_ref().ok()?;
        let posterior = model.posterior(&candidate);
        Some(Found { posterior, candidate })
    }

    fn case(&self, linker: &dyn Linker, case: &KnownCase, plans: Option<&Plans>) -> Case {
        let scheme = ALL.iter().find(|scheme| scheme.id == linker.scheme());
        let teaching = scheme.is_some_and(|scheme: &Scheme| scheme.teaching);
        let (solo, joint) = (self.solo(linker, case), self.joint(linker, case));
        let mut faults = vec![];
        if let Some(solo) = solo.as_ref().filter(|solo| !teaching && solo.posterior >= SOLO_BELOW) {
            let by = solo.decisive.first().map_or("", |decisive| decisive.feature.as_str());
            faults.push(format!(
                "{} alone reaches {:.3} by `{by}` of {}",
                solo.agency, solo.posterior, solo.record
            ));
        }
        match joint.as_ref().and_then(|joint| joint.posterior) {
            Some(posterior) if posterior > JOINT_ABOVE => {}
            Some(posterior) => faults.push(format!("the set reaches only {posterior:.3}")),
            None => faults.push("no key leads from one agency of the set to the others".to_owned()),
        }
        let policy = plans.map(|plans| self.through(linker, case, plans)).unwrap_or_default();
        if let Some(best) =
            policy.first().filter(|best| best.posterior.is_none_or(|it| it <= JOINT_ABOVE))
        {
            let rules: BTreeSet<&str> = best
                .hidden
                .iter()
                .map(|hidden| hidden.rule.as_str())
                .filter(|rule| !rule.is_empty())
                .collect();
            faults.push(format!(
                "through the gateway {} reaches only {:.3}; look at {}",
                best.requester,
                best.posterior.unwrap_or_default(),
                if rules.is_empty() {
                    "agreements: no rule permits".to_owned()
                } else {
                    rules.into_iter().collect::<Vec<_>>().join(", ")
                }
            ));
        }
        Case {
            case: case.id.clone(),
            scheme: case.kind.clone(),
            teaching,
            solo,
            joint,
            policy,
            faults,
        }
    }

    fn solo(&self, linker: &dyn Linker, case: &KnownCase) -> Option<Solo> {
        let records = &self.ground.records;
        let found = case.rows.iter().filter_map(|(at, _)| {
            let agency = records.agency(*at);
            let view = View::Solo(self.ground.roster.office(agency)?, at.table);
            let detector = self.detector(linker, &view)?;
            Some((*at, detector, self.look(detector, *at, &[agency])?))
        });
        let (at, detector, found) =
            found.max_by(|one, other| one.2.posterior.total_cmp(&other.2.posterior))?;
        Some(Solo {
            agency: records.text_of(records.agency(at)).to_owned(),
            posterior: found.posterior,
            record: format!("{} {}", at.table.name(), records.text(at, place(at.table, "id"))),
            decisive: decisive(detector, &found.candidate),
        })
    }

    fn joint(&self, linker: &dyn Linker, case: &KnownCase) -> Option<Joint> {
        let detector = self.detector(linker, &View::Joint)?;
        let found = sets(self.ground, linker, case)
            .into_iter()
            .filter_map(|(at, set)| Some((self.look(detector, at, &set)?, set)))
            .max_by(|one, other| one.0.posterior.total_cmp(&other.0.posterior));
        Some(match found {
            Some((found, set)) => Joint {
                agencies: self.names(&set),
                posterior: Some(found.posterior),
                decisive: decisive(detector, &found.candidate),
            },
            None => Joint {
                agencies: case.needs.first().cloned().unwrap_or_default(),
                posterior: None,
                decisive: vec![],
            },
        })
    }

    fn names(&self, set: &[u32]) -> Vec<String> {
        set.iter().map(|agency| self.ground.records.text_of(*agency).to_owned()).collect()
    }

    /// Each member of each set asks the others; the best first.
    fn through(&self, linker: &dyn Linker, case: &KnownCase, plans: &Plans) -> Vec<Through> {
        let mut by: BTreeMap<(Vec<u32>, usize), (Found, At, View)> = BTreeMap::new();
        for (at, set) in sets(self.ground, linker, case) {
            for who in 0..set.len() {
                let view = asks(self.ground, linker, plans, &set, who);
                let Some(found) =
                    self.detector(linker, &view).and_then(|detector| self.look(detector, at, &set))
                else {
                    continue;
                };
                let key = (set.clone(), who);
                if by.get(&key).is_none_or(|(best, ..)| found.posterior > best.posterior) {
                    by.insert(key, (found, at, view));
                }
            }
        }
        let mut all: Vec<Through> = by
            .into_iter()
            .map(|((set, who), (found, at, _))| {
                let names = self.names(&set);
                let requester = names.get(who).cloned().unwrap_or_default();
                let hidden = if found.posterior > JOINT_ABOVE {
                    vec![]
                } else {
                    self.hidden(linker, at, &set, &requester, &found.candidate, plans)
                };
                Through { requester, agencies: names, posterior: Some(found.posterior), hidden }
            })
            .collect();
        let posterior = |through: &Through| through.posterior.unwrap_or_default();
        all.sort_by(|one, other| posterior(other).total_cmp(&posterior(one)));
        all
    }

    /// Fields behind features that decide on raw views and are not what they were through the gateway.
    fn hidden(
        &self,
        linker: &dyn Linker,
        at: At,
        set: &[u32],
        requester: &str,
        shown: &Candidate,
        plans: &Plans,
    ) -> Vec<Hidden> {
        let Some(detector) = self.detector(linker, &View::Joint) else { return vec![] };
        let (Some(raw), Ok(model)) = (self.look(detector, at, set), &detector.model) else {
            return vec![];
        };
        let changed = |feature: usize| {
            let value =
                |candidate: &Candidate| candidate.values.get(feature).map(|value| value.to_bits());
            let words = |candidate: &Candidate| -> Vec<(u16, u32)> {
                let own = candidate.words.iter().filter(|word| usize::from(word.0) == feature);
                own.copied().collect()
            };
            value(&raw.candidate) != value(shown) || words(&raw.candidate) != words(shown)
        };
        let mut lost: Vec<(usize, f64)> = model
            .contributions(&raw.candidate)
            .into_iter()
            .enumerate()
            .filter(|(feature, adds)| *adds > WORTH && changed(*feature))
            .collect();
        lost.sort_by(|one, other| other.1.total_cmp(&one.1));
        let mut all: Vec<Hidden> = vec![];
        for (feature, _) in lost.into_iter().take(NAMED) {
            let reads = detector.features.get(feature).map(|feature| feature.reads.as_slice());
            for (table, column) in reads.unwrap_or_default() {
                for originator in self.names(set).iter().filter(|name| *name != requester) {
                    let hidden = self.why(requester, originator, *table, *column, plans);
                    all.extend(hidden.filter(|hidden| !all.contains(hidden)));
                }
            }
        }
        all
    }

    /// What a plan does with a column of another agency, where that agency holds such rows and does not show it clear.
    fn why(
        &self,
        requester: &str,
        originator: &str,
        table: Table,
        column: Place,
        plans: &Plans,
    ) -> Option<Hidden> {
        let agency = self.ground.records.word(originator)?;
        if !self.ground.holds(agency, table) {
            return None;
        }
        let hidden = |treatment: &str, rule: &str, reason: &str| Hidden {
            originator: originator.to_owned(),
            field: field(table, column),
            treatment: treatment.to_owned(),
            rule: rule.to_owned(),
            reason: reason.to_owned(),
        };
        match plans.of(requester, originator, table) {
            Disclosure::Refused { reason, rules } => {
                Some(hidden("refused", &rules.join(", "), &reason))
            }
            Disclosure::Fields(fields) => {
                let treated = fields.get(column)?;
                let is_clear = treated.treatment == crate::detect::look::Treatment::Clear;
                (!is_clear).then(|| hidden(&treated.word, &treated.rule, &treated.reason))
            }
        }
    }
}

/// The features that decide for a candidate.
fn decisive(detector: &Detector, candidate: &Candidate) -> Vec<Decisive> {
    let Ok(model) = &detector.model else { return vec![] };
    let mut all: Vec<(usize, f64)> = model
        .contributions(candidate)
        .into_iter()
        .enumerate()
        .filter(|(_, adds)| *adds > WORTH)
        .collect();
    all.sort_by(|one, other| other.1.total_cmp(&one.1));
    all.into_iter()
        .take(NAMED)
        .filter_map(|(at, adds)| {
            let feature = detector.features.get(at)?;
            Some(Decisive {
                feature: feature.name.clone(),
                fields: feature
                    .reads
                    .iter()
                    .map(|(table, column)| field(*table, *column))
                    .collect(),
                adds,
            })
        })
        .collect()
}

/// A field as the contract calls it; a column that fills none by its own name.
fn field(table: Table, column: Place) -> String {
    let record = table.record_type().rsplit('.').next().unwrap_or_default();
    let path = table
        .columns()
        .get(column)
        .map_or("", |column| if column.path.is_empty() { column.name } else { column.path });
    format!("{record}.{path}")
}
