//! What if: a played drill again from one answer on, with that answer changed. What was before stays as it was; what follows
//! is played by bots in memory, by those that played or, for people, by good ones.
//!
//! Partners then answer from memory ([`Candid`]) and not through the gateway, and what a team was refused throughout before
//! is refused still; the answer that is changed is changed once, and may be asked for again at a later look. So that the change alone makes the difference, the game is also played again from the same place with
//! nothing changed, and the two are held against each other. Of what was received before, records of cases are told by
//! type and plan: coverage is close, not exact.

mod difference;
mod partners;
#[cfg(test)]
mod tests;

pub use difference::{Difference, Ends, Moved};

use std::collections::BTreeSet;

use super::bot::Bot;
use super::clock::Exercise;
use super::event::{Answered, Decision, Event, What};
use super::play::rules::open_on;
use super::play::{Game, Memory, PlayError, Step};
use super::plot::{MatterId, Plot};
use super::scenario::Scenario;
use crate::table::Table;
use partners::{Partners, Told};

/// What is changed about an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum To {
    /// A decision becomes another one, with another confidence where one is named.
    Decision(Decision, Option<u8>),
    /// A question is refused.
    Refused,
    /// A question is answered.
    Released,
}

/// Why a game cannot be played again so.
#[derive(Debug, thiserror::Error)]
pub enum WhatIfError {
    /// No such event.
    #[error("the log has no event {0}")]
    NoEvent(u64),
    /// Another kind of event.
    #[error("event {0} is no {1}")]
    NotThat(u64, &'static str),
    /// It is so already.
    #[error("event {0} is so already")]
    SoAlready(u64),
    /// A question of the greedy.
    #[error("event {0} asks for no single matter")]
    NoMatter(u64),
    /// Not what the office decides.
    #[error("`{0}` is not open on a record of this kind")]
    NotOpen(&'static str),
    /// No inspectors.
    #[error("no inspection is left in that shift")]
    NoInspection,
    /// The world's records do not lead to that question.
    #[error("the bot's questions before event {0} cannot be rebuilt")]
    NotRebuilt(u64),
    /// The game.
    #[error(transparent)]
    Play(#[from] PlayError),
}

/// Plays a game again, once as it was and once changed.
///
/// # Errors
/// As [`WhatIfError`].
pub async fn what_if(
    scenario: &Scenario,
    plot: &Plot,
    events: &[Event],
    number: u64,
    to: To,
) -> Result<Difference, WhatIfError> {
    let again = Again::new(scenario, plot, events, number)?;
    again.check(to)?;
    let same = again.play(None).await?;
    let changed = again.play(Some(to)).await?;
    Ok(Difference::new(scenario, plot, [events, &same, &changed], &again.said(to)))
}

/// A game to be played again.
struct Again<'a> {
    scenario: &'a Scenario,
    plot: &'a Plot,
    events: &'a [Event],
    place: usize,
    event: &'a Event,
    matter: MatterId,
    bots: Vec<Bot>,
}

impl<'a> Again<'a> {
    fn new(
        scenario: &'a Scenario,
        plot: &'a Plot,
        events: &'a [Event],
        number: u64,
    ) -> Result<Self, WhatIfError> {
        let place = events.iter().position(|event| event.number == number);
        let place = place.ok_or(WhatIfError::NoEvent(number))?;
        let event = events.get(place).ok_or(WhatIfError::NoEvent(number))?;
        let matter = match &event.what {
            What::Decided { matter, .. } | What::Asked { matter: Some(matter), .. } => *matter,
            What::Asked { matter: None, .. } => return Err(WhatIfError::NoMatter(number)),
            _ => return Err(WhatIfError::NotThat(number, "answer of a player")),
        };
        let players = events.iter().find_map(|event| match &event.what {
            What::Began { players, .. } => Some(players.as_slice()),
            _ => None,
        });
        let bot = |at: usize| {
            let word = players.and_then(|all| all.get(at))?.strip_prefix("bot:")?;
            Bot::parse(word)
        };
        let bots = (0..scenario.teams.len()).map(|at| bot(at).unwrap_or(Bot::Good)).collect();
        Ok(Self { scenario, plot, events, place, event, matter, bots })
    }

    fn before(&self) -> &'a [Event] {
        self.events.get(..self.place).unwrap_or_default()
    }

    fn check(&self, to: To) -> Result<(), WhatIfError> {
        let number = self.event.number;
        match (to, &self.event.what) {
            (To::Decision(wanted, sure), What::Decided { decision, confidence, .. }) => {
                if wanted == *decision && sure.is_none_or(|sure| sure == *confidence) {
                    return Err(WhatIfError::SoAlready(number));
                }
                let table = self.plot.matter(self.matter).map(|one| one.at.table);
                if !table.is_some_and(|table: Table| open_on(table).contains(&wanted)) {
                    return Err(WhatIfError::NotOpen(wanted.word()));
                }
                let game = self.game(self.before());
                let team = self.plot.matter(self.matter).map_or(0, |one| one.team);
                let (_, left) = game.state().inspections_left(team, self.event.exercise);
                let new = wanted == Decision::Inspect && *decision != Decision::Inspect;
                if new && left == 0 { Err(WhatIfError::NoInspection) } else { Ok(()) }
            }
            (To::Refused, What::Asked { answer: Answered::Refused { .. }, .. })
            | (To::Released, What::Asked { answer: Answered::Records { .. }, .. }) => {
                Err(WhatIfError::SoAlready(number))
            }
            (To::Refused | To::Released, What::Asked { .. }) => Ok(()),
            (To::Decision(..), _) => Err(WhatIfError::NotThat(number, "decision")),
            _ => Err(WhatIfError::NotThat(number, "question")),
        }
    }

    fn game(&self, events: &[Event]) -> Game<'a> {
        Game::after(self.scenario, self.plot, &self.bots, events)
    }

