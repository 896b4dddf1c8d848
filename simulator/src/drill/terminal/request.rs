//! Release requests as a desk keeps them: what others ask of its agency, and what its agency asked of others. The gateway
//! lists them; what was looked at, and what was begun to be written about them, is the desk's own.

use std::collections::{BTreeMap, BTreeSet};

use portcullis::client::render::text::short_token;
use portcullis_core::release::{Act, Ground, State};
use portcullis_proto::query::v1 as wire;
use wire::release_decision::Step;

use super::form::Form;
use super::text::{moment, short};

/// Quarters of a second between the end of a look at the gateway and the next one.
const EVERY: u8 = 12;

/// A release request. Without `Debug`: its steps hold what people wrote.
pub struct Request {
    /// Its number on this desk.
    pub number: u64,
    /// As the gateway told it last.
    pub release: wire::Release,
    /// Number of the last step that was looked at here.
    pub seen: u32,
}

/// All release requests that concern the desk's agency.
#[derive(Default)]
pub struct Requests {
    /// Why the last look at the gateway failed; empty: it did not.
    pub failed: String,
    /// Forms that were begun and closed, by request and step.
    pub drafts: BTreeMap<(String, Act), Form>,
    /// By their ids, which are in order of time.
    all: BTreeMap<String, Request>,
    numbered: u64,
    loaded: bool,
    wanted: bool,
    under_way: bool,
    rest: u8,
}

impl Request {
    /// Where it stands; none: in a state of a later version.
    pub fn state(&self) -> Option<State> {
        State::from_number(self.release.state)
    }

    /// Number of the last step.
    pub fn last_step(&self) -> u32 {
        last_step(&self.release)
    }

    /// Whether an agency is asked, and does not ask.
    pub fn is_asked_of(&self, own: &str) -> bool {
        self.release.requester != own
    }

    /// The other agency.
    pub fn other(&self, own: &str) -> &str {
        if self.is_asked_of(own) { &self.release.requester } else { &self.release.originator }
    }

    /// Whether an agency has to say something.
    pub fn waits_for(&self, own: &str) -> bool {
        let open = if self.is_asked_of(own) { State::Pending } else { State::AskedBack };
        self.state() == Some(open)
    }

    /// Whether another one, or time, took a step that was not looked at.
    pub fn is_new(&self, own: &str) -> bool {
        let last = self.release.steps.last();
        last.is_some_and(|step| step.agency != own && step.number > self.seen)
    }

    /// What an agency can do about it, in the order in which it is offered.
    pub fn steps(&self, own: &str) -> &'static [Act] {
        match (self.is_asked_of(own), self.state()) {
            (true, Some(State::Pending)) => &[Act::Grant, Act::Refuse, Act::AskBack],
            (true, Some(State::AskedBack)) => &[Act::Grant, Act::Refuse],
            (true, Some(State::Granted)) => &[Act::Revoke],
            (false, Some(State::Pending)) => &[Act::Withdraw],
            (false, Some(State::AskedBack)) => &[Act::Answer, Act::Withdraw],
            _ => &[],
        }
    }

    /// Its state, for people.
    pub fn word(&self) -> String {
        let word = self.state().map_or_else(
            || format!("state {}", self.release.state),
            |state| state.word().replace('_', " "),
        );
        if self.release.overdue { format!("{word} !") } else { word }
    }

    /// For which purpose and case it is asked.
    pub fn purpose(&self) -> String {
        let purpose = wire::Purpose::try_from(self.release.purpose).ok();
        let purpose = purpose.map_or("", |one| one.as_str_name()).trim_start_matches("PURPOSE_");
        match self.release.case_id.as_str() {
            "" => purpose.to_owned(),
            case => format!("{purpose}, case {case}"),
        }
    }

    /// The record, as far as the desk may know it, short enough to be told from another by eye.
    pub fn record(&self) -> String {
        let id = match self.release.reference.as_str() {
            "" => hex::encode(&self.release.record_id),
            reference => reference.to_owned(),
        };
        format!("{} {}", short(&self.release.record_type), short_token(&id))
    }
}

