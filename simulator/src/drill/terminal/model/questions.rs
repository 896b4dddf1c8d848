//! Questions to partners: what policy says first, then the question, then what it brought.

use std::sync::Arc;

use portcullis::client::{Answer, Refused};
use portcullis_core::label::RecordType;
use portcullis_proto::query::v1 as wire;
use ratatui::crossterm::event::{KeyCode, KeyEvent};

use super::{Effect, Exchange, Model, Screen};
use crate::drill::terminal::exchange::Came;
use crate::drill::terminal::form::Took;
use crate::drill::terminal::message::Schema;
use crate::drill::terminal::question::{Policy, field, record_type};

/// Quarters of a second without a key after which policy is asked.
const IDLE: u8 = 2;

impl Model {
    /// A key while a question is written.
    pub(super) fn ask_key(&mut self, key: KeyEvent) -> Vec<Effect> {
        if key.code == KeyCode::F(1) {
            self.help = true;
            return vec![];
        }
        let Some(question) = &mut self.question else { return vec![] };
        let took = question.form.key(key);
        self.ask_took(took)
    }

    pub(super) fn ask_took(&mut self, took: Took) -> Vec<Effect> {
        let (Some(question), Some(told)) = (&mut self.question, &self.told) else { return vec![] };
        match took {
            Took::Changed => {
                question.form.error.clear();
                match question.form.focused() {
                    // What is ticked changes nothing of what policy says to each field.
                    field::FIELDS => {
                        question.warned = false;
                        return vec![];
                    }
                    field::AGENCY | field::TYPE => question.offer(told),
                    _ => {}
                }
                question.changed();
            }
            Took::Sent => return self.ask(),
            Took::Closed => self.show(Screen::Matters),
            Took::Moved => question.idle = 0,
            Took::Nothing => {}
        }
        vec![]
    }

    /// Asks policy, once nobody has typed for a moment.
    pub(super) fn explain(&mut self) -> Option<Effect> {
        let question = self.question.as_mut().filter(|_| self.gateway)?;
        if self.screen != Screen::Ask || !matches!(question.policy, Policy::Unknown) {
            return None;
        }
        question.idle = question.idle.saturating_add(1);
        if question.idle != IDLE {
            return None;
        }
        match question.query(true) {
            Ok(query) => {
                question.policy = Policy::Asked;
                Some(Effect::Explain(question.number, query))
            }
            Err((_, why)) => {
                question.form.error = why;
                None
            }
        }
    }

    pub(super) fn explained(
        &mut self,
        number: u64,
        said: Result<Box<wire::ExplainResponse>, Box<Refused>>,
    ) -> Vec<Effect> {
        if let Some(question) = self.question.as_mut().filter(|one| one.number == number) {
            question.policy = match said {
                Ok(said) => Policy::Said(said),
                Err(refused) => Policy::Failed(refused),
            };
        }
        vec![]
    }

    fn ask(&mut self) -> Vec<Effect> {
        let Some(question) = &mut self.question else { return vec![] };
        if !self.gateway {
            question.form.error = "no gateway: start the desk with --gateway PROFILE".to_owned();
            return vec![];
        }
        let query = match question.query(false) {
            Ok(query) => query,
            Err((name, why)) => {
                question.form.look_at(name);
                question.form.error = why;
                return vec![];
            }
        };
        let doubt = match &question.policy {
            Policy::Said(said) if said.allowed => None,
            Policy::Said(_) => Some("policy refuses this"),
            Policy::Unknown | Policy::Asked => Some("policy has not said yet what it does"),
            Policy::Failed(_) => Some("policy could not be asked"),
        };
        if let Some(doubt) = doubt.filter(|_| !question.warned) {
            question.warned = true;
            question.form.error = format!("{doubt}; Enter once more asks all the same");
            return vec![];
        }
        question.warned = false;
        question.form.error.clear();
        let (matter, known) = (question.matter, question.record_type.clone());
        let Some(record_type) = known.or_else(|| record_type(&query.record_type)) else {
            return vec![];
        };
        self.put(matter, query, record_type)
    }

    /// Puts a question to the gateway, and shows where its answer is going to stand.
    pub(super) fn put(
        &mut self,
        matter: u32,
        query: wire::Query,
        record_type: Arc<RecordType>,
    ) -> Vec<Effect> {
        let at = self.now();
        // The same question, of whose answer nobody knows, goes out again under its key and is charged once.
        let unsure = self.exchanges.iter().position(|one| one.is_unsure() && one.query == query);
        let key = match unsure.map(|place| self.exchanges.remove(place)) {
            Some(before) => before.key,
            None => self.new_key(),
        };
        self.made += 1;
        let number = self.made;
        let request = wire::QueryRequest {
            query: Some(query.clone()),
            idempotency_key: key.clone(),
            ..wire::QueryRequest::default()
        };
        self.exchanges.push(Exchange { number, matter, query, key, at, came: Came::Nothing });
        self.show(Screen::Answers);
        self.depth.insert(Screen::Answers, 0);
        self.picked.insert(Screen::Answers, number);
        vec![Effect::Ask { number, request, record_type: Schema(record_type) }]
    }

    pub(super) fn answered(
        &mut self,
        number: u64,
        came: Result<Box<Answer>, Box<Refused>>,
    ) -> Vec<Effect> {
        if let Some(exchange) = self.exchanges.iter_mut().find(|one| one.number == number) {
            exchange.came = match came {
                Ok(answer) => Came::Answer(answer),
                Err(refused) => Came::Refused(refused),
            };
            self.notice = format!("{}: {}", exchange.of(), exchange.outcome());
        }
        vec![]
    }
}
