//! What a drill plays with: the world of a scenario, its cases, and the matters that teams are given, with the truth about
//! each. A matter is a record of a team's own agency on which it has to decide while it is within reach.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::{Deserialize, Serialize};

use super::clock::Exercise;
use super::known::since;
use super::scenario::Scenario;
use super::sha256;
use super::story::Story;
use crate::detect::ground::{Ground, KnownCase};
use crate::detect::records::{At, Records, place};
use crate::rng::Seed;
use crate::scheme::{Cases, Request};
use crate::shipment::Engine;
use crate::table::Table;
use crate::world::pack::Pack;
use crate::world::{Office, World};

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
    /// Cases of the world that touch no team.
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

/// Matters of a case that a team is given at most: the last ones, by which more is known. One alone where cases would
/// otherwise be more than [`CASES_OF_ALL`] of what a team is given.
const OF_A_CASE: usize = 2;
/// One in so many matters of a team is of a case, at most: checks that hit more often would teach what no office meets.
const CASES_OF_ALL: usize = 5;

/// What a declaration really is, by its number: label and detail.
type Labels = HashMap<String, (String, String)>;

struct Picked {
    team: usize,
    at: At,
    known: i64,
    truth: Truth,
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
        let (ground, labels) = ground(&world, scenario)?;
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

    fn deal(&mut self, scenario: &Scenario, labels: &Labels) -> Result<(), PlotError> {
        let mut picked: Vec<Picked> = vec![];
        let mut places: BTreeMap<usize, usize> = BTreeMap::new();
        let (mut played, mut unplayed) = (vec![], 0);
        let mut teams = vec![];
        for team in &scenario.teams {
            let unknown = || PlotError::Team(team.agency.clone());
            let agency = self.ground.records.word(&team.agency).ok_or_else(unknown)?;
            let office = self.ground.roster.office(agency).ok_or_else(unknown)?;
            teams.push((agency, decides_on(office).ok_or_else(unknown)?));
        }
        let crowded = self.crowded(scenario, &teams);
        for (number, case) in self.ground.known.cases.iter().enumerate() {
            if !case.is_true {
                continue;
            }
            let before = picked.len();
            for (team, (agency, table)) in teams.iter().enumerate() {
                let mine = self.rows_of(case, *agency, *table);
                let most = if crowded.contains(&team) { 1 } else { OF_A_CASE };
                let skip = mine.len().saturating_sub(most);
                picked.extend(mine.into_iter().skip(skip).map(|(known, at)| Picked {
                    team,
                    at,
                    known,
                    truth: Truth::Case(played.len()),
                }));
            }
            if picked.len() == before {
                unplayed += 1;
                continue;
            }
            places.insert(number, played.len());
            played.push(number);
        }
        if played.is_empty() {
            return Err(PlotError::NoCase);
        }
        for (team, (agency, table)) in teams.iter().enumerate() {
            self.fill(scenario, team, *agency, *table, labels, &mut picked);
        }
        let key = |one: &Picked| (one.known, one.team, self.id_of(one.at));
        picked.sort_by_cached_key(key);
        self.schedule(scenario, &picked);
        self.tell(scenario, picked, &played);
        self.unplayed = unplayed;
        Ok(())
    }

    /// Teams that cases would take up too much of.
    fn crowded(&self, scenario: &Scenario, teams: &[(u32, Table)]) -> BTreeSet<usize> {
        let cases = || self.ground.known.cases.iter().filter(|case| case.is_true);
        let of = |(agency, table): &(u32, Table)| -> usize {
            cases().map(|case| self.rows_of(case, *agency, *table).len().min(OF_A_CASE)).sum()
        };
        let counts = teams.iter().map(of).enumerate();
        counts
            .filter(|(_, count)| count * CASES_OF_ALL > scenario.matters)
            .map(|(team, _)| team)
            .collect()
    }

