//! What was done and why, told from the plan alone: never from a record, so that an explanation cannot say
//! whether a withheld value was there.

use super::{Level, Plan, Reason, Treatment};
use crate::id::{AgencyId, RuleId};
use crate::label::LeafId;

/// What happens to one field, for a person or a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// The leaf.
    pub leaf: LeafId,
    /// Dotted path.
    pub path: String,
    /// What happens.
    pub treatment: Treatment,
    /// How far it is coarsened, where it is.
    pub level: Option<Level>,
    /// The rule that says so.
    pub rule: RuleId,
    /// Why.
    pub reason: Reason,
    /// Whom to ask for a release.
    pub ask: Option<AgencyId>,
    /// May be named in a filter.
    pub usable: bool,
    /// Its bit in the presence bitmap.
    pub presence_bit: Option<u32>,
    /// One sentence for a person.
    pub sentence: String,
}

/// One explanation per leaf, in leaf order.
pub fn explain(plan: &Plan) -> Vec<Explanation> {
    let mut bits = presence_bits(plan).into_iter().peekable();
    plan.record_type()
        .leaves()
        .iter()
        .zip(plan.fields())
        .map(|(leaf, field)| Explanation {
            leaf: leaf.id,
            path: leaf.path.clone(),
            treatment: field.treatment,
            level: match field.treatment {
                Treatment::Generalise(level) => Some(level),
                _ => None,
            },
            rule: field.rule.clone(),
            reason: field.reason,
            ask: field.ask.clone(),
            usable: field.usable,
            presence_bit: bits.next_if(|(id, _)| *id == leaf.id).map(|(_, bit)| bit),
            sentence: sentence(field.treatment, field.reason, field.ask.as_ref()),
        })
        .collect()
}

/// The bit of every leaf treated as Presence: counted from 0 in leaf order.
pub fn presence_bits(plan: &Plan) -> Vec<(LeafId, u32)> {
    let leaves = plan.record_type().leaves().iter().zip(plan.fields());
    leaves
        .filter(|(_, field)| field.treatment == Treatment::Presence)
        .map(|(leaf, _)| leaf.id)
        .zip(0..)
        .collect()
}

fn sentence(treatment: Treatment, reason: Reason, ask: Option<&AgencyId>) -> String {
    let what = match treatment {
        Treatment::Clear => "Shown as the source holds it".to_owned(),
        Treatment::Generalise(level) => format!("Coarsened to {}", coarse(level)),
        Treatment::Mask => "Masked by a filler of fixed length".to_owned(),
        Treatment::Pseudonymise => "Replaced by a token that is equal for equal values".to_owned(),
        Treatment::Presence => "Only whether there is a value is told".to_owned(),
        Treatment::Withhold => "Withheld, whether or not there is a value".to_owned(),
    };
    let why = match reason {
        Reason::Permitted => "agreement and policy permit it",
        Reason::ReducedByAgreement => "the agreement gives no more",
        Reason::ReducedByPolicy => "policy forbids more",
        Reason::OfficerNotProven => "an officer's token would give more",
        Reason::NoRule => "the agreement has no rule for it",
        Reason::NotRequested => "it was not asked for",
        Reason::TreatmentDoesNotFit => "the treatment does not fit the field",
        Reason::GrantedByOriginator => "the originator granted it for this record",
        Reason::ReducedUpstream => "the gateway it came from gives no more",
    };
    let whom = ask.map(|agency| format!("; ask {agency} for a release")).unwrap_or_default();
    format!("{what}: {why}{whom}.")
}

fn coarse(level: Level) -> &'static str {
    match level {
        Level::Heading => "the HS heading",
        Level::Chapter => "the HS chapter",
        Level::Regime => "category, product group and regime",
        Level::ControlCategory => "the category of the control list",
        Level::Day => "the day",
        Level::Month => "the month",
        Level::Year => "the year",
        Level::Band => "the lower edge of its 1-2-5 band",
        Level::Cell01 => "a cell of 0.1 degree",
        Level::Cell1 => "a cell of 1 degree",
        Level::Cell10 => "a cell of 10 degrees",
        Level::Country => "the country",
    }
}
