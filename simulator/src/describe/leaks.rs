//! Leaks and entities as measures, and ours beside those of the Korean data.

use serde::Serialize;

use super::imports::{Figures, Lookup};
use super::measure::{Group, Measure, Unit};

const ACCEPTANCE: &str = "simulator.md, Acceptance";
/// Illicit rows from which an area under the curve is within 0.05 of its own by more than chance: its standard
/// deviation is sqrt(1 / (12 n)).
const NEEDS: u64 = 300;

/// What must not tell who is guilty. Each area is that of one thing alone; 0.5 tells nothing.
pub fn leaks(figures: &Figures) -> Vec<Measure> {
    let area = |name: &str, value| {
        Measure::new(Group::Leaks, name, Unit::Number, value).source(ACCEPTANCE)
    };
    let alone = |name: &str, value| {
        area(name, value).within(0.45, 0.55).needs(NEEDS, figures.illicit, "illicit imports")
    };
    let scheme = |name: &str, value| {
        area(name, value).within(0.45, 0.55).needs(NEEDS, figures.strategic, "imports of schemes")
    };
    let [mass, mode, all] = figures.lookups;
    let mut measures = vec![];
    for (name, lookup) in [
        ("goods, route, treatment and exact mass", mass),
        ("goods, route, treatment and mode", mode),
    ] {
        measures.extend(lookups(name, &lookup, figures.illicit, &area));
    }
    // All codes, parties among them: an importer that comes again brings its history along, which is no leak.
    let name = "token-lookup AUC, repeats: all codes, parties too";
    measures.push(
        area(name, all.on_repeats).note("no bound: it is the history of offenders".to_owned()),
    );
    measures.extend([
        // The number in the id of the declaration.
        alone("AUC of the id's number alone", figures.by_id),
        // The place in the files.
        alone("AUC of the order alone", figures.by_order),
        // The second of the day, the day, the weekday of acceptance.
        alone("AUC of the time of day alone", figures.by_hour),
        alone("AUC of the day alone", figures.by_day),
        alone("AUC of the weekday alone", figures.by_weekday),
        // The same for the imports of schemes, which ordinary fraud would hide.
        scheme("AUC of the id's number alone, schemes", figures.strategic_by_id),
        scheme("AUC of the order alone, schemes", figures.strategic_by_order),
        scheme("AUC of the time of day alone, schemes", figures.strategic_by_hour),
    ]);
    measures
}

/// A table of training tuples: the Korean data repeat 81.6 % of those with exact mass, with an area of 0.995.
fn lookups(
    name: &str,
    lookup: &Lookup,
    illicit: u64,
    area: &dyn Fn(&str, Option<f64>) -> Measure,
) -> [Measure; 3] {
    [
        Measure::new(
            Group::Leaks,
            &format!("rows that repeat a tuple: {name}"),
            Unit::Share,
            lookup.repeats,
        ),
        area(&format!("token-lookup AUC, all rows: {name}"), lookup.on_all).at_most(0.60).needs(
            NEEDS,
            illicit,
            "illicit imports",
        ),
        area(&format!("token-lookup AUC, repeats: {name}"), lookup.on_repeats).at_most(0.60).needs(
            50,
            lookup.illicit,
            "illicit repeats",
        ),
    ]
}

/// What must tell something: offenders come again, firms have habits.
pub fn entities(figures: &Figures) -> [Measure; 4] {
    let measure = |name: &str, value| {
        Measure::new(Group::Entities, name, Unit::Number, value)
            .needs(NEEDS, figures.illicit, "illicit imports")
            .source(ACCEPTANCE)
    };
    [
        // The importer's share of illicit imports before each of its imports, drawn to the mean by five imports' weight.
        measure("offender-history AUC", figures.history).at_least(0.60),
        // Mean of (found - expected)^2 over the binomial variance, of importers with at least five imports.
        measure("overdispersion of offences by importer", figures.overdispersion).at_least(1.5),
        // Chance that two imports of one importer have one declarant, over that of two imports of its state whose
        // declarants were shuffled (computed exactly). 1 is no association. Ours to ask: twice.
        measure("importer-declarant association over shuffled", figures.association).at_least(2.0),
        // Mutual information of the two within states, over that of shuffled declarants.
        measure("importer-declarant information over shuffled", figures.information).at_least(1.2),
    ]
}

/// A line of the leak table.
#[derive(Debug, Clone, Serialize)]
pub struct Comparison {
    /// Leak, entities or physics.
    pub part: &'static str,
    /// What was measured.
    pub name: &'static str,
    /// How values are written.
    pub unit: Unit,
    /// Ours; none where there is nothing to measure, such as no row that repeats.
    pub ours: Option<f64>,
    /// That of the Korean data.
    pub theirs: Option<f64>,
    /// Whether ours is better; none where one of them is missing.
    pub better: Option<bool>,
}

/// Ours beside theirs, by the same code. Either may be missing.
pub fn table(ours: Option<&Figures>, theirs: Option<&Figures>) -> Vec<Comparison> {
    type Figure = fn(&Figures) -> Option<f64>;
    type Better = fn(f64, f64) -> bool;
    let less: Better = |ours, theirs| ours < theirs;
    let more: Better = |ours, theirs| ours > theirs;
    let lines: [(_, _, _, Figure, Better); 10] = [
        (
            "leak",
            "rows that repeat a training tuple, exact mass",
            Unit::Share,
            |f| f.lookups[0].repeats,
            less,
        ),
        ("leak", "token-lookup AUC on those", Unit::Number, |f| f.lookups[0].on_repeats, less),
        ("leak", "token-lookup AUC on all rows", Unit::Number, |f| f.lookups[0].on_all, less),
        (
            "leak",
            "the same without mass, with mode: AUC on repeats",
            Unit::Number,
            |f| f.lookups[1].on_repeats,
            less,
        ),
        ("entities", "offender-history AUC", Unit::Number, |f| f.history, more),
        (
            "entities",
            "overdispersion of offences by importer",
            Unit::Number,
            |f| f.overdispersion,
            more,
        ),
        (
            "entities",
            "importer-declarant association over shuffled",
            Unit::Number,
            |f| f.association,
            more,
        ),
        (
            "entities",
            "importer-declarant information over shuffled",
            Unit::Number,
            |f| f.information,
            more,
        ),
        ("entities", "offences in the riskiest 30 %", Unit::Share, |f| f.riskiest, more),
        ("physics", "ln mass by sea less ln mass by air", Unit::Number, |f| f.mass_gap, more),
    ];
    let line = |(part, name, unit, figure, better): (_, _, _, Figure, Better)| {
        let (ours, theirs) = (ours.and_then(figure), theirs.and_then(figure));
        let better = ours.zip(theirs).map(|(ours, theirs)| better(ours, theirs));
        Comparison { part, name, unit, ours, theirs, better }
    };
    lines.into_iter().map(line).collect()
}
