//! Forms over a screen and the calls that they make. A form that was sent stays as it is until it is known what came of
//! it: it is made again by itself under its key. Refused, it can be changed and goes out under a key of its own.

use portcullis_core::release::Act;
use portcullis_proto::drill::v1 as wire;
use portcullis_proto::query::v1 as query;
use ratatui::crossterm::event::{KeyCode, KeyEvent};
use wire::control_request::Command;

use super::compose::compose;
use super::{Call, Effect, Model, Screen};
use crate::drill::event::Decision;
use crate::drill::terminal::form::{Form, Tick, Took};
use crate::drill::terminal::news::is_staff;
use crate::drill::terminal::text::{self, cut, short};

/// A form over a screen.
pub struct Dialog {
    /// The form.
    pub form: Form,
    /// What it is for.
    pub task: Task,
    /// Key of the call that is under way; none: it was not sent, or refused.
    pub key: Option<String>,
    /// Enter was pressed, and it was said what a second one does.
    pub sure: bool,
}

impl Dialog {
    /// Something in it changed: what was said of it holds no more.
    pub(super) fn changed(&mut self) {
        self.form.error.clear();
        self.sure = false;
    }
}

/// What a form is for. Without `Debug`: a release names a record.
#[derive(Clone)]
pub enum Task {
    /// A decision on a matter, of its team.
    Decide {
        /// Which.
        matter: u32,
        /// Whose it is, for a decision by phone; empty for the own team's.
        team: String,
    },
    /// Evidence for a decision taken.
    Cite,
    /// A matter to another team.
    HandOver {
        /// Which.
        matter: u32,
    },
    /// Words.
    Send,
    /// Speed.
    Speed,
    /// Everything later.
    Postpone,
    /// A real emergency.
    NoDuff,
    /// An inject; 0: a new one.
    Inject {
        /// Its number.
        number: u32,
    },
    /// An inject is taken back.
    Withdraw {
        /// Its number.
        number: u32,
    },
    /// A rating.
    Rate,
    /// A request to show more of a field of a record.
    Release {
        /// Who is asked.
        ask: String,
        /// The request, without its reason.
        query: Box<query::Query>,
    },
    /// A step on a release request.
    Step {
        /// Which.
        release: String,
        /// What is done.
        act: Act,
        /// Number of the last step that was looked at.
        after: u32,
    },
}

/// A question over everything: yes or no.
pub struct Confirm {
    /// What is asked.
    pub text: String,
    /// What follows a yes.
    pub then: Then,
}

/// What follows a yes.
pub enum Then {
    /// A command to the clock.
    Control(Command),
    /// The form is sent.
    Send,
    /// The desk is left.
    Quit,
}

/// Kinds of injects.
pub const KINDS: [&str; 11] = [
    "world_event",
    "document",
    "tip",
    "false_tip",
    "partner_request",
    "agreement_suspended",
    "inspectors_off",
    "gateway_slow",
    "peer_down",
    "media",
    "contingency",
];

impl Model {
    pub(super) fn leave(&self) -> Confirm {
        let mut text = "Leave the desk? The exercise goes on.".to_owned();
        if !self.exchanges.is_empty() {
            text.push_str(" Answers shown here are kept nowhere else.");
        }
        if !self.outbox.is_empty() {
            text.push_str(" Something was sent of which it is not known whether it arrived.");
        }
        Confirm { text, then: Then::Quit }
    }

    /// Ctrl-C: asks first; a second one leaves.
    pub(super) fn interrupt(&mut self) -> Vec<Effect> {
        if matches!(self.confirm, Some(Confirm { then: Then::Quit, .. })) {
            return vec![Effect::Quit];
        }
        self.confirm = Some(self.leave());
        vec![]
    }

    pub(super) fn confirm_key(&mut self, code: KeyCode) -> Vec<Effect> {
        match code {
            KeyCode::Char('y' | 'Y') => match self.confirm.take().map(|confirm| confirm.then) {
                Some(Then::Control(command)) => vec![self.control(command)],
                Some(Then::Send) => self.send(),
                Some(Then::Quit) => vec![Effect::Quit],
                None => vec![],
            },
            KeyCode::Char('n' | 'N') | KeyCode::Esc => {
                self.confirm = None;
                vec![]
            }
            _ => vec![],
        }
    }

