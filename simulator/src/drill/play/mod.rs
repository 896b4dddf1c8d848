//! The game: matters come, injects happen, teams ask and decide, inspections end. Whatever happens is an event before
//! anything follows from it.
//!
//! - `state.rs`: where a drill stands, a fold of its events; `rules.rs`: what teams may do
//! - `mind.rs`: how bots think; `again.rs`: a game taken up somewhere in its log
//! - here: games of bots alone, one after the other, as fast as the gateway answers or by the clock; with people beside
//!   them see [`super::live`]

mod again;
mod mind;
pub mod rules;
pub mod state;

use std::collections::BTreeSet;

pub use mind::{Look, Mind, Thought, after_inspection};
pub(crate) use rules::is_done;
pub use state::{State, Step};

use super::bot::Bot;
use super::clock::{Command, Exercise};
use super::desk::Ask;
use super::event::{Event, What};
use super::log::{Log, LogError};
use super::plot::{Matter, MatterId, Plot};
use super::scenario::{Entry, Scenario};
use super::smuggler::Off;

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

/// A game of bots under way.
pub struct Game<'p> {
    bots: Vec<Bot>,
    minds: Vec<Mind>,
    state: State<'p>,
    /// What does not happen, as partners were told last.
    told: Option<Off>,
}

impl<'p> Game<'p> {
    /// A game of a plot, with a bot for each team in the order of the teams.
    pub fn new(scenario: &'p Scenario, plot: &'p Plot, bots: &[Bot]) -> Self {
        let places: BTreeSet<usize> = (0..bots.len()).collect();
        let state = State::new(scenario, plot, places);
        let minds = bots.iter().enumerate();
        let minds = minds.map(|(at, bot)| Mind::new(*bot, state.team(at), scenario.length));
        Self { bots: bots.to_vec(), minds: minds.collect(), state, told: None }
    }

    /// All events so far.
    pub fn events(&self) -> &[Event] {
        &self.state.events
    }

    /// Its events, at its end.
    pub fn into_events(self) -> Vec<Event> {
        self.state.events
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
        let length = self.state.scenario.length;
        let players = self.bots.iter().map(|bot| format!("bot:{}", bot.word())).collect();
        self.put(sink, Exercise(0), "host", began(&self.state, players))?;
        for command in [Command::Speed(speed.unwrap_or(1)), Command::Start] {
            self.put(sink, Exercise(0), "trainer", What::Clock { command })?;
        }
        let mut told = 0;
        loop {
            for event in self.events().iter().skip(told) {
                if !tell(event) {
                    return Err(PlayError::Stopped);
                }
            }
            told = self.events().len();
            let next = self.state.next();
            let Some(next) = next.filter(|next| *next < length) else { break };
            self.pass(next, begun, speed).await;
            while let Some((at, step)) = self.state.due() {
                self.step(ask, sink, at, step).await?;
            }
        }
        self.pass(length, begun, speed).await;
        let what = What::Clock { command: Command::End };
        self.put(sink, length, "trainer", what)?;
        Ok(())
    }

    /// Lets time pass until a moment.
    async fn pass(&mut self, until: Exercise, begun: tokio::time::Instant, speed: Option<u32>) {
        let wall = self.state.clock().wall_of(until);
        if speed.is_some() {
            tokio::time::sleep_until(begun + std::time::Duration::from_millis(wall.0)).await;
        }
        self.state.tick(wall);
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
        let length = self.state.scenario.length;
        for what in from_the_log {
            self.put(sink, length, "host", what)?;
        }
        self.put(sink, length, "host", What::Ended { checkpoint, entries })
    }

    fn put(
        &mut self,
        sink: &mut impl Sink,
        at: Exercise,
        by: &str,
        what: What,
    ) -> Result<(), PlayError> {
        let event = self.state.event(at, by, what);
        sink.put(&event)?;
        self.state.apply(event);
        if let Some(what) = self.state.follows() {
            self.put(sink, at, "smugglers", what)?;
        }
        Ok(())
    }

