//! The desk as it stands, folded from messages. [`Model::update`] is all there is: it changes the model and says what is
//! to be done; it never waits, reads no clock and draws nothing.

mod act;
mod compose;
mod dialog;
mod keys;
mod questions;
mod requests;
mod steps;
mod told;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use portcullis_proto::drill::v1 as wire;

pub use dialog::{Confirm, Dialog, KINDS, Task, Then};
pub use keys::{Action, Binding};
pub use steps::key as step_key;

use super::exchange::Exchange;
use super::message::{Call, Effect, Fetch, Message};
use super::news::Happening;
use super::question::Question;
use super::request::Requests;
use super::text;

/// Quarters of a second after which something that failed is tried again.
const AGAIN: u8 = 8;
/// Quarters of a second between two looks at the scores.
const SCORES_EVERY: u64 = 40;

/// Screens of a desk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Screen {
    /// Matters and decisions.
    Matters,
    /// What came in.
    Inbox,
    /// A question is written.
    Ask,
    /// Questions and what they brought.
    Answers,
    /// Release requests, of others and the own.
    Requests,
    /// The list of injects, and the clock.
    Injects,
    /// Scores so far.
    Scores,
    /// What happens.
    Log,
}

impl Screen {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Matters => "Matters",
            Self::Inbox => "Inbox",
            Self::Ask => "Ask",
            Self::Answers => "Answers",
            Self::Requests => "Requests",
            Self::Injects => "Injects",
            Self::Scores => "Scores",
            Self::Log => "Happenings",
        }
    }
}

/// How it stands with the connection to the drill.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Link {
    /// Not there yet.
    Opening,
    /// There.
    Up,
    /// Lost, or never made.
    Lost {
        /// Why.
        reason: String,
        /// How often it was tried since.
        tries: u32,
    },
}

/// A call whose outcome is not known yet.
pub struct Pending {
    /// The call.
    pub call: Call,
    /// Quarters of a second until it is made again; none: it is under way.
    pub again: Option<u8>,
}

/// A desk. Without `Debug`: it holds records.
pub struct Model {
    /// The connection to the drill.
    pub link: Link,
    /// What is played, and what the caller is in it; none before the first connection.
    pub told: Option<Box<wire::GetDrillResponse>>,
    /// The clocks.
    pub clock: wire::Clock,
    /// First event that is not known yet.
    pub next_event: u64,
    /// What happened, in order.
    pub news: Vec<Happening>,
    /// Matters by team.
    pub matters: BTreeMap<String, Vec<wire::Matter>>,
    /// The list of injects.
    pub injects: Vec<wire::Inject>,
    /// Scores so far.
    pub scores: Vec<wire::TeamScores>,
    /// Which screen is shown.
    pub screen: Screen,
    /// What is picked on each screen: number of matter, event, exchange, request or inject.
    pub picked: BTreeMap<Screen, u64>,
    /// How deep what is picked was opened, by screen.
    pub depth: BTreeMap<Screen, u8>,
    /// First line shown of something long.
    pub scroll: usize,
    /// Row of an answer.
    pub row: usize,
    /// First column of an answer, or line of a record.
    pub column: usize,
    /// A form over the screen.
    pub dialog: Option<Dialog>,
    /// A question over everything: yes or no.
    pub confirm: Option<Confirm>,
    /// The page of help is shown.
    pub help: bool,
    /// The question that is being written.
    pub question: Option<Question>,
    /// Questions that were asked.
    pub exchanges: Vec<Exchange>,
    /// Release requests.
    pub requests: Requests,
    /// Last thing to say, for the status line.
    pub notice: String,
    /// Calls whose outcome is not known yet.
    pub outbox: Vec<Pending>,
    /// Whether there is a gateway to ask.
    pub gateway: bool,
    /// Who sits at the desk, as given with the last decision.
    pub player: String,
    session: String,
    made: u64,
    stale: BTreeSet<Fetch>,
    asked: BTreeSet<Fetch>,
    rest: u8,
    ticks: u64,
}