    /// The game from its first event on: what was before, the answer, and what follows.
    async fn play(&self, to: Option<To>) -> Result<Vec<Event>, WhatIfError> {
        let mut partners = Partners::new(self.plot, self.before());
        let at = self.event.exercise;
        let mut game = match &self.event.what {
            What::Decided { .. } => {
                let mut game = self.game(self.before());
                game.add(at, &self.event.by, self.decided(to))?;
                game
            }
            _ => self.asked(&mut partners, to).await?,
        };
        game.go_on(&mut partners, (at, self.step())).await?;
        let told = self.told(partners);
        game.close(&mut Memory, told, String::new(), 0)?;
        Ok(game.into_events())
    }

    fn decided(&self, to: Option<To>) -> What {
        let mut what = self.event.what.clone();
        if let (What::Decided { decision, confidence, reason, .. }, Some(To::Decision(new, sure))) =
            (&mut what, to)
        {
            (*decision, *confidence) = (new, sure.unwrap_or(*confidence));
            "what if".clone_into(reason);
        }
        what
    }

    /// The step that an event came of. People's answers come of none: theirs counts as the last look.
    fn step(&self) -> Step {
        let inspected = |event: &Event| {
            event.exercise == self.event.exercise
                && matches!(&event.what, What::Inspected { matter, .. } if *matter == self.matter)
        };
        match &self.event.what {
            What::Decided { .. } if self.before().iter().any(inspected) => Step::Found(self.matter),
            _ => Step::Look(self.matter, u8::MAX),
        }
    }