    /// Tells partners which records nobody has, where that has changed.
    async fn hide(&mut self, ask: &mut impl Ask) {
        if self.told.as_ref() != Some(self.state.off()) {
            ask.hide(&self.state.off().hidden(self.state.plot)).await;
            self.told = Some(self.state.off().clone());
        }
    }

    async fn step(
        &mut self,
        ask: &mut impl Ask,
        sink: &mut impl Sink,
        at: Exercise,
        step: Step,
    ) -> Result<(), PlayError> {
        let by =
            if matches!(step, Step::Inject(_) | Step::Overdue(_)) { "trainer" } else { "host" };
        for what in self.state.happens(step) {
            self.put(sink, at, by, what)?;
        }
        if let Some((entry, on)) = self.state.turns(step)
            && let Some(problem) = ask.turn(&entry, on).await
        {
            self.put(sink, at, "host", went_wrong(&entry, problem))?;
        }
        self.hide(ask).await;
        let (matter, thought) = match step {
            Step::Look(id, look) if self.state.decided(id).is_none() => {
                let Some(matter) = self.state.plot.matter(id) else { return Ok(()) };
                (matter, self.look(ask, at, matter, look).await)
            }
            Step::Found(id) => {
                let (matter, found) = (self.state.plot.matter(id), self.state.found(id));
                let (Some(matter), Some(irregular)) = (matter, found) else { return Ok(()) };
                let act = after_inspection(matter, irregular);
                let act = rules::within_reach(matter, at).then_some(act);
                (matter, Thought { act, ..Thought::default() })
            }
            _ => return Ok(()),
        };
        for what in self.state.of_a_thought(matter.id, thought) {
            let team = self.state.team(matter.team);
            let by = if matches!(what, What::Plan { .. }) { "host" } else { team };
            self.put(sink, at, by, what)?;
        }
        Ok(())
    }

    async fn look(
        &mut self,
        ask: &mut impl Ask,
        at: Exercise,
        matter: &Matter,
        look: u8,
    ) -> Thought {
        let look = self.state.to_look(matter, at, look);
        let Some(mind) = self.minds.get_mut(matter.team) else { return Thought::default() };
        mind.think(ask, self.state.plot, matter, look).await
    }
}

impl State<'_> {
    /// What a bot has to know of a look.
    pub(in crate::drill) fn to_look(&self, matter: &Matter, at: Exercise, look: u8) -> Look {
        let (_, left) = self.inspections_left(matter.team, at);
        let last = usize::from(look) + 1 == state::LOOKS.len();
        Look { at, can_inspect: left > 0, last }
    }

    /// The events of a thought, without plans that are known.
    pub(in crate::drill) fn of_a_thought(&self, matter: MatterId, thought: Thought) -> Vec<What> {
        let mut seen = BTreeSet::new();
        let new = |what: &What| match what {
            What::Plan { plan, .. } => !self.knows_plan(plan) && seen.insert(plan.clone()),
            _ => true,
        };
        let mut all: Vec<What> = thought.asked.into_iter().filter(new).collect();
        let evidence = thought.evidence;
        all.extend(thought.act.map(|act| What::Decided {
            matter,
            decision: act.decision,
            confidence: act.confidence,
            reason: act.reason,
            evidence,
        }));
        all
    }
}

/// What an inject should have changed was not changed.
pub(in crate::drill) fn went_wrong(entry: &Entry, problem: String) -> What {
    What::Remark { about: format!("inject {}", entry.number), text: problem }
}

/// The first event.
pub(in crate::drill) fn began(state: &State<'_>, players: Vec<String>) -> What {
    What::Began {
        scenario: state.scenario.name.clone(),
        scenario_hash: state.scenario.hash.clone(),
        pack_hash: state.plot.pack_hash.clone(),
        seed: state.plot.seed,
        engine: env!("CARGO_PKG_VERSION").to_owned(),
        players,
    }
}

#[cfg(test)]
pub(crate) mod tests;
