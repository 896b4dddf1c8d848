//! The game: matters come, injects happen, teams ask and decide, inspections end. Whatever happens is an event before
//! anything follows from it. Time is the clock's; with nobody to wait for it runs as fast as the gateway answers.

use std::collections::{BTreeMap, BTreeSet};

use super::bot::{Act, Bot, called_for, everything, fitting, let_go, worst};
use super::clock::{Clock, Command, Exercise, Inject, Wall};
use super::desk::{Ask, Reply};
use super::event::{Answered, Decision, Event, What};
use super::log::{Log, LogError};
use super::playbook::{Found, Judgement, Lead, Own};
use super::plot::{Matter, MatterId, Plot, Truth};
use super::scenario::{Check, Happening, Scenario};

/// Why a game ended before its end.
#[derive(Debug, thiserror::Error)]
pub enum PlayError {
    /// The event log.
    #[error(transparent)]
    Log(#[from] LogError),
    /// Somebody wanted it to stop.
    #[error("stopped; what happened so far is in the event log")]
    Stopped,
}

/// Where events go.
pub trait Sink {
    /// Takes an event; when it returns, the event has happened.
    ///
    /// # Errors
    /// When it could not be kept.
    fn put(&mut self, event: &Event) -> Result<(), LogError>;
}

impl Sink for Log {
    fn put(&mut self, event: &Event) -> Result<(), LogError> {
        self.append(event)
    }
}

/// Nowhere but memory: the game keeps its events anyway.
#[derive(Debug, Clone, Copy)]
pub struct Memory;

impl Sink for Memory {
    fn put(&mut self, _event: &Event) -> Result<(), LogError> {
        Ok(())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Arrive(MatterId),
    Outcome(MatterId),
    Look(MatterId, u8),
    Overdue(u32),
}

/// How long it takes to open a box, in milliseconds of exercise time.
const INSPECTION: u64 = 45_000;
/// When bots look at a matter, in hundredths of the time that it is within reach.
const LOOKS: [u64; 3] = [2, 50, 95];
/// How often the greedy fetch everything anew, in parts of the exercise.
const FETCHES: u64 = 8;

/// A game under way.
pub struct Game<'p> {
    scenario: &'p Scenario,
    plot: &'p Plot,
    bots: Vec<Bot>,
    clock: Clock,
    agenda: BTreeSet<(Exercise, Step)>,
    /// All events so far.
    pub events: Vec<Event>,
    settled: BTreeSet<MatterId>,
    opened: BTreeMap<(usize, u64), u32>,
    off_until: Exercise,
    plans: BTreeSet<String>,
    fetched: BTreeMap<(usize, String, &'static str, u64), Found>,
}

impl<'p> Game<'p> {
    /// A game of a plot, with a bot for each team in the order of the teams.
    pub fn new(scenario: &'p Scenario, plot: &'p Plot, bots: &[Bot]) -> Self {
        let mut clock = Clock::default();
        let planned = scenario.msel.entries.iter();
        for entry in planned.filter(|entry| entry.kind != Happening::Contingency) {
            // A clock that has not begun takes any plan within the exercise.
            let _ = clock.apply(Wall(0), Command::Plan(Inject(entry.number), entry.at));
        }
        let agenda = plot.matters.iter().map(|one| (one.arrives, Step::Arrive(one.id))).collect();
        Self {
            scenario,
            plot,
            bots: bots.to_vec(),
            clock,
            agenda,
            events: vec![],
            settled: BTreeSet::new(),
            opened: BTreeMap::new(),
            off_until: Exercise(0),
            plans: BTreeSet::new(),
            fetched: BTreeMap::new(),
        }
    }