impl Requests {
    /// Takes in what the gateway lists; says in a few words what is new.
    pub fn take(&mut self, listed: Vec<wire::Release>, own: &str) -> Option<String> {
        let first = !std::mem::replace(&mut self.loaded, true);
        (self.under_way, self.rest) = (false, EVERY);
        self.failed.clear();
        let mut news = vec![];
        // What was asked for or decided since the look began may not be in it.
        if !self.wanted {
            let ids: BTreeSet<&str> = listed.iter().map(|one| one.id.as_str()).collect();
            self.all.retain(|id, _| ids.contains(id.as_str()));
        }
        for release in listed {
            let last = last_step(&release);
            let known = self.all.get(&release.id);
            let before = known.map_or(0, Request::last_step);
            if last < before {
                continue;
            }
            let (number, seen) = match known {
                Some(known) => (known.number, known.seen),
                None => {
                    self.numbered += 1;
                    (self.numbered, 0)
                }
            };
            let mut request = Request { number, release, seen };
            if first && !request.waits_for(own) {
                request.seen = last;
            }
            if last > before && request.is_new(own) {
                news.push(told(&request, own));
            }
            self.all.insert(request.release.id.clone(), request);
        }
        match news.len() {
            0 => None,
            1 => news.pop(),
            count if first => Some(format!("{count} release requests wait")),
            count => news.pop().map(|last| format!("{last}; and {} more", count - 1)),
        }
    }

    /// The look at the gateway failed.
    pub fn missed(&mut self, why: String) {
        (self.under_way, self.rest) = (false, EVERY);
        self.failed = why;
    }

    /// A look is to be taken at once.
    pub fn want(&mut self) {
        self.wanted = true;
    }

    /// A quarter of a second went by.
    pub fn tick(&mut self) {
        self.rest = self.rest.saturating_sub(1);
        if self.rest == 0 && !self.under_way {
            self.wanted = true;
        }
    }

    /// Whether a look is to be taken now; then it counts as under way.
    pub fn look(&mut self) -> bool {
        let now = self.wanted && !self.under_way;
        if now {
            self.wanted = false;
            self.under_way = true;
        }
        now
    }

    /// Whether the gateway told anything yet.
    pub fn is_loaded(&self) -> bool {
        self.loaded
    }

    /// The one of an id.
    pub fn find(&self, id: &str) -> Option<&Request> {
        self.all.get(id)
    }

    /// The one of a number.
    pub fn numbered(&self, number: u64) -> Option<&Request> {
        self.all.values().find(|one| one.number == number)
    }

    /// It was looked at.
    pub fn read(&mut self, number: u64) {
        if let Some(one) = self.all.values_mut().find(|one| one.number == number) {
            one.seen = one.last_step();
        }
    }

    /// Those that an agency is asked: pending ones first, the oldest of them first; of what is settled the newest first.
    pub fn asked_of(&self, own: &str) -> Vec<&Request> {
        let mut found: Vec<&Request> =
            self.all.values().filter(|one| one.is_asked_of(own)).collect();
        found.sort_by_key(|one| match one.state() {
            Some(State::Pending) => (0, at(one)),
            Some(State::AskedBack) => (1, at(one)),
            Some(State::Granted) => (2, -at(one)),
            _ => (3, -at(one)),
        });
        found
    }

    /// Those that an agency asked: what asks it back first, then what it may use, then what is pending; the newest first.
    pub fn asked_by(&self, own: &str) -> Vec<&Request> {
        let mut found: Vec<&Request> =
            self.all.values().rev().filter(|one| !one.is_asked_of(own)).collect();
        found.sort_by_key(|one| match one.state() {
            Some(State::AskedBack) => 0,
            Some(State::Granted) => 1,
            Some(State::Pending) => 2,
            _ => 3,
        });
        found
    }

    /// How many wait for an agency.
    pub fn waiting(&self, own: &str) -> usize {
        self.all.values().filter(|one| one.waits_for(own)).count()
    }

    /// How many wait for nobody here, but were not looked at.
    pub fn news(&self, own: &str) -> usize {
        self.all.values().filter(|one| one.is_new(own) && !one.waits_for(own)).count()
    }

