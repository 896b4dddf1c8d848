//! What a team is measured against: the best that anybody does alone, and the most that can be done.

use serde::{Deserialize, Serialize};

use super::{Scored, score};
use crate::drill::bot::Bot;
use crate::drill::desk::Nobody;
use crate::drill::play::{Game, Memory};
use crate::drill::plot::Plot;
use crate::drill::scenario::Scenario;

/// Standings in the same world without any question to a partner.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Yardstick {
    /// The best of those who ask nobody, doing nothing at all among them.
    pub solo: f64,
    /// Who knows the truth.
    pub oracle: f64,
}

impl Yardstick {
    /// Value of cooperation: how much of what knowing everything would add to playing alone a game reached.
    pub fn value(&self, reached: f64) -> super::Score {
        super::Score::new(reached - self.solo, self.oracle - self.solo)
    }
}

/// The yardstick of a plot.
pub async fn yardstick(scenario: &Scenario, plot: &Plot) -> Yardstick {
    let mut solo = f64::NEG_INFINITY;
    for bot in [Bot::SoloCareful, Bot::SoloBold, Bot::Silent, Bot::HoldEverything] {
        solo = solo.max(standing(scenario, plot, bot).await);
    }
    Yardstick { solo, oracle: standing(scenario, plot, Bot::Oracle).await }
}

async fn standing(scenario: &Scenario, plot: &Plot, bot: Bot) -> f64 {
    alone(scenario, plot, bot).await.all.standing(&scenario.weights)
}

/// The scores of a game in which one kind of bot plays every team and nobody can be asked.
pub async fn alone(scenario: &Scenario, plot: &Plot, bot: Bot) -> Scored {
    let mut game = Game::new(scenario, plot, &vec![bot; scenario.teams.len()]);
    // Memory keeps everything, and nobody wants it to stop.
    let _ = game.play(&mut Nobody, &mut Memory, None, |_| true).await;
    score(scenario, plot, game.events())
}