    /// Plays to the end of exercise time. `speed`: so many times faster than the wall; none: as fast as it goes. `tell`
    /// hears of every event, and says whether to go on.
    ///
    /// # Errors
    /// As [`PlayError`].
    pub async fn play(
        &mut self,
        ask: &mut impl Ask,
        sink: &mut impl Sink,
        speed: Option<u32>,
        mut tell: impl FnMut(&Event) -> bool,
    ) -> Result<(), PlayError> {
        let begun = tokio::time::Instant::now();
        self.put(sink, Exercise(0), "host", self.began())?;
        let factor = u64::from(speed.unwrap_or(1));
        for command in [Command::Speed(speed.unwrap_or(1)), Command::Start] {
            let (due, _) = self.clock.apply(Wall(0), command);
            self.put(sink, Exercise(0), "trainer", What::Clock { command })?;
            for due in due {
                self.inject(sink, due.exercise, due.inject)?;
            }
        }
        let mut told = 0;
        loop {
            for event in self.events.iter().skip(told) {
                if !tell(event) {
                    return Err(PlayError::Stopped);
                }
            }
            told = self.events.len();
            let step = self.agenda.first().map(|(at, _)| *at);
            let inject = self.clock.agenda().next().map(|(at, _)| at);
            let next = step.into_iter().chain(inject).min();
            let Some(next) = next.filter(|next| *next < self.scenario.length) else { break };
            let wall = Wall(next.0.div_ceil(factor));
            if speed.is_some() {
                let ahead = std::time::Duration::from_millis(wall.0);
                tokio::time::sleep_until(begun + ahead).await;
            }
            for due in self.clock.advance(wall) {
                self.inject(sink, due.exercise, due.inject)?;
            }
            while let Some((at, step)) = self.agenda.first().copied().filter(|(at, _)| *at <= next)
            {
                self.agenda.pop_first();
                self.step(ask, sink, at, step).await?;
            }
        }
        let end = Wall(self.scenario.length.0.div_ceil(factor));
        if speed.is_some() {
            tokio::time::sleep_until(begun + std::time::Duration::from_millis(end.0)).await;
        }
        let _ = self.clock.apply(end, Command::End);
        let what = What::Clock { command: Command::End };
        self.put(sink, self.scenario.length, "trainer", what)?;
        Ok(())
    }

    /// Adds what the gateway's log says, and ends the log of the drill.
    ///
    /// # Errors
    /// As [`PlayError`].
    pub fn close(
        &mut self,
        sink: &mut impl Sink,
        from_the_log: Vec<What>,
        checkpoint: String,
        entries: u64,
    ) -> Result<(), PlayError> {
        for what in from_the_log {
            self.put(sink, self.scenario.length, "host", what)?;
        }
        self.put(sink, self.scenario.length, "host", What::Ended { checkpoint, entries })
    }

    fn began(&self) -> What {
        What::Began {
            scenario: self.scenario.name.clone(),
            scenario_hash: self.scenario.hash.clone(),
            pack_hash: self.plot.pack_hash.clone(),
            seed: self.plot.seed,
            engine: env!("CARGO_PKG_VERSION").to_owned(),
            players: self.bots.iter().map(|bot| format!("bot:{}", bot.word())).collect(),
        }
    }

    fn put(
        &mut self,
        sink: &mut impl Sink,
        exercise: Exercise,
        by: &str,
        what: What,
    ) -> Result<(), PlayError> {
        let number = self.events.len() as u64;
        let wall = Wall(exercise.0 / u64::from(self.clock.speed()).max(1));
        let event = Event { number, wall, exercise, by: by.to_owned(), what };
        sink.put(&event)?;
        self.events.push(event);
        Ok(())
    }

    fn inject(
        &mut self,
        sink: &mut impl Sink,
        at: Exercise,
        Inject(number): Inject,
    ) -> Result<(), PlayError> {
        self.put(sink, at, "trainer", What::Inject { inject: number })?;
        let Some(entry) = self.scenario.msel.entries.iter().find(|one| one.number == number) else {
            return Ok(());
        };
        if entry.kind == Happening::InspectorsOff {
            let shift = self.shift_length();
            self.off_until = Exercise((at.0 / shift + 1) * shift);
        }
        if let Some(minutes) = entry.maximum_minutes.filter(|_| self.waited_for(number)) {
            let until = Exercise(at.0 + u64::from(minutes) * 60_000);
            self.agenda.insert((until, Step::Overdue(number)));
        }
        Ok(())
    }

    fn waited_for(&self, number: u32) -> bool {
        let after = |check: &Option<Check>| *check == Some(Check::After(number));
        self.scenario.msel.entries.iter().any(|entry| after(&entry.check))
    }

    /// A contingency happens where the expected action of another inject did not come.
    fn overdue(
        &mut self,
        sink: &mut impl Sink,
        at: Exercise,
        number: u32,
    ) -> Result<(), PlayError> {
        let entries = &self.scenario.msel.entries;
        let check =
            entries.iter().find(|one| one.number == number).and_then(|one| one.check.clone());
        let shown = |event: &Event| event.what == What::Inject { inject: number };
        let since = self.events.iter().position(shown).unwrap_or_default();
        let came = self.events.iter().skip(since).any(|event| is_done(event, check.as_ref()));
        if came {
            return Ok(());
        }
        let then: Vec<u32> = entries
            .iter()
            .filter(|entry| entry.check == Some(Check::After(number)))
            .map(|entry| entry.number)
            .collect();
        for number in then {
            self.inject(sink, at, Inject(number))?;
        }
        Ok(())
    }

