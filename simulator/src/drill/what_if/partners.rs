//! Partners of a game that is played again: from memory, but for answers that are settled.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::To;
use crate::drill::candid::Candid;
use crate::drill::desk::{Ask, Reply};
use crate::drill::event::{Answered, Event, What};
use crate::drill::playbook::Lead;
use crate::drill::plot::Plot;
use crate::drill::smuggler::Hidden;

/// Who asks, whom, for what type of record.
type Way = (String, String, String);

/// Answers that are settled: those of a look up to a question, and whether that last one is changed.
pub(super) struct Told {
    /// As they were.
    pub answers: Vec<Answered>,
    /// What becomes of the last one.
    pub last: Option<To>,
}

/// Word for what was refused for the sake of the question.
const REASON: &str = "WHAT_IF";

/// Partners.
pub(super) struct Partners<'p> {
    candid: Candid<'p>,
    /// What was refused throughout, with the reason.
    refused: BTreeMap<Way, String>,
    settled: VecDeque<Answered>,
    last: Option<To>,
}

impl<'p> Partners<'p> {
    /// Partners that refuse what they always refused in these events.
    pub fn new(plot: &'p Plot, events: &[Event]) -> Self {
        let (mut refused, mut answered) = (BTreeMap::new(), BTreeSet::new());
        for event in events {
            let What::Asked { of, record_type, answer, .. } = &event.what else { continue };
            let way = (event.by.clone(), of.clone(), record_type.clone());
            match answer {
                Answered::Refused { reason } => {
                    refused.insert(way, reason.clone());
                }
                Answered::Records { .. } => {
                    answered.insert(way);
                }
            }
        }
        refused.retain(|way, _| !answered.contains(way));
        Self { candid: Candid::new(plot), refused, settled: VecDeque::new(), last: None }
    }

    /// A look begins some of whose answers are settled.
    pub fn begin(&mut self, told: Told) {
        self.settled = told.answers.into();
        self.last = told.last;
    }

    /// The look has ended: from now on answers are what partners always gave.
    pub fn end(&mut self) {
        self.settled.clear();
        self.last = None;
    }

    /// What was told, as the gateway's log would have it.
    pub fn told(self) -> Vec<What> {
        self.candid.told
    }
}

impl Ask for Partners<'_> {
    async fn ask(&mut self, asker: &str, lead: &Lead, now: i64) -> Reply {
        if let Some(answer) = self.settled.pop_front() {
            let last = self.settled.is_empty();
            return match (answer, self.last.filter(|_| last)) {
                (_, Some(To::Refused)) => Reply::refused(REASON),
                (_, Some(To::Released)) => self.candid.ask(asker, lead, now).await,
                (Answered::Refused { reason }, _) => Reply::refused(reason),
                (answered, _) => {
                    // What it told before is in the log already; the last answer stays what it was too.
                    let told = self.candid.told.len();
                    let reply = self.candid.ask(asker, lead, now).await;
                    if !last {
                        self.candid.told.truncate(told);
                    }
                    Reply { answered, ..reply }
                }
            };
        }
        let record_type = lead.table.record_type().rsplit('.').next().unwrap_or_default();
        let way = (asker.to_owned(), lead.of.clone(), record_type.to_owned());
        match self.refused.get(&way) {
            Some(reason) => Reply::refused(reason.clone()),
            None => self.candid.ask(asker, lead, now).await,
        }
    }

    async fn hide(&mut self, hidden: &Hidden) {
        self.candid.hide(hidden).await;
    }
}
