//! A grant: what an originator, asked for a release, lets one requester see of one record beyond its plan. Who
//! decides on it and when it ends is the gateway's; here is what it changes: fields it names are shown as it
//! says, as far as no prohibition, reservation or template of the case stands above it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::permit::Permit;
use crate::id::{AgencyId, AgreementId, CaseId, Moment, RecordTypeName, RuleId};
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
}
