//! Where a drill stands: a fold of its events. Whatever is shown, allowed or due follows from the scenario, the plot and the
//! events so far, so that a host that was killed reads its log and is where it was.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::rules::is_done;
use crate::drill::clock::{Clock, Command, Due, Exercise, Inject, Wall};
use crate::drill::event::{Decision, Event, What};
use crate::drill::plot::{Matter, MatterId, Plot};
use crate::drill::scenario::{Check, Entry, Happening, Scenario};
use crate::drill::smuggler::{Off, reroutes};

/// How long it takes to open a box, in milliseconds of exercise time.
const INSPECTION: u64 = 45_000;
/// When bots look at a matter, in hundredths of the time that it is within reach.
pub(super) const LOOKS: [u64; 3] = [2, 50, 95];

/// Something that comes by itself. At one moment they come in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// An inject happens.
    Inject(u32),
    /// A matter comes to its team.
    Arrive(MatterId),
    /// An inspection ends.
    Outcome(MatterId),
    /// A bot hears what an inspection of its team found.
    Found(MatterId),
    /// A bot looks at a matter, for the so-manieth time.
    Look(MatterId, u8),
    /// The time for what an inject asked of players is over.
    Overdue(u32),
    /// What an inject had changed is as it was before.
    Ends(u32),
}

/// A decision that stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stands {
    /// What.
    pub decision: Decision,
    /// How sure that something is wrong, 0 to 100.
    pub confidence: u8,
    /// Since when.
    pub at: Exercise,
}

/// Where a drill stands.
#[derive(Debug)]
pub struct State<'p> {
    /// What is played.
    pub scenario: &'p Scenario,
    /// With what.
    pub plot: &'p Plot,
    /// Everything that happened.
    pub events: Vec<Event>,
    clock: Clock,
    emergency: bool,
    bots: BTreeSet<usize>,
    agenda: BTreeSet<(Exercise, Step)>,
    owed: VecDeque<Due>,
    rows: BTreeMap<u32, Entry>,
    shown: BTreeMap<u32, Exercise>,
    withdrawn: BTreeSet<u32>,
    arrived: BTreeSet<MatterId>,
    holders: BTreeMap<MatterId, usize>,
    decided: BTreeMap<MatterId, Stands>,
    found: BTreeMap<MatterId, (bool, Exercise)>,
    opened: BTreeMap<(usize, u64), u32>,
    off_until: Exercise,
    plans: BTreeSet<String>,
    keys: BTreeMap<String, u64>,
    off: Off,
}

impl<'p> State<'p> {
    /// Before the first event. `bots`: places of the teams that bots play.
    pub fn new(scenario: &'p Scenario, plot: &'p Plot, bots: BTreeSet<usize>) -> Self {
        let mut clock = Clock::default();
        let planned = scenario.msel.entries.iter();
        for entry in planned.filter(|entry| entry.kind != Happening::Contingency) {
            // A clock that has not begun takes any plan within the exercise.
            let _ = clock.apply(Wall(0), Command::Plan(Inject(entry.number), entry.at));
        }
        let rows = scenario.msel.entries.iter().map(|entry| (entry.number, entry.clone()));
        let off = Off::first(plot);
        let coming = plot.matters.iter().filter(|one| off.comes(one));
        Self {
            scenario,
            plot,
            events: vec![],
            clock,
            emergency: false,
            bots,
            agenda: coming.map(|one| (one.arrives, Step::Arrive(one.id))).collect(),
            owed: VecDeque::new(),
            rows: rows.collect(),
            shown: BTreeMap::new(),
            withdrawn: BTreeSet::new(),
            arrived: BTreeSet::new(),
            holders: plot.matters.iter().map(|one| (one.id, one.team)).collect(),
            decided: BTreeMap::new(),
            found: BTreeMap::new(),
            opened: BTreeMap::new(),
            off_until: Exercise(0),
            plans: BTreeSet::new(),
            keys: BTreeMap::new(),
            off,
        }
    }

    /// The clock.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Whether exercise time stands for a real emergency.
    pub fn emergency(&self) -> bool {
        self.emergency
    }

    /// Exercise time, at the last moment that was heard of.
    pub fn now(&self) -> Exercise {
        self.clock.now().1.min(self.scenario.length)
    }