    /// What an agency's risk rules go by, before anybody is asked.
    fn profile(&self, at: At) -> String {
        let text = |name: &str| self.ground.records.text(at, place(at.table, name));
        match at.table {
            Table::Declaration => {
                let numbered = crate::detect::records::serial(text("description")).is_some();
                let named = !text("end_user_name").is_empty();
                format!("{} {} {numbered} {named}", text("direction"), text("regime"))
            }
            _ => String::new(),
        }
    }

    /// Traces of a case that an agency can decide on, in the order in which they became known.
    fn rows_of(&self, case: &KnownCase, agency: u32, table: Table) -> Vec<(i64, At)> {
        let mut rows: Vec<(i64, At)> = case
            .rows
            .iter()
            .filter(|(at, holder)| !holder.is_empty() && at.table == table)
            .filter(|(at, _)| self.ground.records.agency(*at) == agency)
            .map(|(at, _)| (self.known(*at), *at))
            .collect();
        rows.sort_unstable();
        rows
    }

    /// Fills a team's matters up with decoys, ordinary fraud and lawful ones.
    fn fill(
        &self,
        scenario: &Scenario,
        team: usize,
        agency: u32,
        table: Table,
        labels: &Labels,
        picked: &mut Vec<Picked>,
    ) {
        let records = &self.ground.records;
        let mut taken: BTreeSet<At> =
            picked.iter().filter(|one| one.team == team).map(|one| one.at).collect();
        let of_case: HashMap<At, &KnownCase> = self
            .ground
            .known
            .cases
            .iter()
            .flat_map(|case| case.rows.iter().map(move |(at, _)| (*at, case)))
            .collect();
        let like: BTreeSet<String> = taken.iter().map(|at| self.profile(*at)).collect();
        let (mut decoys, mut frauds, mut lawful) = (vec![], vec![], vec![]);
        for at in records.all(table).filter(|at| records.agency(*at) == agency) {
            let id = self.id_of(at);
            // What looks like the team's cases first: without its like any case shows by itself.
            let other = !like.contains(&self.profile(at));
            let order = (other, sha256(format!("{}/matter/{id}", self.seed).as_bytes()));
            match (of_case.get(&at), labels.get(&id)) {
                (Some(case), _) if case.is_true => {}
                (Some(case), _) => decoys.push((order, at, Truth::Decoy(case.kind.clone()))),
                (None, Some((label, detail))) if label == "FRAUD" => {
                    frauds.push((order, at, Truth::Fraud(detail.clone())));
                }
                (None, Some((_, detail))) => {
                    decoys.push((order, at, Truth::Decoy(detail.clone())));
                }
                (None, None) if self.worth_a_look(at) => lawful.push((order, at, Truth::Innocent)),
                (None, None) => {}
            }
        }
        let room = scenario.matters.saturating_sub(taken.len());
        for (share, mut from) in [(room / 2, decoys), (room / 8, frauds), (usize::MAX, lawful)] {
            from.sort_by(|one, other| one.0.cmp(&other.0));
            let left = scenario.matters.saturating_sub(taken.len());
            for (_, at, truth) in from.into_iter().take(share.min(left)) {
                taken.insert(at);
                picked.push(Picked { team, at, known: self.known(at), truth });
            }
        }
    }

    /// What risk rules of an agency bring up: goods that may need a licence, and goods that only pass through.
    fn worth_a_look(&self, at: At) -> bool {
        let records = &self.ground.records;
        match at.table {
            Table::Declaration => {
                let text = |name: &str| records.text(at, place(at.table, name));
                let passes = text("regime") == "31";
                passes || (text("direction") == "EXPORT" && !text("end_user_name").is_empty())
            }
            _ => true,
        }
    }

    fn id_of(&self, at: At) -> String {
        self.ground.records.text(at, place(at.table, "id")).to_owned()
    }

