//! What left whom, by the gateway's own log as the drill's log keeps it: fields that cases need, and everything else.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use portcullis_core::label::{Category, RecordType, Sensitivity};

use crate::drill::event::{Event, What};
use crate::drill::playbook;
use crate::drill::plot::{Plot, PlotCase, Trace};
use crate::drill::smuggler::Off;
use crate::table::Table;

/// How much a field weighs when more of it is received than a case needs: nothing where it is public, five times where it
/// is secret, three times where it is about a person, twice where it is commercial.
pub fn weight(category: Category, sensitivity: Sensitivity) -> f64 {
    match (sensitivity, category) {
        (Sensitivity::Public, _) => 0.0,
        (Sensitivity::Secret, _) => 5.0,
        (_, Category::Personal) => 3.0,
        (_, Category::Commercial) => 2.0,
        _ => 1.0,
    }
}

/// Records of one type that one agency received of another under one plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Received {
    /// Who received them.
    pub to: String,
    /// Whose they were.
    pub from: String,
    /// Short name of the record type.
    pub record_type: String,
    /// How many.
    pub records: u64,
    /// Fields shown of each, with their weights.
    pub fields: Vec<(String, f64)>,
}

/// Everything that left anybody.
#[derive(Debug, Clone, Default)]
pub struct Disclosures {
    /// In the order of the log.
    pub all: Vec<Received>,
    /// Of records of cases, which fields were received by whom, each once: agency, table, record, path.
    fields: BTreeSet<(String, Table, String, String)>,
    weights: BTreeMap<(Table, String), f64>,
    needed: BTreeSet<(Table, String, String)>,
    off: Off,
}

impl Disclosures {
    /// From the events of a game.
    pub fn of(plot: &Plot, events: &[Event]) -> Self {
        let off = Off::of(plot, events);
        let mut found = Self { weights: weights(), off, ..Self::default() };
        let mut plans: BTreeMap<&str, &Vec<(String, String)>> = BTreeMap::new();
        for event in events {
            if let What::Plan { plan, shows, .. } = &event.what {
                plans.insert(plan, shows);
            }
        }
        let shown = |plan: &str| plans.get(plan).map_or(&[][..], |shows| shows.as_slice());
        for event in events {
            match &event.what {
                What::Disclosed { to, from, record_type, plan, records, .. } => {
                    let table = Table::ALL.iter().find(|table| table.record_type() == record_type);
                    let Some(table) = table else { continue };
                    let fields = shown(plan)
                        .iter()
                        .map(|(path, _)| (path.clone(), found.weight_of(*table, path)));
                    let fields = fields.collect();
                    let record_type = record_type.rsplit('.').next().unwrap_or_default().to_owned();
                    let (to, from) = (to.clone(), from.clone());
                    found.all.push(Received { to, from, record_type, records: *records, fields });
                }
                What::Received { to, table, record, plan, .. } => {
                    let table = Table::ALL.iter().find(|known| known.name() == table);
                    let Some(table) = table else { continue };
                    for (path, _) in shown(plan) {
                        found.fields.insert((to.clone(), *table, record.clone(), path.clone()));
                    }
                }
                _ => {}
            }
        }
        let happening: Vec<&PlotCase> = found.off.happening(plot).map(|(_, case)| case).collect();
        for (trace, paths) in happening.into_iter().flat_map(needs) {
            for path in paths {
                found.needed.insert((trace.at.table, trace.record.clone(), (*path).to_owned()));
            }
        }
        found
    }

    fn weight_of(&self, table: Table, path: &str) -> f64 {
        self.weights.get(&(table, path.to_owned())).copied().unwrap_or(1.0)
    }

    /// Whether a case in which an agency has a part needs any of these fields of a record.
    pub fn is_needed(
        &self,
        plot: &Plot,
        by: &str,
        table: &str,
        record: &str,
        fields: &[String],
    ) -> bool {
        let Some(table) = Table::ALL.iter().find(|known| known.name() == table) else {
            return false;
        };
        let part = |case: &&PlotCase| case.needs.iter().flatten().any(|one| one == by);
        let cases = self.off.happening(plot).map(|(_, case)| case);
        let traces = cases.filter(part).flat_map(|case| &case.traces);
        let of_a_case = { traces }.any(|one| one.at.table == *table && one.record == record);
        let needed =
            |path: &String| self.needed.contains(&(*table, record.to_owned(), path.clone()));
        of_a_case && fields.iter().any(needed)
    }