    /// A game up to a question and its answer, and what the bot that asked it still asks and does at that look.
    async fn asked(
        &self,
        partners: &mut Partners<'a>,
        to: Option<To>,
    ) -> Result<Game<'a>, WhatIfError> {
        let (at, number) = (self.event.exercise, self.event.number);
        let What::Asked { of, record_type, .. } = &self.event.what else {
            return Err(WhatIfError::NotThat(number, "question"));
        };
        let question = |event: &&Event| {
            event.exercise == at
                && event.by == self.event.by
                && matches!(&event.what, What::Asked { matter, .. } if *matter == Some(self.matter))
        };
        let first = self.before().iter().position(|event| question(&event)).unwrap_or(self.place);
        let asked = self.before().iter().filter(question).count();
        let answers: Vec<Answered> = self
            .before()
            .iter()
            .chain([self.event])
            .filter(question)
            .filter_map(|event| match &event.what {
                What::Asked { answer, .. } => Some(answer.clone()),
                _ => None,
            })
            .collect();
        partners.begin(Told { answers, last: to });
        let mut game = self.game(self.events.get(..first).unwrap_or_default());
        let look = self.look(first);
        let mut thought = if self.event.player.is_empty() {
            game.think(partners, at, self.matter, look).await
        } else {
            // What a person made of it is not known: a bot takes over at the next look.
            super::play::Thought::default()
        };
        partners.end();
        let mut game = self.game(self.before());
        let mut seen = 0;
        let mut rest = vec![];
        for what in std::mem::take(&mut thought.asked) {
            if matches!(what, What::Asked { .. }) {
                seen += 1;
                if seen == asked + 1 {
                    rest.push(what);
                    continue;
                }
            }
            if seen > asked || matches!(what, What::Plan { .. }) {
                rest.push(what);
            }
        }
        if self.event.player.is_empty() {
            let same = |what: &What| matches!(what, What::Asked { of: whom, record_type: kind, .. } if whom == of && kind == record_type);
            if !rest.iter().find(|what| matches!(what, What::Asked { .. })).is_some_and(same) {
                return Err(WhatIfError::NotRebuilt(number));
            }
        } else {
            game.add(at, &self.event.by, self.event.what.clone())?;
        }
        thought.asked = rest;
        for what in game.state().of_a_thought(self.matter, thought) {
            let by = if matches!(what, What::Plan { .. }) { "host" } else { &self.event.by };
            game.add(at, by, what)?;
        }
        Ok(game)
    }

    /// Which look of a bot a question belongs to: so many had been taken of the matter before it.
    fn look(&self, first: usize) -> u8 {
        let Some(matter) = self.plot.matter(self.matter) else { return 0 };
        let reach = matter.leaves.0.saturating_sub(matter.arrives.0).max(1);
        let at = self.events.get(first).map_or(0, |event| event.exercise.0);
        let share = at.saturating_sub(matter.arrives.0) * 100 / reach;
        // Looks are at 2, 50 and 95 hundredths of the reach.
        if share >= 90 { 2 } else { u8::from(share >= 40) }
    }

    /// What the gateway's log would tell at the end: of before what it told, of after what partners told.
    fn told(&self, partners: Partners<'_>) -> Vec<What> {
        let asked: BTreeSet<&str> = self
            .before()
            .iter()
            .filter_map(|event| match &event.what {
                What::Asked { answer: Answered::Records { exchange, .. }, .. } => {
                    Some(exchange.as_str())
                }
                _ => None,
            })
            .collect();
        let disclosed = |what: &&What| matches!(what, What::Disclosed { exchange, .. } if asked.contains(exchange.as_str()));
        let all = || self.events.iter().map(|event| &event.what);
        let kept: Vec<&What> = all().filter(disclosed).collect();
        let ways: BTreeSet<[&str; 4]> = kept
            .iter()
            .filter_map(|what| match what {
                What::Disclosed { to, from, record_type, plan, .. } => {
                    Some([to.as_str(), from, record_type, plan])
                }
                _ => None,
            })
            .collect();
        let received = all().filter(|what| match what {
            What::Received { to, from, table, plan, .. } => {
                let table = Table::ALL.iter().find(|known| known.name() == table);
                let kind = table.map_or("", |table| table.record_type());
                ways.contains(&[to.as_str(), from, kind, plan])
            }
            _ => false,
        });
        kept.iter().copied().chain(received).cloned().chain(partners.told()).collect()
    }

    fn said(&self, to: To) -> String {
        let record = self.plot.matter(self.matter).map_or("", |matter| matter.record.as_str());
        let at = super::scenario::msel::time(Exercise(self.event.exercise.0 / 1_000 * 1_000));
        let (number, by) = (self.event.number, &self.event.by);
        match (&self.event.what, to) {
            (What::Decided { decision, confidence, .. }, To::Decision(new, sure)) => format!(
                "event {number}, {at}: {by} decides {} instead of {} on {record}, {} % sure",
                new.word(),
                decision.word(),
                sure.unwrap_or(*confidence)
            ),
            (What::Asked { of, record_type, .. }, to) => {
                let done = if to == To::Refused { "refused" } else { "answered" };
                format!(
                    "event {number}, {at}: {by} is {done} when it asks {of} for {record_type} about {record}"
                )
            }
            _ => String::new(),
        }
    }
}
