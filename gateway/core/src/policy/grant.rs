//! A grant: what an originator, asked for a release, lets one requester see of one record beyond its plan. Who
//! decides on it and when it ends is the gateway's; here is what it changes: fields it names are shown as it
//! says, as far as no prohibition, reservation or template of the case stands above it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::agreement::Flow;
use super::asking::{Contexts, Subject, Told};
use super::cedar::{Action, Verdict};
use super::permit::Permit;
use super::plan::{Dropped, above};
use super::standing::Cap;
use crate::handling::HandlingClass;
use crate::id::{AgencyId, AgreementId, CaseId, Moment, RecordTypeName, RuleId};
use crate::label::Leaf;
use crate::policy::Purpose;
use crate::redact::Treatment;

/// What an originator lets a requester see of one record.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Grant {
    /// The rule that it is: `release:ID`.
    pub rule: RuleId,
    /// To whom.
    pub requester: AgencyId,
    /// Whose record.
    pub source: AgencyId,
    /// Under which agreement.
    pub agreement: AgreementId,
    /// Of which type.
    pub record_type: RecordTypeName,
    /// For which purpose.
    pub purpose: Purpose,
    /// For which case.
    pub case: Option<CaseId>,
    /// Only where an officer is proven: one was, when it was asked for.
    pub officer_proven: bool,
    /// No longer from then on.
    pub until: Moment,
    /// How each field is shown, by its path.
    pub fields: BTreeMap<String, Treatment>,
}

impl Permit {
    /// The same permit with a grant; none where the grant is not for this: another requester, purpose, case,
    /// agreement, type or source, an officer who is not proven, a flow that no longer knows releases, or its time
    /// is over. That the query is about the one record and no other is the caller's to see to.
    pub fn granted(mut self, grant: Arc<Grant>, now: Moment) -> Option<Self> {
        let request = &self.request;
        let same = request.requester == grant.requester
            && request.purpose == grant.purpose
            && request.case == grant.case
            && request.agreement.as_ref() == Some(&grant.agreement)
            && request.record_type == grant.record_type
            && request.sources.as_slice() == std::slice::from_ref(&grant.source)
            && (!grant.officer_proven || request.officer.is_some())
            && self.flows().all(|flow| flow.release.is_some())
            && now < grant.until;
        if !same {
            return None;
        }
        self.end_by(grant.until);
        let mut key = (*self.key).clone();
        key.grant = Some(grant);
        self.key = Arc::new(key);
        self.plans = self.snapshot.plans.of(&self.key);
        Some(self)
    }

    /// How the originator granted a leaf to be shown, and the rule that it is.
    pub(super) fn grant_of(&self, leaf: &Leaf) -> Option<(Treatment, RuleId)> {
        let grant = self.key.grant.as_ref()?;
        let treatment = grant.fields.get(&leaf.path)?;
        Some((*treatment, grant.rule.clone()))
    }

    /// Would a grant of the originator be enough to show a leaf so? Prohibitions, reservations and the template of
    /// the case hold against it.
    pub(super) fn could_show(
        &self,
        flow: &Flow,
        subject: Subject<'_>,
        treatment: Treatment,
        caps: &[&Cap],
        contexts: &Contexts<'_>,
    ) -> Verdict {
        if flow.release.is_none() {
            return Verdict::Refused(vec![]);
        }
        let leaf = subject.leaf;
        if let Some(cap) = above(caps, treatment) {
            return Verdict::Refused(vec![cap.rule.clone()]);
        }
        if !treatment.fits(leaf.label.semantic, &leaf.kind) {
            return Verdict::Refused(vec![RuleId::new("default:treatment-does-not-fit")]);
        }
        self.ask_of(subject, Action::Treat(treatment), Told::Granted, contexts)
    }

    /// Could a grant show more of the leaf than it is shown now?
    pub(super) fn asking_helps(
        &self,
        flow: &Flow,
        subject: Subject<'_>,
        now: Treatment,
        caps: &[&Cap],
        contexts: &Contexts<'_>,
    ) -> bool {
        flow.release.is_some()
            && Action::treatments().into_iter().any(|action| match action {
                Action::Treat(more) => {
                    let could = || self.could_show(flow, subject, more, caps, contexts);
                    more > now && matches!(could(), Verdict::Permitted(_))
                }
                _ => false,
            })
    }

    /// Could the originator of ordinary records have these fields shown so, by granting it? For a field that it
    /// could not, the rules that stand in the way.
    ///
    /// # Errors
    /// The records of the originator are dropped anyway.
    pub fn grantable(
        &self,
        class: &HandlingClass,
        fields: &[(String, Treatment)],
        now: Moment,
    ) -> Result<Vec<(String, Vec<RuleId>)>, Dropped> {
        let plan = self.plan(class, now)?;
        let flow = self.flow_from(class)?;
        let contexts = Contexts::of(self, class, now)?;
        let mut not = vec![];
        for (path, treatment) in fields {
            let Some(leaf) = self.record_type.leaf_by_path(path) else {
                not.push((path.clone(), vec![]));
                continue;
            };
            let caps = self.caps(flow, leaf);
            // Grants are permitted per flow, whatever the ladder.
            let subject = Subject { leaf, ladder: None, matchable: false };
            match self.could_show(flow, subject, *treatment, &caps, &contexts) {
                Verdict::Permitted(_) if *treatment > plan.treatment(leaf.id) => {}
                Verdict::Permitted(_) => not.push((path.clone(), vec![flow.rule.clone()])),
                Verdict::Refused(rules) | Verdict::Failed(rules) => not.push((path.clone(), rules)),
            }
        }
        Ok(not)
    }
}