    /// What injects have changed and is not over yet.
    pub fn lasting(&self) -> Vec<Entry> {
        let ended = |entry: &Entry, at: Exercise| {
            let minutes = entry.maximum_minutes.map(|minutes| u64::from(minutes) * 60_000);
            minutes.is_some_and(|long| at.0 + long <= self.now().0)
        };
        let lasting = self.shown.iter().filter_map(|(number, at)| {
            let entry = self.rows.get(number).filter(|entry| entry.kind.lasts())?;
            (!self.withdrawn.contains(number) && !ended(entry, *at)).then(|| entry.clone())
        });
        lasting.collect()
    }

    /// Rows of the list of injects as they are now, by number.
    pub fn rows(&self) -> impl Iterator<Item = &Entry> {
        self.rows.values()
    }

    /// A row.
    pub fn row(&self, number: u32) -> Option<&Entry> {
        self.rows.get(&number)
    }

    /// When an inject happened.
    pub fn shown(&self, number: u32) -> Option<Exercise> {
        self.shown.get(&number).copied()
    }

    /// Whether an inject was taken back.
    pub fn is_withdrawn(&self, number: u32) -> bool {
        self.withdrawn.contains(&number)
    }

    /// When what an inject asks of players was done, if it was after it had happened.
    pub fn met(&self, number: u32) -> Option<Exercise> {
        let check = self.rows.get(&number)?.check.as_ref();
        let since = self.shown.get(&number)?;
        let done = |event: &&Event| event.exercise >= *since && is_done(event, check);
        self.events.iter().find(done).map(|event| event.exercise)
    }

    /// Whether a matter has come.
    pub fn has_arrived(&self, id: MatterId) -> bool {
        self.arrived.contains(&id)
    }

    /// The team that decides on a matter.
    pub fn holder(&self, id: MatterId) -> Option<usize> {
        self.holders.get(&id).copied()
    }

    /// The decision on a matter that stands.
    pub fn decided(&self, id: MatterId) -> Option<Stands> {
        self.decided.get(&id).copied()
    }

    /// What an inspection found: whether something does not fit the papers.
    pub fn found(&self, id: MatterId) -> Option<bool> {
        self.found.get(&id).map(|(irregular, _)| *irregular)
    }

    /// The event that a call under this key became.
    pub fn under(&self, key: &str) -> Option<&Event> {
        let number = self.keys.get(key)?;
        self.events.get(usize::try_from(*number).ok()?)
    }

