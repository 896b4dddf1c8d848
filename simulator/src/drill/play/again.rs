//! A game taken up somewhere in its log and played on by bots.

use super::{Game, Memory, PlayError, State, Step, Thought};
use crate::drill::bot::Bot;
use crate::drill::clock::{Command, Exercise};
use crate::drill::desk::Ask;
use crate::drill::event::{Event, What};
use crate::drill::plot::{MatterId, Plot};
use crate::drill::scenario::Scenario;

impl<'p> Game<'p> {
    /// A game that went as these events say, with a bot for each team from now on.
    pub(in crate::drill) fn after(
        scenario: &'p Scenario,
        plot: &'p Plot,
        bots: &[Bot],
        events: &[Event],
    ) -> Self {
        let mut game = Self::new(scenario, plot, bots);
        for event in events {
            game.state.apply(event.clone());
        }
        game
    }

    /// Where it stands.
    pub(in crate::drill) fn state(&self) -> &State<'p> {
        &self.state
    }

    /// An event now.
    pub(in crate::drill) fn add(
        &mut self,
        at: Exercise,
        by: &str,
        what: What,
    ) -> Result<(), PlayError> {
        self.put(&mut Memory, at, by, what)
    }

    /// What the team of a matter thinks of it at a look, without doing anything about it.
    pub(in crate::drill) async fn think(
        &mut self,
        ask: &mut impl Ask,
        at: Exercise,
        id: MatterId,
        look: u8,
    ) -> Thought {
        let Some(matter) = self.state.plot.matter(id) else { return Thought::default() };
        self.hide(ask).await;
        self.look(ask, at, matter, look).await
    }

    /// Plays on to the end of exercise time. Steps up to and with `done` have been taken: their events are there.
    ///
    /// # Errors
    /// As [`PlayError`].
    pub(in crate::drill) async fn go_on(
        &mut self,
        ask: &mut impl Ask,
        done: (Exercise, Step),
    ) -> Result<(), PlayError> {
        let begun = tokio::time::Instant::now();
        let length = self.state.scenario.length;
        loop {
            while let Some((at, step)) = self.state.due() {
                if (at, step) > done {
                    self.step(ask, &mut Memory, at, step).await?;
                }
            }
            let Some(next) = self.state.next().filter(|next| *next < length) else { break };
            self.pass(next, begun, None).await;
        }
        self.pass(length, begun, None).await;
        self.add(length, "trainer", What::Clock { command: Command::End })
    }
}