    /// Matters come evenly, and the last of them early enough that all can be decided on.
    fn schedule(&mut self, scenario: &Scenario, picked: &[Picked]) {
        let room = scenario.length.0.saturating_sub(scenario.window.0).max(1);
        let count = (picked.len() as u64).max(1);
        let when = |place: usize| Exercise(room * (2 * place as u64 + 1) / (2 * count));
        let start = (Exercise(0), picked.first().map_or(0, |first| first.known - 86_400));
        let points = picked.iter().enumerate().map(|(place, one)| (when(place), one.known));
        // After the last matter time goes on as fast as on the whole.
        let span = picked.last().map_or(0, |last| last.known - start.1);
        let rest = i128::from(span) * i128::from(scenario.window.0) / i128::from(room);
        let end =
            picked.last().map_or(0, |last| last.known) + i64::try_from(rest).unwrap_or_default();
        let points = std::iter::once(start).chain(points).chain([(scenario.length, end)]);
        self.story = Story::new(points);
    }

    fn tell(&mut self, scenario: &Scenario, picked: Vec<Picked>, played: &[usize]) {
        let value_of = |records: &Records, at: At| {
            let column = match at.table {
                Table::Payment => "amount",
                Table::Declaration => "value",
                _ => return 0.0,
            };
            records.number(at, place(at.table, column)).unwrap_or_default()
        };
        let mut matters = vec![];
        for (number, one) in (0_u32..).zip(picked) {
            let arrives = self.story.exercise(one.known).unwrap_or(scenario.length);
            matters.push(Matter {
                id: MatterId(number),
                team: one.team,
                at: one.at,
                record: self.id_of(one.at),
                arrives,
                leaves: Exercise(arrives.0.saturating_add(scenario.window.0)).min(scenario.length),
                value: value_of(&self.ground.records, one.at),
                truth: one.truth,
            });
        }
        self.cases = played
            .iter()
            .enumerate()
            .filter_map(|(place, number)| {
                let case = self.ground.known.cases.get(*number)?;
                Some(self.story_of(scenario, case, place, &matters))
            })
            .collect();
        self.matters = matters;
    }

    fn story_of(
        &self,
        scenario: &Scenario,
        case: &KnownCase,
        place: usize,
        matters: &[Matter],
    ) -> PlotCase {
        let agency = |at: At| self.ground.records.text_of(self.ground.records.agency(at));
        let when = |at: At| self.story.exercise(self.known(at)).unwrap_or(scenario.length);
        let mut traces: Vec<Trace> = case
            .rows
            .iter()
            .filter(|(_, holder)| !holder.is_empty())
            .map(|(at, holder)| Trace {
                at: *at,
                record: self.id_of(*at),
                agency: agency(*at).to_owned(),
                holder: holder.clone(),
                known: when(*at),
            })
            .collect();
        traces.sort_by_key(|trace| (trace.known, trace.at));
        let mine: Vec<&Matter> =
            matters.iter().filter(|matter| matter.truth == Truth::Case(place)).collect();
        let all_of = |set: &Vec<String>| {
            let theirs = traces.iter().filter(|trace| set.contains(&trace.agency));
            theirs.map(|trace| trace.known).max().unwrap_or(scenario.length)
        };
        let last = mine.iter().map(|matter| matter.leaves).max().unwrap_or(scenario.length);
        PlotCase {
            id: case.id.clone(),
            scheme: case.kind.clone(),
            hazard: scenario.hazard_of(&case.kind),
            needs: case.needs.clone(),
            first: traces.first().map_or(Exercise(0), |trace| trace.known),
            joint: case.needs.iter().map(all_of).min().unwrap_or(scenario.length),
            exit: last,
            matters: mine.iter().map(|matter| matter.id).collect(),
            traces,
        }
    }
}

/// A world's records and truth, and what its labels say of declarations.
fn ground(world: &World, scenario: &Scenario) -> Result<(Ground, Labels), PlotError> {
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
    Ok((Ground::with_truth(world, records, &truth), labels))
}

fn known(records: &Records, at: At) -> i64 {
    let seconds = since(at.table).and_then(|name| records.number(at, place(at.table, name)));
    #[expect(clippy::cast_possible_truncation, reason = "seconds of some thousand years")]
    seconds.map_or(i64::MIN, |seconds| seconds as i64)
}