    fn shift_length(&self) -> u64 {
        u64::from(self.scenario.inspections.shift_minutes) * 60_000
    }

    fn can_inspect(&self, team: usize, at: Exercise) -> bool {
        let shift = at.0 / self.shift_length();
        let used = self.opened.get(&(team, shift)).copied().unwrap_or_default();
        at >= self.off_until && used < self.scenario.inspections.per_shift
    }

    async fn step(
        &mut self,
        ask: &mut impl Ask,
        sink: &mut impl Sink,
        at: Exercise,
        step: Step,
    ) -> Result<(), PlayError> {
        let matter = match step {
            Step::Overdue(number) => return self.overdue(sink, at, number),
            Step::Arrive(id) | Step::Outcome(id) | Step::Look(id, _) => self.plot.matter(id),
        };
        let Some(matter) = matter else { return Ok(()) };
        match step {
            Step::Arrive(_) => {
                self.put(sink, at, "host", What::Arrived { matter: matter.id })?;
                let reach = matter.leaves.0.saturating_sub(matter.arrives.0);
                for (look, share) in (0..).zip(LOOKS) {
                    let when = Exercise(at.0 + reach * share / 100);
                    self.agenda.insert((when, Step::Look(matter.id, look)));
                }
            }
            Step::Outcome(_) => self.outcome(sink, at, matter)?,
            Step::Look(id, _) if self.settled.contains(&id) => {}
            Step::Look(_, look) => self.look(ask, sink, at, matter, look).await?,
            Step::Overdue(_) => {}
        }
        Ok(())
    }

    fn outcome(
        &mut self,
        sink: &mut impl Sink,
        at: Exercise,
        matter: &Matter,
    ) -> Result<(), PlayError> {
        let irregular = shows_when_opened(self.plot, matter);
        self.put(sink, at, "host", What::Inspected { matter: matter.id, irregular })?;
        if matter.leaves <= at {
            return Ok(());
        }
        let act = if irregular {
            let reason = "what was found does not fit the papers".to_owned();
            Act { decision: Decision::Seize, confidence: 97, reason }
        } else {
            // An inspection clears goods, and not whoever gets them.
            let reason = "the goods are what the papers say".to_owned();
            Act { decision: let_go(matter.at.table), confidence: 4, reason }
        };
        self.decide(sink, at, matter, act, vec![])
    }

    fn decide(
        &mut self,
        sink: &mut impl Sink,
        at: Exercise,
        matter: &Matter,
        act: Act,
        evidence: Vec<String>,
    ) -> Result<(), PlayError> {
        self.settled.insert(matter.id);
        if act.decision == Decision::Inspect {
            let shift = at.0 / self.shift_length();
            *self.opened.entry((matter.team, shift)).or_default() += 1;
            self.agenda.insert((Exercise(at.0 + INSPECTION), Step::Outcome(matter.id)));
        }
        let team = self.team(matter.team);
        let what = What::Decided {
            matter: matter.id,
            decision: act.decision,
            confidence: act.confidence,
            reason: act.reason,
            evidence,
        };
        self.put(sink, at, &team, what)
    }

    fn team(&self, place: usize) -> String {
        self.scenario.teams.get(place).map_or_else(String::new, |team| team.agency.clone())
    }

    async fn look(
        &mut self,
        ask: &mut impl Ask,
        sink: &mut impl Sink,
        at: Exercise,
        matter: &Matter,
        look: u8,
    ) -> Result<(), PlayError> {
        let plot = self.plot;
        let now = plot.story.world(at);
        let own = Own { world: &plot.world, ground: &plot.ground, at: matter.at, now };
        let bot = self.bots.get(matter.team).copied().unwrap_or(Bot::Silent);
        let last = usize::from(look) + 1 == LOOKS.len();
        let (made, evidence) = match bot {
            Bot::Silent => return Ok(()),
            Bot::HoldEverything => (Some(Judgement { suspicion: 1.0, why: "held" }), vec![]),
            Bot::Oracle => {
                let wrong = matches!(matter.truth, Truth::Case(_) | Truth::Fraud(_));
                let suspicion = if wrong { 1.0 } else { 0.0 };
                (Some(Judgement { suspicion, why: "known" }), vec![])
            }
            Bot::SoloCareful | Bot::SoloBold => {
                (worst(called_for(&own).into_iter().map(|(_, alone)| alone)), vec![])
            }
            Bot::Good | Bot::Greedy => self.enquire(ask, sink, at, matter, &own, bot).await?,
        };
        let nothing = Judgement { suspicion: 0.02, why: "nothing gives cause" };
        let made = made.unwrap_or(nothing);
        let can_inspect = self.can_inspect(matter.team, at);
        match bot.act(matter.at.table, &made, can_inspect, last || bot == Bot::Oracle) {
            Some(act) => self.decide(sink, at, matter, act, evidence),
            None => Ok(()),
        }
    }