    /// Fields that cases need of partners, and how many of them a team (or anybody) obtained.
    pub fn coverage(&self, plot: &Plot, team: Option<&str>) -> (f64, f64) {
        let (mut obtained, mut needed) = (0.0, 0.0);
        for (_, case) in self.off.happening(plot) {
            for (trace, paths) in needs(case) {
                // A team's own records are no disclosure.
                if team.is_some_and(|team| {
                    trace.agency == team || !case.needs.iter().flatten().any(|one| one == team)
                }) {
                    continue;
                }
                for path in paths {
                    needed += 1.0;
                    let has = self.fields.iter().any(|(to, table, record, shown)| {
                        team.is_none_or(|team| team == to)
                            && *table == trace.at.table
                            && *record == trace.record
                            && shown == path
                    });
                    obtained += if has { 1.0 } else { 0.0 };
                }
            }
        }
        (obtained, needed)
    }

    /// What was received, weighted: what a case needed of it, and all.
    pub fn collection(&self, team: Option<&str>) -> (f64, f64) {
        let mine = |to: &str| team.is_none_or(|team| team == to);
        let useful: f64 = self
            .fields
            .iter()
            .filter(|(to, table, record, path)| {
                mine(to) && self.needed.contains(&(*table, record.clone(), path.clone()))
            })
            .map(|(_, table, _, path)| self.weight_of(*table, path))
            .sum();
        #[expect(clippy::cast_precision_loss, reason = "records of a drill")]
        let all: f64 = self
            .all
            .iter()
            .filter(|one| mine(&one.to))
            .map(|one| {
                one.records as f64 * one.fields.iter().map(|(_, weight)| weight).sum::<f64>()
            })
            .sum();
        (useful.min(all), all)
    }

    /// What was received by field: record type, path, weighted sum; the most first.
    pub fn by_field(&self) -> Vec<(String, String, f64)> {
        let mut sums: BTreeMap<(String, String), f64> = BTreeMap::new();
        for one in &self.all {
            for (path, weight) in &one.fields {
                #[expect(clippy::cast_precision_loss, reason = "records of a drill")]
                let sum = one.records as f64 * weight;
                *sums.entry((one.record_type.clone(), path.clone())).or_default() += sum;
            }
        }
        let mut all: Vec<_> =
            sums.into_iter().map(|((kind, path), sum)| (kind, path, sum)).collect();
        all.sort_by(|a, b| b.2.total_cmp(&a.2).then_with(|| (&a.0, &a.1).cmp(&(&b.0, &b.1))));
        all
    }
}

/// What a case needs of the records of partners: traces with the paths that the playbooks of its scheme read.
pub fn needs(case: &PlotCase) -> Vec<(&Trace, Vec<&'static str>)> {
    let books = playbook::ALL.iter().filter(|book| book.scheme() == case.scheme);
    let wanted: Vec<_> = books.flat_map(|book| book.needs()).collect();
    let of = |trace: &&Trace| {
        let paths = wanted.iter().filter(|(table, _)| *table == trace.at.table);
        let mut paths: Vec<&'static str> =
            paths.flat_map(|(_, paths)| paths.iter().copied()).collect();
        paths.sort_unstable();
        paths.dedup();
        paths
    };
    let with = case.traces.iter().map(|trace| (trace, of(&trace)));
    with.filter(|(_, paths)| !paths.is_empty()).collect()
}

fn weights() -> BTreeMap<(Table, String), f64> {
    let set = Bytes::from_static(portcullis_proto::DESCRIPTOR_SET);
    let mut all = BTreeMap::new();
    for table in Table::ALL {
        let Ok(record_type) = RecordType::register(&set, table.record_type()) else { continue };
        for leaf in record_type.leaves() {
            all.insert(
                (*table, leaf.path.clone()),
                weight(leaf.label.category, leaf.label.sensitivity),
            );
        }
    }
    all
}