    /// A team's agency.
    pub fn team(&self, place: usize) -> &'p str {
        self.scenario.teams.get(place).map_or("", |team| team.agency.as_str())
    }

    /// A team's place, by its agency.
    pub fn place(&self, agency: &str) -> Option<usize> {
        self.scenario.teams.iter().position(|team| team.agency == agency)
    }

    /// Whether a bot plays a team.
    pub fn is_bot(&self, place: usize) -> bool {
        self.bots.contains(&place)
    }

    /// Length of a shift and inspections that a team has left in the one that it is in at a moment.
    pub fn inspections_left(&self, team: usize, at: Exercise) -> (u64, u32) {
        let length = u64::from(self.scenario.inspections.shift_minutes) * 60_000;
        let used = self.opened.get(&(team, at.0 / length)).copied().unwrap_or_default();
        let left = self.scenario.inspections.per_shift.saturating_sub(used);
        (length, if at < self.off_until { 0 } else { left })
    }

    /// Cases that do not happen, by now.
    pub fn off(&self) -> &Off {
        &self.off
    }

    /// What others do about the last event, before anything else happens.
    pub fn follows(&self) -> Option<What> {
        reroutes(self.plot, &self.off, &self.scenario.teams, &self.events)
    }

    /// Whether a plan has been written down.
    pub fn knows_plan(&self, hash: &str) -> bool {
        self.plans.contains(hash)
    }

    /// The next moment at which something comes by itself.
    pub fn next(&self) -> Option<Exercise> {
        let step = self.agenda.first().map(|(at, _)| *at);
        let owed = self.owed.front().map(|due| due.exercise);
        let inject = self.clock.agenda().next().map(|(at, _)| at);
        step.into_iter().chain(owed).chain(inject).min()
    }

    /// Lets time pass, never beyond the end of the exercise.
    pub fn tick(&mut self, wall: Wall) {
        let end = self.clock.wall_of(self.scenario.length);
        let running = self.clock.state() == crate::drill::clock::State::Running;
        let wall = if running { wall.min(end.max(self.clock.now().0)) } else { wall };
        self.owed.extend(self.clock.advance(wall));
    }

    /// Takes what has come by now, the earliest first.
    pub fn due(&mut self) -> Option<(Exercise, Step)> {
        let owed = self.owed.front().map(|due| (due.exercise, Step::Inject(due.inject.0)));
        let step = self.agenda.first().copied().filter(|(at, _)| *at <= self.clock.now().1);
        match (owed, step) {
            (Some(owed), step) if step.is_none_or(|step| owed <= step) => {
                self.owed.pop_front();
                Some(owed)
            }
            (_, Some(step)) => {
                self.agenda.pop_first();
                Some(step)
            }
            (_, None) => None,
        }
    }

    /// What follows from something that has come. Nothing of bots' own.
    pub fn happens(&self, step: Step) -> Vec<What> {
        match step {
            Step::Inject(number) => vec![What::Inject { inject: number }],
            Step::Arrive(matter) => vec![What::Arrived { matter }],
            Step::Outcome(matter) => {
                let irregular = self
                    .plot
                    .matter(matter)
                    .is_some_and(|one| super::rules::shows_when_opened(self.plot, one));
                vec![What::Inspected { matter, irregular }]
            }
            Step::Overdue(number) => self.contingencies(number),
            Step::Found(_) | Step::Look(..) | Step::Ends(_) => vec![],
        }
    }

    /// What an inject changes of the exchange, and whether it begins or ends.
    pub fn turns(&self, step: Step) -> Option<(Entry, bool)> {
        let (number, on) = match step {
            Step::Inject(number) => (number, true),
            Step::Ends(number) => (number, false),
            _ => return None,
        };
        let entry = self.rows.get(&number).filter(|entry| entry.kind.lasts())?;
        Some((entry.clone(), on))
    }

    /// Contingencies happen where the expected action of another inject did not come.
    fn contingencies(&self, number: u32) -> Vec<What> {
        if self.met(number).is_some() || self.withdrawn.contains(&number) {
            return vec![];
        }
        let waits = |entry: &&Entry| {
            entry.check == Some(Check::After(number))
                && !self.shown.contains_key(&entry.number)
                && !self.withdrawn.contains(&entry.number)
        };
        let rows = self.rows.values().filter(waits);
        rows.map(|entry| What::Inject { inject: entry.number }).collect()
    }

    /// An event that would happen now, as of an exercise time.
    pub fn event(&self, exercise: Exercise, by: &str, what: What) -> Event {
        Event {
            number: self.events.len() as u64,
            wall: self.clock.now().0,
            exercise,
            by: by.to_owned(),
            player: String::new(),
            key: String::new(),
            what,
        }
    }

    /// Takes an event that has happened.
    pub fn apply(&mut self, event: Event) {
        self.tick(event.wall);
        if !event.key.is_empty() {
            self.keys.insert(event.key.clone(), event.number);
        }
        let at = event.exercise;
        match &event.what {
            What::Clock { command } => {
                if matches!(command, Command::Resume | Command::Start) {
                    self.emergency = false;
                }
                self.command(event.wall, *command);
            }
            What::NoDuff { .. } => {
                self.emergency = true;
                self.command(event.wall, Command::Pause);
            }
            What::Inject { inject } => self.inject(at, *inject),
            What::Planned { entry } => self.planned(event.wall, entry),
            What::Withdrawn { inject, .. } => {
                self.withdrawn.insert(*inject);
                self.owed.retain(|due| due.inject.0 != *inject);
                self.command(event.wall, Command::Skip(Inject(*inject)));
                self.agenda.retain(|(_, step)| *step != Step::Ends(*inject));
                if self.shown.contains_key(inject)
                    && self.rows.get(inject).is_some_and(|entry| entry.kind.lasts())
                {
                    self.agenda.insert((at, Step::Ends(*inject)));
                }
            }
            What::Arrived { matter } => self.arrives(at, *matter),
            What::Inspected { matter, irregular } => {
                self.agenda.retain(|(_, step)| *step != Step::Outcome(*matter));
                self.found.insert(*matter, (*irregular, at));
                if self.holder(*matter).is_some_and(|team| self.bots.contains(&team)) {
                    self.agenda.insert((at, Step::Found(*matter)));
                }
            }
            What::HandedOver { matter, to, .. } => {
                if let Some(place) = self.place(to) {
                    self.holders.insert(*matter, place);
                }
            }
            What::Decided { matter, decision, confidence, .. } => {
                let stands = Stands { decision: *decision, confidence: *confidence, at };
                self.decides(*matter, stands);
            }
            What::Rerouted { case, to, .. } => self.rerouted(at, case, to),
            What::Plan { plan, .. } => {
                self.plans.insert(plan.clone());
            }
            _ => {}
        }
        self.events.push(event);
    }

    fn command(&mut self, wall: Wall, command: Command) {
        // What is refused changes nothing; it was asked before it was written down.
        let (due, _) = self.clock.apply(wall, command);
        self.owed.extend(due);
    }

    fn inject(&mut self, at: Exercise, number: u32) {
        self.owed.retain(|due| due.inject.0 != number);
        self.shown.insert(number, at);
        let Some(entry) = self.rows.get(&number) else { return };
        let minutes = entry.maximum_minutes;
        if entry.kind == Happening::InspectorsOff {
            let shift = u64::from(self.scenario.inspections.shift_minutes) * 60_000;
            self.off_until = Exercise((at.0 / shift + 1) * shift);
        }
        if let Some(minutes) = minutes.filter(|_| entry.kind.lasts()) {
            let until = Exercise(at.0 + u64::from(minutes) * 60_000);
            self.agenda.insert((until, Step::Ends(number)));
        }
        let after = |entry: &Entry| entry.check == Some(Check::After(number));
        if let Some(minutes) = minutes.filter(|_| self.rows.values().any(after)) {
            let until = Exercise(at.0 + u64::from(minutes) * 60_000);
            self.agenda.insert((until, Step::Overdue(number)));
        }
    }

    fn planned(&mut self, wall: Wall, entry: &Entry) {
        self.withdrawn.remove(&entry.number);
        self.rows.insert(entry.number, entry.clone());
        if entry.kind != Happening::Contingency {
            self.command(wall, Command::Plan(Inject(entry.number), entry.at));
        }
    }

    fn rerouted(&mut self, at: Exercise, case: &str, to: &str) {
        self.off.reroute(self.plot, at, case, to);
        for matter in &self.plot.matters {
            let arrival = (matter.arrives, Step::Arrive(matter.id));
            if !self.off.comes(matter) {
                self.agenda.remove(&arrival);
            } else if matter.arrives > at {
                self.agenda.insert(arrival);
            }
        }
    }

    fn arrives(&mut self, at: Exercise, matter: MatterId) {
        self.agenda.retain(|(_, step)| *step != Step::Arrive(matter));
        self.arrived.insert(matter);
        self.looks(at, matter);
    }

    /// A bot that has a matter looks at it from time to time.
    fn looks(&mut self, from: Exercise, id: MatterId) {
        let Some(matter) = self.plot.matter(id) else { return };
        if !self.holder(id).is_some_and(|team| self.bots.contains(&team)) {
            return;
        }
        let reach = matter.leaves.0.saturating_sub(from.0);
        for (look, share) in (0..).zip(LOOKS) {
            self.agenda.insert((Exercise(from.0 + reach * share / 100), Step::Look(id, look)));
        }
    }

    fn decides(&mut self, id: MatterId, stands: Stands) {
        self.decided.insert(id, stands);
        self.agenda.retain(|(_, step)| *step != Step::Found(id));
        let Some(team) = self.holder(id) else { return };
        if stands.decision == Decision::Inspect {
            let (length, _) = self.inspections_left(team, stands.at);
            *self.opened.entry((team, stands.at.0 / length)).or_default() += 1;
            self.agenda.insert((Exercise(stands.at.0 + INSPECTION), Step::Outcome(id)));
        }
    }

    /// Matters that have come to a team, in the order in which they came.
    pub fn matters(&self, team: usize) -> impl Iterator<Item = &'p Matter> {
        let mine = move |one: &&Matter| {
            self.arrived.contains(&one.id) && self.holder(one.id) == Some(team)
        };
        self.plot.matters.iter().filter(mine)
    }
}
