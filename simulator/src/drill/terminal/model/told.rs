//! What the drill tells: the connection, what happened, and what was asked for.

use std::time::Duration;

use portcullis_proto::drill::v1 as wire;
use wire::watch_response::News;

use super::{
    AGAIN, Call, Effect, Fetch, Happening, Link, Message, Model, Pending, Question, Screen, text,
};
use crate::drill::terminal::message::Outcome;

/// Longest wait before the connection is tried again, seconds.
const LONGEST_WAIT: u64 = 10;

impl Model {
    pub(super) fn told(&mut self, message: Message) -> Vec<Effect> {
        match message {
            Message::Opened(told) => return self.opened(told),
            Message::Lost(reason) => return self.lost(reason),
            Message::News(news) => self.news(*news),
            Message::Drill(told) => {
                self.asked.remove(&Fetch::Drill);
                self.told = Some(told);
            }
            Message::Matters(team, matters) => {
                self.asked.remove(&Fetch::Matters(team.clone()));
                self.matters.insert(team, matters);
            }
            Message::Injects(injects) => {
                self.asked.remove(&Fetch::Injects);
                self.injects = injects;
            }
            Message::Scores(scores) => {
                self.asked.remove(&Fetch::Scores);
                self.scores = scores;
            }
            Message::Missed(fetch, why) => {
                self.asked.remove(&fetch);
                self.stale.insert(fetch);
                self.rest = AGAIN;
                self.notice = format!("not everything could be fetched: {why}");
            }
            _ => {}
        }
        vec![]
    }

    fn opened(&mut self, told: Box<wire::GetDrillResponse>) -> Vec<Effect> {
        let again = matches!(self.link, Link::Lost { .. }) && self.told.is_some();
        self.link = Link::Up;
        self.notice = if again { "connected again".to_owned() } else { String::new() };
        if told.next_event < self.next_event {
            // Another drill than before, or one that was begun anew.
            self.news.clear();
            self.next_event = 0;
            self.matters.clear();
        }
        if let Some(clock) = &told.clock {
            self.clock = *clock;
        }
        if self.question.is_none() && told.role() == wire::Role::Player {
            self.question = Some(Question::new(&told));
        }
        let first = self.told.is_none();
        self.told = Some(told);
        if first {
            self.screen = self.screens().first().copied().unwrap_or(self.screen);
        }
        self.asked.clear();
        self.everything();
        self.requests.want();
        self.rest = 0;
        // What nobody knows the outcome of goes out again, each under its key.
        let waiting = self.outbox.iter_mut().filter(|pending| pending.again.is_some());
        waiting
            .map(|pending| {
                pending.again = None;
                Effect::Call(pending.call.clone())
            })
            .collect()
    }

    fn everything(&mut self) {
        self.want(Fetch::Drill);
        self.stale_matters();
        if self.role() != wire::Role::Player {
            self.want(Fetch::Injects);
        }
        if self.screen == Screen::Scores {
            self.want(Fetch::Scores);
        }
    }

    fn stale_matters(&mut self) {
        if self.role() == wire::Role::Player {
            return self.want(Fetch::Matters(String::new()));
        }
        let teams = self.told.iter().flat_map(|told| &told.teams);
        let all: Vec<Fetch> = teams.map(|team| Fetch::Matters(team.agency.clone())).collect();
        self.stale.extend(all);
    }

    fn lost(&mut self, reason: String) -> Vec<Effect> {
        let tries = match &self.link {
            Link::Lost { tries, .. } => tries + 1,
            Link::Opening | Link::Up => 0,
        };
        let after = Duration::from_secs((1u64 << tries.min(8)).min(LONGEST_WAIT));
        self.link = Link::Lost { reason, tries };
        self.asked.clear();
        vec![Effect::Connect { from_event: self.next_event, after }]
    }

    fn news(&mut self, told: wire::WatchResponse) {
        match told.news {
            Some(News::Clock(clock)) => {
                let ends = self.told.as_ref().and_then(|told| told.inspections.as_ref());
                let ends = ends.map(|left| text::seconds(left.shift_ends.as_ref()));
                let (before, now) = (self.now(), text::seconds(clock.exercise.as_ref()));
                if ends.is_some_and(|ends| before < ends && ends <= now) {
                    self.want(Fetch::Drill);
                }
                self.clock = clock;
            }
            Some(News::Event(event)) if event.number >= self.next_event => {
                self.next_event = event.number + 1;
                let one = Happening::of(event, self.role(), self.team());
                self.follow(&one);
                self.news.push(one);
            }
            // Known already, or of a later version.
            Some(News::Event(_)) | None => {}
        }
    }

    fn follow(&mut self, one: &Happening) {
        let player = self.role() == wire::Role::Player;
        if one.touches_matters() {
            self.stale_matters();
            if player {
                self.want(Fetch::Drill);
            }
        }
        if !player && one.touches_injects() {
            self.want(Fetch::Injects);
        }
        if one.unread {
            self.notice = format!("new: {}", one.text);
        }
    }

    pub(super) fn called(&mut self, key: &str, outcome: Outcome) -> Vec<Effect> {
        let Some(place) = self.outbox.iter().position(|pending| pending.call.key() == key) else {
            return vec![];
        };
        let shown = self.dialog.as_ref().is_some_and(|dialog| dialog.key.as_deref() == Some(key));
        match outcome {
            Outcome::Unsure(why) => {
                let Some(Pending { call, again }) = self.outbox.get_mut(place) else {
                    return vec![];
                };
                *again = Some(AGAIN);
                self.notice = format!("{}: not known whether it arrived ({why})", call.name());
            }
            Outcome::Done(done) => {
                let Pending { call, .. } = self.outbox.remove(place);
                self.notice = format!("done: {}{done}", call.name());
                if shown {
                    self.dialog = None;
                }
                self.settled(&call);
            }
            Outcome::Refused(why) => {
                let Pending { call, .. } = self.outbox.remove(place);
                self.notice = format!("refused: {}: {why}", call.name());
                if let Some(dialog) = self.dialog.as_mut().filter(|_| shown) {
                    dialog.form.error = why;
                    dialog.sure = false;
                    dialog.key = None;
                }
                if call.is_the_gateways() {
                    self.requests.want();
                }
            }
        }
        vec![]
    }
    /// What has to be looked at after a call that is done.
    fn settled(&mut self, call: &Call) {
        match call {
            Call::Release(_) => self.requests.want(),
            Call::Step(_, decision) => {
                self.requests.drafts.retain(|(id, _), _| *id != decision.release_id);
                self.requests.want();
            }
            _ => self.everything(),
        }
    }
}
