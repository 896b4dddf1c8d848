//! What teams may do, and what comes of it.

use super::state::State;
use crate::drill::clock::Exercise;
use crate::drill::event::{Decision, Event, What};
use crate::drill::plot::{Matter, MatterId, Plot, Truth};
use crate::drill::scenario::Check;
use crate::table::Table;

/// Why a team may not do what it wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Not begun, paused, or over.
    #[error("the exercise does not run")]
    NotRunning,
    /// None of this number has come to the team. Whether there is one is not said.
    #[error("no such matter has come to this team")]
    NoMatter,
    /// Too late.
    #[error("the matter is out of reach")]
    OutOfReach,
    /// Not what this office decides.
    #[error("this decision is not open on a record of this kind")]
    NotOpen,
    /// No inspectors.
    #[error("no inspection is left in this shift")]
    NoInspection,
    /// It is being opened.
    #[error("an inspection of it is under way")]
    UnderWay,
    /// Taken for good.
    #[error("it was seized: nothing is left to decide")]
    Seized,
}

impl Refusal {
    /// Its stable word.
    pub fn word(self) -> &'static str {
        match self {
            Self::NotRunning => "EXERCISE_NOT_RUNNING",
            Self::NoMatter => "MATTER_UNKNOWN",
            Self::OutOfReach => "OUT_OF_REACH",
            Self::NotOpen => "DECISION_NOT_OPEN",
            Self::NoInspection => "NO_INSPECTION_LEFT",
            Self::UnderWay => "INSPECTION_UNDER_WAY",
            Self::Seized => "SEIZED",
        }
    }
}

/// Decisions open on a record of a table.
pub fn open_on(table: Table) -> &'static [Decision] {
    use Decision::{
        Alert, Approve, Close, Condition, Consult, Deny, Freeze, Hold, Inform, Inspect, Refer,
        Release, Seize,
    };
    match table {
        Table::Licence => &[Approve, Deny, Condition, Consult, Inform, Alert, Refer],
        Table::Payment => &[Freeze, Alert, Refer, Close],
        Table::Declaration => &[Inspect, Hold, Release, Seize, Alert, Refer],
        _ => &[Hold, Release, Alert, Refer, Close],
    }
}

impl State<'_> {
    /// A matter that a team has, if it can still be decided on.
    ///
    /// # Errors
    /// As [`Refusal`].
    pub fn reachable(&self, team: usize, id: MatterId) -> Result<&Matter, Refusal> {
        let matter = self.plot.matter(id).filter(|_| self.has_arrived(id));
        let matter = matter.filter(|_| self.holder(id) == Some(team)).ok_or(Refusal::NoMatter)?;
        if self.now() > matter.leaves {
            return Err(Refusal::OutOfReach);
        }
        Ok(matter)
    }

    /// Whether a team may decide so now.
    ///
    /// # Errors
    /// As [`Refusal`].
    pub fn may_decide(&self, team: usize, id: MatterId, decision: Decision) -> Result<(), Refusal> {
        if self.clock().state() != crate::drill::clock::State::Running {
            return Err(Refusal::NotRunning);
        }
        let matter = self.reachable(team, id)?;
        if !open_on(matter.at.table).contains(&decision) {
            return Err(Refusal::NotOpen);
        }
        let before = self.decided(id).map(|stands| stands.decision);
        match before {
            Some(Decision::Seize) => return Err(Refusal::Seized),
            Some(Decision::Inspect) if self.found(id).is_none() => return Err(Refusal::UnderWay),
            _ => {}
        }
        let (_, left) = self.inspections_left(team, self.now());
        if decision == Decision::Inspect && left == 0 {
            return Err(Refusal::NoInspection);
        }
        Ok(())
    }
}

/// Whether an event is the action that a check waits for.
pub(crate) fn is_done(event: &Event, check: Option<&Check>) -> bool {
    match (check, &event.what) {
        (Some(Check::Asked(team, agency)), What::Asked { of, .. }) => {
            event.by == *team && of == agency
        }
        (Some(Check::Decided(team)), What::Decided { .. }) => event.by == *team,
        (Some(Check::Stopped(team)), What::Decided { decision, .. }) => {
            event.by == *team && decision.stops()
        }
        _ => false,
    }
}

/// What shows when goods are opened: fraud, another code or more mass than declared. Goods that are what their papers say
/// show nothing, wherever they go in the end.
pub(crate) fn shows_when_opened(plot: &Plot, matter: &Matter) -> bool {
    match &matter.truth {
        Truth::Fraud(_) => true,
        Truth::Case(case) => plot
            .cases
            .get(*case)
            .is_some_and(|case| matches!(case.scheme.as_str(), "T04" | "T12" | "T05" | "T11")),
        Truth::Decoy(_) | Truth::Innocent => false,
    }
}

/// Whether a matter is still within reach at a moment.
pub(crate) fn within_reach(matter: &Matter, at: Exercise) -> bool {
    at < matter.leaves
}