    pub(super) fn dialog_key(&mut self, key: KeyEvent) -> Vec<Effect> {
        let Some(dialog) = &mut self.dialog else { return vec![] };
        if dialog.key.is_some() {
            if key.code == KeyCode::Esc {
                self.close();
            }
            return vec![];
        }
        match dialog.form.key(key) {
            Took::Closed => self.close(),
            Took::Changed => dialog.changed(),
            Took::Sent if matches!(dialog.task, Task::NoDuff) => {
                let text = "NO-DUFF: stop the exercise for a real emergency and tell everybody?";
                self.confirm = Some(Confirm { text: text.to_owned(), then: Then::Send });
            }
            Took::Sent if matches!(dialog.task, Task::Step { .. }) => return self.step_entered(),
            Took::Sent => return self.send(),
            Took::Moved | Took::Nothing => {}
        }
        vec![]
    }

    fn close(&mut self) {
        self.keep_draft();
        self.dialog = None;
    }

    pub(super) fn send(&mut self) -> Vec<Effect> {
        let key = self.new_key();
        let Some(dialog) = &mut self.dialog else { return vec![] };
        match compose(&dialog.form, &dialog.task) {
            Err((name, why)) => {
                dialog.form.look_at(name);
                dialog.form.error = why;
                vec![]
            }
            Ok(call) => {
                dialog.form.error.clear();
                dialog.key = Some(key.clone());
                match &call {
                    Call::Decide(request) => self.player.clone_from(&request.player),
                    Call::Step(_, decision) => self.player.clone_from(&decision.officer),
                    _ => {}
                }
                vec![self.make(call.under(key))]
            }
        }
    }

    /// Opens the form of a task.
    pub(super) fn open(&mut self, task: Task) {
        let form = match &task {
            Task::Decide { matter, team } => self.decide_form(*matter, team),
            Task::Cite => self.cite_form(),
            Task::HandOver { matter } => Form::new(format!("Hand matter {matter} over"))
                .choice("to", self.teams(&[]), "")
                .text("text", ""),
            Task::Send => self.send_form(),
            Task::Speed => Form::new("Speed: so many times faster than the wall, 1 to 3600")
                .text("speed", &self.clock.speed.to_string()),
            Task::Postpone => {
                Form::new("Postpone all that is planned").text("by H:MM:SS", "0:05:00")
            }
            Task::NoDuff => Form::new("NO-DUFF: stop for a real emergency")
                .text("words", "NO-DUFF: real emergency. Exercise stopped."),
            Task::Inject { number } => self.inject_form(*number),
            Task::Withdraw { number } => {
                Form::new(format!("Withdraw inject {number}")).text("reason", "")
            }
            Task::Rate => self.rate_form(),
            Task::Release { ask, query } => {
                let what = query.fields.join(", ");
                Form::new(format!("Ask {ask} to show {what}")).text("reason", "")
            }
            Task::Step { release, act, .. } => self.step_form(release, *act),
        };
        self.dialog = Some(Dialog { form, task, key: None, sure: false });
    }

    fn decide_form(&self, matter: u32, team: &str) -> Form {
        let told = self.told.as_ref();
        let open = told.map(|told| told.decisions.clone()).unwrap_or_default();
        let words = if open.is_empty() {
            Decision::ALL.iter().map(|one| one.word().to_owned()).collect()
        } else {
            open
        };
        let known = self.matter(matter);
        let (last, sure) = match known {
            Some(one) if !one.decision.is_empty() => (one.decision.clone(), one.confidence),
            _ => (String::new(), 50),
        };
        let by_phone = !team.is_empty();
        let title = if by_phone {
            format!("Decision of {team} by phone, on matter {matter}")
        } else {
            format!("Decision on matter {matter}")
        };
        let form = Form::new(title)
            .choice("decision", same(words), &last)
            .text("confidence 0-100", &sure.to_string())
            .text("reason", "")
            .text("who decides", &self.player);
        let evidence = self.evidence(matter);
        if by_phone || evidence.is_empty() { form } else { form.ticks("evidence", evidence) }
    }

    /// Exchanges that can be cited, those of the matter first.
    fn evidence(&self, matter: u32) -> Vec<Tick> {
        let mut all: Vec<_> = self.exchanges.iter().filter(|one| !one.id().is_empty()).collect();
        all.sort_by_key(|one| (one.matter != matter, std::cmp::Reverse(one.number)));
        let tick = |one: &&super::Exchange| {
            let about = match one.matter {
                0 => String::new(),
                number => format!("matter {number}, "),
            };
            let (of, kind, went) = (one.of(), short(&one.query.record_type), one.outcome());
            let label = format!("{about}{of}, {kind}: {went} [{}]", one.id());
            Tick { value: one.id().to_owned(), label, on: false }
        };
        all.iter().map(tick).collect()
    }

