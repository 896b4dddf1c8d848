//! How a bot thinks about a matter: what it asks, and what it makes of the answers. It changes nothing: what it asked and
//! wants to do is handed to whoever runs the game.

use std::collections::BTreeMap;

use crate::drill::bot::{Act, Bot, called_for, everything, fitting, let_go, worst};
use crate::drill::clock::Exercise;
use crate::drill::desk::{Ask, Reply};
use crate::drill::event::{Answered, Decision, What};
use crate::drill::playbook::{Found, Judgement, Lead, Own};
use crate::drill::plot::{Matter, MatterId, Plot, Truth};

/// How often the greedy fetch everything anew, in parts of the exercise.
const FETCHES: u64 = 8;

/// The mind of a team that a bot plays.
#[derive(Debug)]
pub struct Mind {
    bot: Bot,
    team: String,
    length: Exercise,
    fetched: BTreeMap<(String, &'static str, u64), Found>,
}

/// What is to be thought about.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    /// When, exercise time.
    pub at: Exercise,
    /// Whether an inspection is left.
    pub can_inspect: bool,
    /// There will be no other look.
    pub last: bool,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Thought {
    /// Questions that were asked, and plans behind their answers, in order.
    pub asked: Vec<What>,
    /// What is to be done, if anything.
    pub act: Option<Act>,
    /// Exchanges that it goes by.
    pub evidence: Vec<String>,
}

impl Mind {
    /// Of a team, for an exercise so long.
    pub fn new(bot: Bot, team: &str, length: Exercise) -> Self {
        Self { bot, team: team.to_owned(), length, fetched: BTreeMap::new() }
    }

    /// Thinks about a matter.
    pub async fn think(
        &mut self,
        ask: &mut impl Ask,
        plot: &Plot,
        matter: &Matter,
        look: Look,
    ) -> Thought {
        let now = plot.story.world(look.at);
        let own = Own { world: &plot.world, ground: &plot.ground, at: matter.at, now };
        let mut thought = Thought::default();
        let made = match self.bot {
            Bot::Silent => return thought,
            Bot::HoldEverything => Some(Judgement { suspicion: 1.0, why: "held" }),
            Bot::Oracle => {
                let wrong = matches!(matter.truth, Truth::Case(_) | Truth::Fraud(_));
                let suspicion = if wrong { 1.0 } else { 0.0 };
                Some(Judgement { suspicion, why: "known" })
            }
            Bot::SoloCareful | Bot::SoloBold => {
                worst(called_for(&own).into_iter().map(|(_, alone)| alone))
            }
            Bot::Good | Bot::Greedy => {
                self.enquire(ask, &mut thought, matter.id, look.at, &own).await
            }
        };
        let nothing = Judgement { suspicion: 0.02, why: "nothing gives cause" };
        let made = made.unwrap_or(nothing);
        let last = look.last || self.bot == Bot::Oracle;
        thought.act = self.bot.act(matter.at.table, &made, look.can_inspect, last);
        thought
    }

    /// Asks what playbooks have cause to ask, and judges by the answers.
    async fn enquire(
        &mut self,
        ask: &mut impl Ask,
        thought: &mut Thought,
        matter: MatterId,
        at: Exercise,
        own: &Own<'_>,
    ) -> Option<Judgement> {
        let mut judged = vec![];
        for (book, alone) in called_for(own) {
            let mut found: Vec<Found> = vec![];
            let mut asked = false;
            while let Some(lead) = book.lead(own, &found) {
                let got = if self.bot == Bot::Greedy {
                    let all = self.fetch(ask, thought, at, &lead, own.now).await;
                    fitting(&lead, all)
                } else {
                    let reply = self.ask(ask, thought, Some(matter), &lead, own.now).await;
                    if let Answered::Records { count: 1.., exchange } = &reply.answered {
                        thought.evidence.push(exchange.clone());
                    }
                    reply.found
                };
                asked |= got.is_some();
                found.push(got);
            }
            judged.push(if asked { book.judge(own, &found) } else { alone });
        }
        worst(judged)
    }

    /// Everything of a type that an agency tells, kept for a while.
    async fn fetch(
        &mut self,
        ask: &mut impl Ask,
        thought: &mut Thought,
        at: Exercise,
        lead: &Lead,
        now: i64,
    ) -> Found {
        let turn = at.0 * FETCHES / self.length.0.max(1);
        let key = (lead.of.clone(), lead.table.name(), turn);
        if let Some(known) = self.fetched.get(&key) {
            return known.clone();
        }
        let reply = self.ask(ask, thought, None, &everything(lead), now).await;
        self.fetched.insert(key, reply.found.clone());
        reply.found
    }

    async fn ask(
        &self,
        ask: &mut impl Ask,
        thought: &mut Thought,
        matter: Option<MatterId>,
        lead: &Lead,
        now: i64,
    ) -> Reply {
        let reply = ask.ask(&self.team, lead, now).await;
        thought.asked.extend(reply.plans.iter().cloned());
        let record_type = lead.table.record_type().rsplit('.').next().unwrap_or_default();
        thought.asked.push(What::Asked {
            matter,
            of: lead.of.clone(),
            record_type: record_type.to_owned(),
            answer: reply.answered.clone(),
        });
        reply
    }
}

/// What a bot does about what an inspection of its team found.
pub fn after_inspection(matter: &Matter, irregular: bool) -> Act {
    if irregular {
        let reason = "what was found does not fit the papers".to_owned();
        Act { decision: Decision::Seize, confidence: 97, reason }
    } else {
        // An inspection clears goods, and not whoever gets them.
        let reason = "the goods are what the papers say".to_owned();
        Act { decision: let_go(matter.at.table), confidence: 4, reason }
    }
}
