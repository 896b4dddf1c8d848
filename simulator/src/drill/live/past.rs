//! What happened, and how things were when it did: what may be told to whom later follows from that, and not from how
//! things are now.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::drill::event::{Event, What};
use crate::drill::plot::{MatterId, Plot};
use crate::drill::scenario::{Entry, Scenario};

/// Events with what they changed.
#[derive(Debug, Default)]
pub struct Past {
    events: Vec<Arc<Event>>,
    rows: BTreeMap<u32, Vec<(u64, Entry)>>,
    shown: BTreeMap<u32, u64>,
    holders: BTreeMap<MatterId, Vec<(u64, usize)>>,
    teams: Vec<String>,
}

/// The last of what was so by an event.
fn by<T>(all: Option<&Vec<(u64, T)>>, event: u64) -> Option<&T> {
    all?.iter().rev().find(|(since, _)| *since <= event).map(|(_, one)| one)
}

impl Past {
    /// Before the first event.
    pub(super) fn new(scenario: &Scenario, plot: &Plot) -> Self {
        let rows = scenario.msel.entries.iter();
        let rows = rows.map(|entry| (entry.number, vec![(0, entry.clone())])).collect();
        let holders = plot.matters.iter().map(|one| (one.id, vec![(0, one.team)])).collect();
        let teams = scenario.teams.iter().map(|team| team.agency.clone()).collect();
        Self { events: vec![], rows, shown: BTreeMap::new(), holders, teams }
    }

    pub(super) fn add(&mut self, event: &Event) {
        let number = event.number;
        match &event.what {
            What::Planned { entry } => {
                self.rows.entry(entry.number).or_default().push((number, (**entry).clone()));
            }
            What::Inject { inject } => {
                self.shown.insert(*inject, number);
            }
            What::HandedOver { matter, to, .. } => {
                if let Some(place) = self.teams.iter().position(|team| team == to) {
                    self.holders.entry(*matter).or_default().push((number, place));
                }
            }
            _ => {}
        }
        self.events.push(Arc::new(event.clone()));
    }

    /// Events from a number on.
    pub fn from(&self, number: u64) -> Vec<Arc<Event>> {
        let from = usize::try_from(number).unwrap_or(usize::MAX);
        self.events.get(from..).unwrap_or_default().to_vec()
    }

    /// A row of the list of injects as it was by an event.
    pub fn row(&self, inject: u32, event: u64) -> Option<&Entry> {
        by(self.rows.get(&inject), event)
    }

    /// Whether an inject had happened by an event.
    pub fn was_shown(&self, inject: u32, event: u64) -> bool {
        self.shown.get(&inject).is_some_and(|when| *when <= event)
    }

    /// The place of the team that had a matter by an event.
    pub fn holder(&self, matter: MatterId, event: u64) -> Option<usize> {
        by(self.holders.get(&matter), event).copied()
    }
}
