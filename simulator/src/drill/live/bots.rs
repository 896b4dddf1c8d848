//! Bots beside people: each team thinks for itself, one matter after the other, and nobody waits for it. What injects
//! change of the exchange is done beside them too.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::mpsc;

use super::{Player, Session};
use crate::drill::clock::Exercise;
use crate::drill::desk::Ask;
use crate::drill::play::{Look, Mind, State, went_wrong};
use crate::drill::plot::MatterId;
use crate::drill::scenario::Entry;

/// The teams that bots play.
#[derive(Debug, Default)]
pub struct Bots {
    teams: BTreeMap<usize, mpsc::UnboundedSender<(MatterId, Look)>>,
    turns: Option<mpsc::UnboundedSender<(Entry, bool)>>,
}

impl Bots {
    /// Starts the bots of a session; they ask through `ask`, and end with what this returns.
    pub fn start<A>(session: &Session, ask: &A) -> Self
    where
        A: Ask + Clone + Send + Sync + 'static,
    {
        let mut teams = BTreeMap::new();
        let scenario = &session.cast.scenario;
        for (place, (player, team)) in session.cast.players.iter().zip(&scenario.teams).enumerate()
        {
            let Player::Bot(bot) = player else { continue };
            let (sender, looks) = mpsc::unbounded_channel();
            teams.insert(place, sender);
            let mind = Mind::new(*bot, &team.agency, scenario.length);
            tokio::spawn(thinks(mind, session.clone(), ask.clone(), looks));
        }
        let (turns, turned) = mpsc::unbounded_channel();
        tokio::spawn(turn(session.clone(), ask.clone(), turned));
        Self { teams, turns: Some(turns) }
    }

    /// Changes how the exchange works, as an inject says, or back.
    pub(super) fn turn(&self, entry: Entry, on: bool) {
        if let Some(turns) = &self.turns {
            // A drill whose tasks have ended changes nothing any more.
            let _ = turns.send((entry, on));
        }
    }

    /// Lets the team that has a matter look at it.
    pub(super) fn look(&self, state: &State<'_>, id: MatterId, at: Exercise, look: u8) {
        let Some(matter) = state.plot.matter(id) else { return };
        if let Some(team) = self.teams.get(&matter.team) {
            // A team whose task has ended has nothing more to say.
            let _ = team.send((id, state.to_look(matter, at, look)));
        }
    }
}

/// What injects change, one after the other; what goes wrong is written down.
async fn turn<A: Ask + Send>(
    session: Session,
    mut ask: A,
    mut turned: mpsc::UnboundedReceiver<(Entry, bool)>,
) {
    while let Some((entry, on)) = turned.recv().await {
        if let Some(problem) = ask.turn(&entry, on).await
            && !session.observed("host", went_wrong(&entry, problem)).await
        {
            return;
        }
    }
}

async fn thinks<A: Ask + Send>(
    mut mind: Mind,
    session: Session,
    mut ask: A,
    mut looks: mpsc::UnboundedReceiver<(MatterId, Look)>,
) {
    let cast = Arc::clone(&session.cast);
    while let Some((id, look)) = looks.recv().await {
        let Some(matter) = cast.plot.matter(id) else { continue };
        let thought = mind.think(&mut ask, &cast.plot, matter, look).await;
        session.thought(id, thought).await;
    }
}
