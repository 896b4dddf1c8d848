//! How a plan asks Cedar: in which context, of which policies, and of fields that no rule can tell apart only once.

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;

use cedar_policy::Context;

use super::cedar::{Action, CedarError, Situation, Verdict};
use super::permit::Permit;
use super::plan::{Dropped, DroppedReason, dropped};
use crate::handling::HandlingClass;
use crate::id::{CaseId, Moment};
use crate::label::{Category, Leaf, Semantic, Sensitivity};

/// What Cedar is told about a class of records: as it is; and, where that is asked, were an officer proven, and where
/// the originator has granted the field.
pub(super) struct Contexts<'a> {
    permit: &'a Permit,
    class: &'a HandlingClass,
    memberships: Vec<CaseId>,
    pub(super) ordinary: Context,
    with_token: OnceCell<Option<Context>>,
    granted: OnceCell<Option<Context>>,
    /// What was answered about other fields of the plan.
    answered: RefCell<HashMap<Question, Verdict>>,
}

/// Which of the three is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Told {
    Ordinary,
    WithToken,
    Granted,
}

/// Everything in which the answers about two fields of one plan can differ, where no policy but the agreements'
/// permits speaks of a field by its path: its label, the ladder that permits its rungs, and whether a permit lets
/// it be matched.
type Question = (Told, Action, Category, Semantic, Sensitivity, Option<usize>, bool);

/// A leaf, and what permits anything about it.
#[derive(Clone, Copy)]
pub(super) struct Subject<'a> {
    pub(super) leaf: &'a Leaf,
    pub(super) ladder: Option<usize>,
    pub(super) matchable: bool,
}

impl<'a> Contexts<'a> {
    /// Of records of a class.
    pub(super) fn of(
        permit: &'a Permit,
        class: &'a HandlingClass,
        now: Moment,
    ) -> Result<Self, Dropped> {
        let memberships = permit.snapshot.memberships(&permit.request.requester, now);
        let proven = permit.request.officer.is_some();
        let ordinary = context(permit, class, &memberships, proven, false);
        let failed = |_| dropped(DroppedReason::PolicyEvaluationFailed, vec![]);
        Ok(Self {
            ordinary: ordinary.map_err(failed)?,
            permit,
            class,
            memberships,
            with_token: OnceCell::new(),
            granted: OnceCell::new(),
            answered: RefCell::default(),
        })
    }

    /// One of them; none where it cannot be made.
    fn told(&self, told: Told) -> Option<&Context> {
        let proven = self.permit.request.officer.is_some();
        let make = |proven, granted| {
            context(self.permit, self.class, &self.memberships, proven, granted).ok()
        };
        match told {
            Told::Ordinary => Some(&self.ordinary),
            Told::WithToken => self.with_token.get_or_init(|| make(true, false)).as_ref(),
            Told::Granted => self.granted.get_or_init(|| make(proven, true)).as_ref(),
        }
    }
}

fn context(
    permit: &Permit,
    class: &HandlingClass,
    memberships: &[CaseId],
    officer_proven: bool,
    granted: bool,
) -> Result<Context, CedarError> {
    permit.snapshot.engine.context(&Situation {
        agreement: &permit.agreement.id,
        source: &class.originator,
        purpose: permit.request.purpose,
        case: permit.request.case.as_ref(),
        memberships,
        officer_proven,
        environment: permit.snapshot.environment(),
        handling: Some(class),
        granted,
    })
}

impl Permit {
    /// Asks about a field; of fields that no rule can tell apart, once. What cannot be asked has failed.
    pub(super) fn ask_of(
        &self,
        subject: Subject<'_>,
        action: Action,
        told: Told,
        contexts: &Contexts<'_>,
    ) -> Verdict {
        let Some(context) = contexts.told(told) else { return Verdict::Failed(vec![]) };
        let Subject { leaf, ladder, matchable } = subject;
        if self.over.is_some() || self.snapshot.minds_fields() {
            return self.ask(action, Some(leaf), context);
        }
        let label = &leaf.label;
        let question =
            (told, action, label.category, label.semantic, label.sensitivity, ladder, matchable);
        if let Some(known) = contexts.answered.borrow().get(&question) {
            return known.clone();
        }
        let verdict = self.ask(action, Some(leaf), context);
        contexts.answered.borrow_mut().insert(question, verdict.clone());
        verdict
    }

    pub(super) fn ask(&self, action: Action, leaf: Option<&Leaf>, context: &Context) -> Verdict {
        let slice = &self.key.slice;
        match &self.over {
            None => self.snapshot.ask(slice, action, leaf, context),
            Some(whole) => {
                let (requester, kind) = (&slice.requester, &slice.record_type);
                self.snapshot.engine.ask(&whole.0, requester, action, kind, leaf, context)
            }
        }
    }
}
