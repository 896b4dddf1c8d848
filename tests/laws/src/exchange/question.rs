//! A question to an exchange, its answer, and whether one answer tells more than another.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use portcullis_core::handling::HandlingClass;
use portcullis_core::id::Moment;
use portcullis_core::policy::{Denial, Dropped, Permit, Request, Snapshot};
use portcullis_core::redact::{FieldPlan, Plan, Treatment};

/// Who asks for what, and about records of which class.
#[derive(Clone, PartialEq, Eq)]
pub struct Question {
    /// The query.
    pub request: Request,
    /// Handling of the records.
    pub class: HandlingClass,
}

impl fmt::Debug for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Request { requester, officer, purpose, case, agreement, record_type, sources, .. } =
            &self.request;
        write!(f, "{requester} asks for {record_type} for {}", purpose.word())?;
        officer.iter().try_for_each(|officer| write!(f, " by officer {officer}"))?;
        case.iter().try_for_each(|case| write!(f, " within {case}"))?;
        agreement.iter().try_for_each(|agreement| write!(f, " under {agreement}"))?;
        if !sources.is_empty() {
            write!(f, " from {sources:?}")?;
        }
        let class = &self.class;
        write!(f, "; records of {}", class.originator)?;
        if !class.releasable_to.is_empty() {
            write!(f, ", for {:?} only", class.releasable_to)?;
        }
        if !class.compartments.is_empty() {
            write!(f, ", in {:?}", class.compartments)?;
        }
        if !class.permitted_use.is_empty() {
            let words: Vec<&str> = class.permitted_use.iter().map(|one| one.word()).collect();
            write!(f, ", to be used for {words:?}")?;
        }
        write!(f, ", {}", class.environment.word())
    }
}

/// What comes of a question.
#[derive(Debug)]
pub enum Answer {
    /// The query is denied.
    Denied(Denial),
    /// It is permitted, and records of this class are dropped.
    Dropped(Permit, Dropped),
    /// It is permitted, and records of this class are shown so.
    Shown(Permit, Arc<Plan>),
}

/// Asks.
pub fn ask(world: &Arc<Snapshot>, question: &Question, now: Moment) -> Answer {
    match world.decide(&question.request, now).permit() {
        Err(denial) => Answer::Denied(denial),
        Ok(permit) => match permit.plan(&question.class, now) {
            Ok(plan) => Answer::Shown(permit, plan),
            Err(dropped) => Answer::Dropped(permit, dropped),
        },
    }
}

impl Answer {
    /// The plan, where there is one.
    pub fn plan(&self) -> Option<&Arc<Plan>> {
        match self {
            Self::Shown(_, plan) => Some(plan),
            Self::Denied(_) | Self::Dropped(..) => None,
        }
    }

    /// Are at least three different treatments in it?
    pub fn mixed(&self) -> bool {
        let Some(plan) = self.plan() else { return false };
        let mut kinds: Vec<Treatment> = vec![];
        for field in plan.fields() {
            if !kinds.contains(&field.treatment) {
                kinds.push(field.treatment);
            }
        }
        kinds.len() >= 3
    }
}

/// 0: may not be named in a filter; 1: at the price of a probe; 2: freely.
fn freedom(field: &FieldPlan) -> u8 {
    u8::from(field.usable) + u8::from(field.usable && !field.probe)
}

/// Why the answer after a change tells more than the one before, if it does.
///
/// A query that names no agreement or no sources means whatever there is: with one agreement less it may
/// mean another one, which its requester could have named before. So the query is held, with the names
/// that the permit after the change chose, against the world before it.
pub fn rises(
    before: (&Arc<Snapshot>, &HandlingClass, Moment),
    after: &Answer,
) -> Result<(), String> {
    let (permit, plan) = match after {
        Answer::Denied(_) => return Ok(()),
        Answer::Dropped(permit, _) => (permit, None),
        Answer::Shown(permit, plan) => (permit, Some(plan)),
    };
    let (world, class, then) = before;
    let named = Question { request: permit.request().clone(), class: class.clone() };
    let (old_permit, old_plan) = match ask(world, &named, then) {
        Answer::Denied(denial) => return Err(format!("permitted, and was denied: {denial}")),
        Answer::Dropped(permit, dropped) if plan.is_none() => (permit, Err(dropped)),
        Answer::Dropped(_, dropped) => return Err(format!("shown, and was dropped: {dropped}")),
        Answer::Shown(permit, plan) => (permit, Ok(plan)),
    };
    duties(&old_permit, permit)?;
    let (Some(new), Ok(old)) = (plan, old_plan) else { return Ok(()) };
    for (leaf, (old, new)) in
        new.record_type().leaves().iter().zip(old.fields().iter().zip(new.fields()))
    {
        if !matches!(
            new.treatment.partial_cmp(&old.treatment),
            Some(Ordering::Less | Ordering::Equal)
        ) {
            return Err(format!("`{}` rose: {} to {}", leaf.path, old.treatment, new.treatment));
        }
        if freedom(new) > freedom(old) {
            return Err(format!("`{}` may be matched more freely", leaf.path));
        }
    }
    Ok(())
}

/// What a permit binds its holder to never loosens either.
fn duties(old: &Permit, new: &Permit) -> Result<(), String> {
    if !new.permitted_use().iter().all(|one| old.permitted_use().contains(one)) {
        return Err("the answer may be used for more".to_owned());
    }
    if new.delete_by(Moment(0)) > old.delete_by(Moment(0)) {
        return Err("the answer may be kept for longer".to_owned());
    }
    if new.valid_until() > old.valid_until() {
        return Err("the permit holds for longer".to_owned());
    }
    for old in old.budgets() {
        let new = new.budgets().iter().find(|new| new.key == old.key);
        if new.is_none_or(|new| new.limit > old.limit) {
            return Err(format!("more may be asked: {}", old.key));
        }
    }
    Ok(())
}
