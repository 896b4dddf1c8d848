//! How an agreement stands, beside its text: who has signed, joined and left, whether it is suspended or has
//! been ended, and what parties have taken away by reservation. All of it can only take away: with nothing of
//! it an agreement gives what its text says, and never more.

use std::collections::{BTreeMap, BTreeSet};

use super::agreement::{Agreement, Flow, Selector};
use crate::id::{AgencyId, Digest, Moment, RecordTypeName, RuleId};
use crate::label::Leaf;
use crate::policy::Purpose;
use crate::redact::Treatment;

/// How an agreement stands. The default is the operator's word: as the text says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// Where it is in its life.
    pub phase: Phase,
    /// Ended from then on, whatever the text says.
    pub ends: Option<Moment>,
    /// Agencies that acceded, of those to which the text is open.
    pub joined: BTreeSet<AgencyId>,
    /// Parties that withdrew, and from when on.
    pub left: BTreeMap<AgencyId, Moment>,
    /// What parties took away of what they give or get.
    pub reservations: Vec<Reservation>,
    /// The schemas that it was signed for; none: it is the operator's word and speaks of whatever is here.
    pub signed_for: Option<BTreeMap<RecordTypeName, Digest>>,
}

/// Where an agreement is in its life. Its dates are another matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Phase {
    /// Signed by every party, or the operator's word.
    #[default]
    InForce,
    /// These parties have not signed yet.
    AwaitsSignatures(Vec<AgencyId>),
    /// These parties have suspended it.
    Suspended(Vec<AgencyId>),
    /// A record type is not the one that was signed for.
    SchemaChanged(Vec<RecordTypeName>),
}

/// What a party takes away of flows from or to itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reservation {
    /// Whose reservation.
    pub agency: AgencyId,
    /// Counted from 1 among its own.
    pub number: usize,
    /// For this flow, counted from 1 as in the text; none: for every one from or to it.
    pub flow: Option<usize>,
    /// What is taken away.
    pub takes: Take,
}

/// What a reservation takes away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Take {
    /// The purpose.
    Purpose(Purpose),
    /// The record type.
    RecordType(RecordTypeName),
    /// Whatever of a field (or of the fields below a message) tells more than this.
    Field {
        /// Dotted path.
        path: String,
        /// The most that may be shown.
        at_most: Treatment,
    },
    /// That a field may be named in a filter without being clear.
    Match(String),
}

/// The most that may be shown of some fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cap {
    /// The rule it is told as.
    pub rule: RuleId,
    /// Which fields.
    pub selector: Selector,
    /// The most that may be shown.
    pub at_most: Treatment,
}

impl Cap {
    /// Is it about this leaf?
    pub fn concerns(&self, leaf: &Leaf) -> bool {
        self.selector.specificity(leaf).is_some()
    }
}

/// Flows as reservations leave them. A recipient's reservation takes from itself alone: the flow is split, the
/// others keep their part under the same rule.
pub(super) fn narrow(agreement: &mut Agreement) {
    let reservations = agreement.standing.reservations.clone();
    for reservation in &reservations {
        let flows = std::mem::take(&mut agreement.flows);
        for mut flow in flows {
            if reservation.flow.is_some_and(|number| number != flow.number) {
                agreement.flows.push(flow);
            } else if flow.from == reservation.agency {
                agreement.flows.extend(without(flow, agreement.id.as_str(), reservation));
            } else if flow.to.contains(&reservation.agency) {
                let own = Flow { to: vec![reservation.agency.clone()], ..flow.clone() };
                flow.to.retain(|to| *to != reservation.agency);
                if !flow.to.is_empty() {
                    agreement.flows.push(flow);
                }
                agreement.flows.extend(without(own, agreement.id.as_str(), reservation));
            } else {
                agreement.flows.push(flow);
            }
        }
    }
}

/// The flow without what is taken away; none where nothing is left.
fn without(mut flow: Flow, agreement: &str, reservation: &Reservation) -> Option<Flow> {
    match &reservation.takes {
        Take::Purpose(purpose) => {
            flow.purposes.retain(|one| one != purpose);
            for ladder in &mut flow.ladders {
                ladder.purposes.retain(|one| one != purpose);
            }
        }
        Take::RecordType(name) => flow.record_types.retain(|one| one != name),
        Take::Field { path, at_most } => flow.caps.push(Cap {
            rule: RuleId::new(format!(
                "agreement:{agreement}/reservation:{}:{}",
                reservation.agency, reservation.number
            )),
            selector: Selector::Fields(vec![path.clone()]),
            at_most: *at_most,
        }),
        Take::Match(path) => flow.matchable.retain(|one| one != path),
    }
    (!flow.purposes.is_empty() && !flow.record_types.is_empty()).then_some(flow)
}