impl Model {
    /// A desk that nothing was told yet. `session` makes its keys differ from those of other desks: at most 40 characters.
    pub fn new(session: impl Into<String>, gateway: bool) -> (Self, Vec<Effect>) {
        let model = Self {
            link: Link::Opening,
            told: None,
            clock: wire::Clock::default(),
            next_event: 0,
            news: vec![],
            matters: BTreeMap::new(),
            injects: vec![],
            scores: vec![],
            screen: Screen::Matters,
            picked: BTreeMap::new(),
            depth: BTreeMap::new(),
            scroll: 0,
            row: 0,
            column: 0,
            dialog: None,
            confirm: None,
            help: false,
            question: None,
            exchanges: vec![],
            requests: Requests::default(),
            notice: String::new(),
            outbox: vec![],
            gateway,
            player: String::new(),
            session: session.into(),
            made: 0,
            stale: BTreeSet::new(),
            asked: BTreeSet::new(),
            rest: 0,
            ticks: 0,
        };
        (model, vec![Effect::Connect { from_event: 0, after: Duration::ZERO }])
    }

    /// Takes a message in, and says what is to be done.
    pub fn update(&mut self, message: Message) -> Vec<Effect> {
        let mut effects = match message {
            Message::Key(key) => self.key(key),
            Message::Paste(text) => self.paste(&text),
            Message::Tick => self.tick(),
            Message::Stop => vec![Effect::Quit],
            Message::Called(key, outcome) => self.called(&key, outcome),
            Message::Explained(number, said) => self.explained(number, said),
            Message::Answered(number, came) => self.answered(number, came),
            Message::Releases(came) => {
                self.listed_releases(came);
                vec![]
            }
            told => self.told(told),
        };
        effects.extend(self.fetches());
        effects.extend(self.look());
        effects
    }

    /// What the caller is.
    pub fn role(&self) -> wire::Role {
        self.told.as_ref().map_or(wire::Role::Unspecified, |told| told.role())
    }

    /// The team that the desk plays; empty for trainers.
    pub fn team(&self) -> &str {
        self.told.as_ref().map_or("", |told| told.team.as_str())
    }

