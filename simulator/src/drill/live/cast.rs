//! What is played and by whom.

use std::collections::BTreeSet;

use crate::drill::bot::Bot;
use crate::drill::plot::Plot;
use crate::drill::scenario::Scenario;

/// Who plays a team.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Player {
    /// People.
    People,
    /// A bot.
    Bot(Bot),
}

impl Player {
    /// As the event log has it.
    pub fn word(self) -> String {
        match self {
            Self::People => "people".to_owned(),
            Self::Bot(bot) => format!("bot:{}", bot.word()),
        }
    }

    /// From the log's word.
    pub fn parse(word: &str) -> Option<Self> {
        match word.strip_prefix("bot:") {
            Some(bot) => Bot::parse(bot).map(Self::Bot),
            None => (word == "people").then_some(Self::People),
        }
    }
}

/// What is played and by whom.
#[derive(Debug)]
pub struct Cast {
    /// The scenario.
    pub scenario: Scenario,
    /// Its plot.
    pub plot: Plot,
    /// Who plays each team, in the order of the teams.
    pub players: Vec<Player>,
}

impl Cast {
    /// Agencies that people play.
    pub fn people(&self) -> Vec<&str> {
        let teams = self.scenario.teams.iter().zip(&self.players);
        let people = teams.filter(|(_, player)| **player == Player::People);
        people.map(|(team, _)| team.agency.as_str()).collect()
    }

    pub(super) fn bots(&self) -> BTreeSet<usize> {
        let bots = self.players.iter().enumerate();
        bots.filter(|(_, player)| matches!(player, Player::Bot(_))).map(|(at, _)| at).collect()
    }
}