    fn cite_form(&self) -> Form {
        let picked = self.picked_exchange();
        let about = self
            .picked_matter()
            .map(|matter| matter.number)
            .or(picked.map(|one| one.matter))
            .unwrap_or(0);
        let decided = self.matters.values().flatten().filter(|one| !one.decision.is_empty());
        let matters = decided.map(|one| {
            let number = one.number.to_string();
            let label =
                format!("{number} {} {}: {}", short(&one.record_type), one.record, one.decision);
            (number, label)
        });
        let mut evidence = self.evidence(about);
        for tick in &mut evidence {
            tick.on = picked.is_some_and(|one| one.id() == tick.value);
        }
        Form::new("Evidence for a decision taken")
            .choice("matter", matters.collect(), &about.to_string())
            .ticks("evidence", evidence)
    }

    /// Teams but the own, behind others that words can go to.
    fn teams(&self, before: &[(&str, &str)]) -> Vec<(String, String)> {
        let before = before.iter().map(|(id, label)| ((*id).to_owned(), (*label).to_owned()));
        let teams = self.told.iter().flat_map(|told| &told.teams);
        let others = teams.filter(|team| team.agency != self.team());
        before
            .chain(
                others
                    .map(|team| (team.agency.clone(), format!("{} ({})", team.agency, team.name))),
            )
            .collect()
    }

    fn send_form(&self) -> Form {
        let control = ("control", "control: trainers and evaluators");
        let to = match self.role() {
            wire::Role::Trainer => self.teams(&[("ALL", "ALL: everybody"), control]),
            _ => self.teams(&[control]),
        };
        // An answer goes to who wrote.
        let wrote = self.pick().filter(|_| self.screen == Screen::Inbox);
        let wrote = self.news.iter().find(|one| Some(one.number) == wrote && one.kind == "message");
        let wrote = wrote.map_or("", |one| if is_staff(&one.by) { "control" } else { &one.by });
        let wrote = self.picked_request().map_or(wrote, |one| one.other(self.team()));
        Form::new("Message").choice("to", to, wrote).text("text", "")
    }

    fn inject_form(&self, number: u32) -> Form {
        let inject = self.injects.iter().find(|inject| inject.number == number);
        let inject = inject.cloned().unwrap_or_else(|| wire::Inject {
            planned: Some(prost_types::Duration { seconds: self.now() + 60, nanos: 0 }),
            kind: "tip".to_owned(),
            receiver: "ALL".to_owned(),
            ..wire::Inject::default()
        });
        let planned = inject.planned.as_ref().map(|at| text::time(at.seconds)).unwrap_or_default();
        let title = match number {
            0 => "New inject".to_owned(),
            number => format!("Inject {number}"),
        };
        let objectives = self.told.iter().flat_map(|told| &told.objectives);
        let objectives = objectives.map(|one| (one.id.clone(), cut(&one.text, 50)));
        let none = std::iter::once((String::new(), "none".to_owned()));
        Form::new(title)
            .text("planned H:MM:SS", &planned)
            .choice("kind", kinds(&inject.kind), &inject.kind)
            .text("sender", &inject.sender)
            .choice("receiver", self.teams(&[("ALL", "ALL: everybody")]), &inject.receiver)
            .text("content", &inject.content)
            .text("expected action", &inject.expected_action)
            .text("check", &inject.check)
            .choice("objective", none.chain(objectives).collect(), &inject.objective)
            .text("maximum minutes", &inject.maximum_minutes.to_string())
            .text("evaluator's note", &inject.evaluator_note)
    }

    fn rate_form(&self) -> Form {
        let objectives = self.told.iter().flat_map(|told| &told.objectives);
        let objectives =
            objectives.map(|one| (one.id.clone(), format!("{}: {}", one.id, cut(&one.text, 50))));
        let first = told_first(self);
        let none = std::iter::once((String::new(), "none: a note about the team".to_owned()));
        let ratings = [
            ("", "none: a note alone"),
            ("P", "P: performed without challenges"),
            ("S", "S: performed with some challenges"),
            ("M", "M: performed with major challenges"),
            ("U", "U: unable to be performed"),
        ];
        let ratings = ratings.map(|(word, label)| (word.to_owned(), label.to_owned()));
        Form::new("Rating")
            .choice("team", self.teams(&[]), "")
            .choice("objective", objectives.chain(none).collect(), &first)
            .choice("rating", ratings.to_vec(), "")
            .text("reason", "")
    }
}

/// The first objective.
fn told_first(model: &Model) -> String {
    let first = model.told.iter().flat_map(|told| &told.objectives).next();
    first.map(|one| one.id.clone()).unwrap_or_default()
}

/// Words of the kinds of injects, and that of a later version.
fn kinds(known: &str) -> Vec<(String, String)> {
    let later = std::iter::once(known).filter(|word| !KINDS.contains(word));
    same(KINDS.into_iter().chain(later).map(str::to_owned).collect())
}

fn same(words: Vec<String>) -> Vec<(String, String)> {
    words.into_iter().map(|word| (word.clone(), word)).collect()
}