    /// Asks what playbooks have cause to ask, and judges by the answers.
    async fn enquire(
        &mut self,
        ask: &mut impl Ask,
        sink: &mut impl Sink,
        at: Exercise,
        matter: &Matter,
        own: &Own<'_>,
        bot: Bot,
    ) -> Result<(Option<Judgement>, Vec<String>), PlayError> {
        let (mut judged, mut evidence) = (vec![], vec![]);
        for (book, alone) in called_for(own) {
            let mut found: Vec<Found> = vec![];
            let mut asked = false;
            while let Some(lead) = book.lead(own, &found) {
                let got = if bot == Bot::Greedy {
                    let all = self.fetch(ask, sink, at, matter, &lead, own.now).await?;
                    fitting(&lead, all)
                } else {
                    let (team, id, now) = (matter.team, Some(matter.id), own.now);
                    let question = Question { team, matter: id, lead: &lead, now };
                    let reply = self.ask(ask, sink, at, question).await?;
                    if let Answered::Records { count: 1.., exchange } = &reply.answered {
                        evidence.push(exchange.clone());
                    }
                    reply.found
                };
                asked |= got.is_some();
                found.push(got);
            }
            judged.push(if asked { book.judge(own, &found) } else { alone });
        }
        Ok((worst(judged), evidence))
    }

    /// Everything of a type that an agency tells, kept for a while.
    async fn fetch(
        &mut self,
        ask: &mut impl Ask,
        sink: &mut impl Sink,
        at: Exercise,
        matter: &Matter,
        lead: &Lead,
        now: i64,
    ) -> Result<Found, PlayError> {
        let turn = at.0 * FETCHES / self.scenario.length.0.max(1);
        let key = (matter.team, lead.of.clone(), lead.table.name(), turn);
        if let Some(known) = self.fetched.get(&key) {
            return Ok(known.clone());
        }
        let question = Question { team: matter.team, matter: None, lead: &everything(lead), now };
        let reply = self.ask(ask, sink, at, question).await?;
        self.fetched.insert(key, reply.found.clone());
        Ok(reply.found)
    }

    async fn ask(
        &mut self,
        ask: &mut impl Ask,
        sink: &mut impl Sink,
        at: Exercise,
        question: Question<'_>,
    ) -> Result<Reply, PlayError> {
        let Question { team, matter, lead, now } = question;
        let team = self.team(team);
        let reply = ask.ask(&team, lead, now).await;
        for plan in &reply.plans {
            if let What::Plan { plan: hash, .. } = plan
                && self.plans.insert(hash.clone())
            {
                self.put(sink, at, "host", plan.clone())?;
            }
        }
        let what = What::Asked {
            matter,
            of: lead.of.clone(),
            record_type: lead.table.record_type().rsplit('.').next().unwrap_or_default().to_owned(),
            answer: reply.answered.clone(),
        };
        self.put(sink, at, &team, what)?;
        Ok(reply)
    }
}

struct Question<'q> {
    team: usize,
    matter: Option<MatterId>,
    lead: &'q Lead,
    now: i64,
}

/// Whether an event is the action that a check waits for.
pub(crate) fn is_done(event: &Event, check: Option<&Check>) -> bool {
    match (check, &event.what) {
        (Some(Check::Asked(team, agency)), What::Asked { of, .. }) => {
            event.by == *team && of == agency
        }
        (Some(Check::Decided(team)), What::Decided { .. }) => event.by == *team,
        (Some(Check::Stopped(team)), What::Decided { decision, .. }) => {
            event.by == *team && decision.stops()
        }
        _ => false,
    }
}

/// What shows when goods are opened: fraud, another code or more mass than declared. Goods that are what their papers say
/// show nothing, wherever they go in the end.
fn shows_when_opened(plot: &Plot, matter: &Matter) -> bool {
    match &matter.truth {
        Truth::Fraud(_) => true,
        Truth::Case(case) => plot
            .cases
            .get(*case)
            .is_some_and(|case| matches!(case.scheme.as_str(), "T04" | "T12" | "T05" | "T11")),
        Truth::Decoy(_) | Truth::Innocent => false,
    }
}

#[cfg(test)]
pub(crate) mod tests;