    /// Screens of the role, in the order of their digits.
    pub fn screens(&self) -> &'static [Screen] {
        use Screen::{Answers, Ask, Inbox, Injects, Log, Matters, Requests, Scores};
        match self.role() {
            wire::Role::Player => &[Matters, Inbox, Ask, Answers, Requests],
            wire::Role::Trainer | wire::Role::Evaluator | wire::Role::Observer => {
                &[Injects, Matters, Scores, Log, Inbox]
            }
            wire::Role::Unspecified => &[],
        }
    }

    /// How deep what is picked on this screen is opened.
    pub fn depth(&self) -> u8 {
        self.depth.get(&self.screen).copied().unwrap_or(0)
    }

    /// Exercise time, seconds.
    pub fn now(&self) -> i64 {
        text::seconds(self.clock.exercise.as_ref())
    }

    /// Matters as they are listed: those that wait for a decision first, by what is left of their time; then those that were
    /// decided on; then those that went out of reach.
    pub fn queue(&self) -> Vec<&wire::Matter> {
        let mut all: Vec<&wire::Matter> = self.matters.values().flatten().collect();
        all.sort_by_key(|matter| {
            let leaves = text::seconds(matter.leaves.as_ref());
            (standing(matter, self.now()), leaves, matter.number)
        });
        all
    }

    /// The inbox, newest first.
    pub fn inbox(&self) -> Vec<&Happening> {
        self.news.iter().rev().filter(|one| one.mail).collect()
    }

    /// What in the inbox was not looked at.
    pub fn unread(&self) -> usize {
        self.news.iter().filter(|one| one.mail && one.unread).count()
    }

    /// Matters that wait for a decision.
    pub fn open_matters(&self) -> usize {
        let all = self.matters.values().flatten();
        all.filter(|matter| standing(matter, self.now()) == Standing::Open).count()
    }

    /// Injects in the order of their time: those that happened at the moment they did, contingencies last.
    pub fn plan(&self) -> Vec<&wire::Inject> {
        let mut all: Vec<&wire::Inject> = self.injects.iter().collect();
        all.sort_by_key(|inject| {
            let at = inject.happened.as_ref().or(inject.planned.as_ref());
            (at.map_or(i64::MAX, |at| at.seconds), inject.number)
        });
        all
    }

    /// The inject that comes next.
    pub fn next_inject(&self) -> Option<&wire::Inject> {
        self.plan()
            .into_iter()
            .find(|inject| inject.happened.is_none() && !inject.skipped && inject.planned.is_some())
    }

    /// Numbers of what this screen lists, in order.
    pub fn listed(&self) -> Vec<u64> {
        match self.screen {
            Screen::Matters => self.queue().iter().map(|one| u64::from(one.number)).collect(),
            Screen::Inbox => self.inbox().iter().map(|one| one.number).collect(),
            Screen::Log => self.news.iter().rev().map(|one| one.number).collect(),
            Screen::Injects => self.plan().iter().map(|one| u64::from(one.number)).collect(),
            Screen::Answers => self.exchanges.iter().rev().map(|one| one.number).collect(),
            Screen::Requests => self.release_requests().iter().map(|one| one.number).collect(),
            Screen::Ask | Screen::Scores => vec![],
        }
    }

    /// Place of what is picked on this screen; the first where nothing is.
    pub fn place(&self) -> usize {
        let picked = self.picked.get(&self.screen);
        self.listed().iter().position(|one| Some(one) == picked).unwrap_or(0)
    }

    /// Number of what is picked on this screen.
    pub fn pick(&self) -> Option<u64> {
        self.listed().get(self.place()).copied()
    }

    /// The matter of a number.
    pub fn matter(&self, number: u32) -> Option<&wire::Matter> {
        self.matters.values().flatten().find(|matter| matter.number == number)
    }

    /// The matter that is picked.
    pub fn picked_matter(&self) -> Option<&wire::Matter> {
        let number = self.pick().filter(|_| self.screen == Screen::Matters)?;
        self.matter(u32::try_from(number).ok()?)
    }

    /// The inject that is picked.
    pub fn picked_inject(&self) -> Option<&wire::Inject> {
        let number = self.pick().filter(|_| self.screen == Screen::Injects)?;
        self.injects.iter().find(|inject| u64::from(inject.number) == number)
    }

    /// The question whose answer is picked.
    pub fn picked_exchange(&self) -> Option<&Exchange> {
        let number = self.pick().filter(|_| self.screen == Screen::Answers)?;
        self.exchanges.iter().find(|exchange| exchange.number == number)
    }

    fn new_key(&mut self) -> String {
        self.made += 1;
        format!("{}-{}", self.session, self.made)
    }

    fn make(&mut self, call: Call) -> Effect {
        self.notice = format!("sending: {}", call.name());
        self.outbox.push(Pending { call: call.clone(), again: None });
        Effect::Call(call)
    }

    fn want(&mut self, fetch: Fetch) {
        self.stale.insert(fetch);
    }

    /// What is to be fetched now: what is stale and not under way.
    fn fetches(&mut self) -> Vec<Effect> {
        if self.link != Link::Up || self.rest > 0 {
            return vec![];
        }
        let now: Vec<Fetch> = self.stale.difference(&self.asked).cloned().collect();
        self.stale = self.stale.intersection(&self.asked).cloned().collect();
        self.asked.extend(now.iter().cloned());
        now.into_iter().map(Effect::Fetch).collect()
    }

    fn tick(&mut self) -> Vec<Effect> {
        self.ticks += 1;
        self.rest = self.rest.saturating_sub(1);
        if self.screen == Screen::Scores && self.ticks.is_multiple_of(SCORES_EVERY) {
            self.want(Fetch::Scores);
        }
        self.requests_tick();
        let up = self.link == Link::Up;
        let mut effects = vec![];
        for pending in &mut self.outbox {
            let reachable = up || pending.call.is_the_gateways();
            match &mut pending.again {
                Some(0) if reachable => {
                    pending.again = None;
                    effects.push(Effect::Call(pending.call.clone()));
                }
                Some(rest) => *rest = rest.saturating_sub(1),
                None => {}
            }
        }
        effects.extend(self.explain());
        effects
    }
}

/// How it stands with a matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// Within reach and undecided.
    Open,
    /// Decided on.
    Decided,
    /// Out of reach, undecided.
    Gone,
}

/// How it stands with a matter, at an exercise time in seconds.
pub fn standing(matter: &wire::Matter, now: i64) -> Standing {
    match &matter.leaves {
        _ if !matter.decision.is_empty() => Standing::Decided,
        Some(leaves) if leaves.seconds < now => Standing::Gone,
        _ => Standing::Open,
    }
}