    /// The next that was not looked at, the oldest first.
    pub fn next_new(&self, own: &str) -> Option<u64> {
        self.all.values().find(|one| one.is_new(own)).map(|one| one.number)
    }
}

/// Number of a release's last step.
pub fn last_step(release: &wire::Release) -> u32 {
    release.steps.last().map_or(0, |step| step.number)
}

/// When it was asked for, seconds since 1970.
fn at(request: &Request) -> i64 {
    request.release.requested_at.as_ref().map_or(0, |at| at.seconds)
}

/// What is new about one, in a few words.
fn told(request: &Request, own: &str) -> String {
    let (number, other) = (request.number, request.other(own));
    match request.state() {
        Some(State::Pending) if request.last_step() == 1 => {
            format!("{other} asks you to show more (request {number})")
        }
        Some(State::Pending) => format!("{other} answers (request {number})"),
        _ => format!("request {number}, {other}: {}", request.word()),
    }
}

/// Whether a release already holds the very step that a decision is about: it arrived before, and nobody heard of it.
pub fn arrived(release: &wire::Release, decision: &wire::ReleaseDecision) -> bool {
    let number = decision.after_step.saturating_add(1);
    let Some(taken) = release.steps.iter().find(|step| step.number == number) else { return false };
    let Some((act, text, ground)) = decision.step.as_ref().map(parts) else { return false };
    let fields = match &decision.step {
        // Which fields it was, is told only while it holds.
        Some(Step::Grant(grant)) if release.state == State::Granted as i32 => {
            let asked: BTreeSet<&str> = grant.fields.iter().map(|one| one.path.as_str()).collect();
            asked == release.granted.iter().map(|one| one.path.as_str()).collect()
        }
        _ => true,
    };
    fields
        && taken.act == act as i32
        && taken.ground == ground
        && taken.text == text
        && taken.officer == decision.officer
}

/// What a step is, its words, and the ground of a refusal.
fn parts(step: &Step) -> (Act, &str, i32) {
    match step {
        Step::Grant(grant) => (Act::Grant, &grant.remark, 0),
        Step::Refusal(refusal) => (Act::Refuse, &refusal.text, refusal.ground),
        Step::Question(text) => (Act::AskBack, text, 0),
        Step::Answer(text) => (Act::Answer, text, 0),
        Step::Withdrawal(text) => (Act::Withdraw, text, 0),
        Step::Revocation(text) => (Act::Revoke, text, 0),
    }
}

/// What a step is, for the status line.
pub fn name(decision: &wire::ReleaseDecision) -> &'static str {
    match decision.step.as_ref().map(|step| parts(step).0) {
        Some(Act::Grant) => "grant",
        Some(Act::Refuse) => "refusal",
        Some(Act::AskBack) => "question back",
        Some(Act::Answer) => "answer",
        Some(Act::Withdraw) => "withdrawal",
        Some(Act::Revoke) => "grant taken back",
        Some(Act::Request | Act::Lapse) | None => "no step",
    }
}

/// A step in a line: when, what, by whom, on which ground, and the words.
pub fn line(step: &wire::ReleaseStep) -> String {
    let act = Act::from_number(step.act);
    let act = act.map_or_else(|| format!("act {}", step.act), |act| act.word().replace('_', " "));
    let by = match (step.agency.as_str(), step.officer.as_str(), step.officer_proven) {
        ("", _, _) => "time".to_owned(),
        (agency, "", _) => agency.to_owned(),
        (agency, officer, true) => format!("{agency}, {officer} (proven)"),
        (agency, officer, false) => format!("{agency}, {officer} (as told)"),
    };
    let ground = Ground::from_number(step.ground);
    let ground = ground.map(|ground| format!(", {}", ground.word())).unwrap_or_default();
    let text = if step.text.is_empty() { String::new() } else { format!(": {}", step.text) };
    let at = time(step.at.as_ref());
    format!("{}. {at} {act} by {by}{ground}{text}", step.number)
}

/// A moment of the gateway's clock, as date and minute in UTC; empty where there is none.
pub fn time(at: Option<&prost_types::Timestamp>) -> String {
    at.map(|at| moment(at.seconds)).unwrap_or_default()
}
