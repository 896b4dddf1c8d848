//! What a query would show and why: the decision and the plans, touching no data and charging nothing.

use std::sync::Arc;

use portcullis_core::filter::Filter;
use portcullis_core::handling::HandlingClass;
use portcullis_core::id::{AgencyId, AgreementId, Moment, RuleId};
use portcullis_core::label::LeafId;
use portcullis_core::policy::{Denial, Permit, Request, RuleText};
use portcullis_core::redact::Plan;

use super::query::{bind, in_order, tokens_are_matched_alone, wanted};
use super::{Broker, Wanted};
use crate::status::Refusal;

/// What a query would show.
pub struct Explanation {
    /// Would it be answered at all?
    pub decision: Result<AgreementId, Denial>,
    /// One plan per source, for a record of ordinary handling.
    pub plans: Vec<(AgencyId, Arc<Plan>)>,
    /// What stands behind the rules of the plans.
    pub why: Vec<RuleText>,
    /// Budgets of the requester.
    pub budgets: Vec<Budget>,
    /// Rules behind the decision.
    pub rules: Vec<RuleId>,
}

/// A budget and what is used of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Budget {
    /// queries, records, subjects, match_probes; with `_per_case` or `_per_officer` where that shares it.
    pub name: &'static str,
    /// Per window.
    pub limit: u64,
    /// In the current window.
    pub used: u64,
    /// When the window ends; none: never, it is for a case's whole life.
    pub refills_at: Option<Moment>,
}

impl Broker {
    /// Explains a request, with the filter and the fields it would come with. Quoted tokens are not opened.
    ///
    /// # Errors
    /// What the query itself would be refused for: a field that may not be named.
    pub async fn explain(
        &self,
        request: &Request,
        filter: Option<&Filter>,
        fields: &Wanted,
    ) -> Result<Explanation, Refusal> {
        let now = self.clock.now();
        let permit = match self.policy.load_full().decide(request, now).permit() {
            Ok(permit) => permit,
            Err(denial) => {
                return Ok(Explanation {
                    rules: denial.rules.clone(),
                    decision: Err(denial),
                    plans: vec![],
                    why: vec![],
                    budgets: vec![],
                });
            }
        };
        let plans = self.plans_by_source(&permit, now);
        let only: Vec<Arc<Plan>> = plans.iter().map(|(_, plan)| plan.clone()).collect();
        if let Some(filter) = filter {
            tokens_are_matched_alone(filter)?;
            let unopened = filter.map_tokens(|_, token| Ok::<_, Refusal>(token.to_owned()))?;
            bind(&unopened, permit.record_type(), &only)?;
        }
        let shown = wanted(fields, permit.record_type(), &only)?;
        let narrow = |leaf: LeafId| shown.get(leaf.index()).copied().unwrap_or_default();
        let plans: Vec<_> = plans
            .into_iter()
            .map(|(agency, plan)| (agency, Arc::new(plan.narrowed(narrow))))
            .collect();
        let mut why: Vec<RuleText> = plans.iter().flat_map(|(_, plan)| permit.why(plan)).collect();
        why.sort();
        why.dedup();
        Ok(Explanation {
            rules: permit.rules().to_vec(),
            why,
            plans,
            budgets: self.budgets(&permit, now).await,
            decision: Ok(permit.agreement_id().clone()),
        })
    }

    fn plans_by_source(&self, permit: &Permit, now: Moment) -> Vec<(AgencyId, Arc<Plan>)> {
        in_order(permit.sources())
            .into_iter()
            .filter_map(|agency| {
                let class = HandlingClass::ordinary(agency.clone(), self.environment);
                permit.plan(&class, now).ok().map(|plan| (agency, plan))
            })
            .collect()
    }

    async fn budgets(&self, permit: &Permit, now: Moment) -> Vec<Budget> {
        let mut budgets = vec![];
        for budget in permit.budgets() {
            let (start, refills_at) = (budget.window.start(now), budget.window.refills_at(now));
            // A budget that cannot be read counts as used up, as it would for the query itself.
            let used = self.audit.budget_used(&budget.key, start).await.unwrap_or(budget.limit);
            budgets.push(Budget { name: budget.word(), limit: budget.limit, used, refills_at });
        }
        budgets
    }
}
