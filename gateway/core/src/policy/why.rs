//! Why, and what would help: what a requester is told of the rules behind its plan or its denial. Rules of policies say it
//! in their own words (`@because`, `@remedy`); what agreements, reservations, cases and grants come to is said here.
//! Everything follows from the plan, the requester's own agreement and policy: nothing from a record.

use std::collections::BTreeSet;

use super::agreement::Flow;
use super::permit::Permit;
use super::policy_file::Told;
use super::snapshot::Snapshot;
use crate::id::{AgencyId, RuleId};
use crate::redact::{Plan, Reason, Treatment};

/// What is told of a rule that settled some fields.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RuleText {
    /// The rule.
    pub rule: RuleId,
    /// The reason that the fields have, as a word.
    pub reason: &'static str,
    /// The condition behind it.
    pub because: String,
    /// What would satisfy it; empty: nothing that the requester could do.
    pub remedy: String,
}

impl Snapshot {
    /// What is told of rules that forbid a query.
    pub(super) fn told_of(&self, rules: &[RuleId]) -> (String, String) {
        let told: Vec<&Told> = rules.iter().filter_map(|rule| self.told.get(rule)).collect();
        let join = |of: fn(&Told) -> &str, otherwise: &str| {
            let texts: BTreeSet<&str> =
                told.iter().map(|told| of(told)).filter(|text| !text.is_empty()).collect();
            if texts.is_empty() {
                return otherwise.to_owned();
            }
            texts.into_iter().collect::<Vec<_>>().join("; ")
        };
        (
            join(|told| &told.because, "a rule forbids this query"),
            join(|told| &told.remedy, "see the rule"),
        )
    }
}

impl Permit {
    /// One text for each rule and reason in a plan of this permit, sorted.
    pub fn why(&self, plan: &Plan) -> Vec<RuleText> {
        let flow = self.flows().find(|flow| flow.from == *plan.originator());
        let mut all = BTreeSet::new();
        for field in plan.fields() {
            let asked = field.ask.as_ref();
            let (because, remedy) = self.told(flow, &field.rule, field.reason, asked);
            let (rule, reason) = (field.rule.clone(), field.reason.word());
            all.insert(RuleText { rule, reason, because, remedy });
        }
        // The same rule with and without somebody to ask is one text: the field says whom.
        let mut texts: Vec<RuleText> = all.into_iter().collect();
        texts.dedup_by(|later, kept| {
            let same = (&later.rule, later.reason) == (&kept.rule, kept.reason);
            if same && kept.remedy.is_empty() {
                kept.remedy.clone_from(&later.remedy);
            }
            same
        });
        texts
    }

    fn told(
        &self,
        flow: Option<&Flow>,
        rule: &RuleId,
        reason: Reason,
        ask: Option<&AgencyId>,
    ) -> (String, String) {
        let release = ask.map(|agency| format!("ask {agency} for a release")).unwrap_or_default();
        let or_release = |own: &str| match (own.is_empty(), release.is_empty()) {
            (true, _) => release.clone(),
            (false, true) => own.to_owned(),
            (false, false) => format!("{own}; or {release}"),
        };
        if let Some(told) = self.snapshot.told.get(rule) {
            let because = match told.because.as_str() {
                "" => "a rule of this gateway forbids more",
                because => because,
            };
            return (because.to_owned(), or_release(&told.remedy));
        }
        match reason {
            Reason::Permitted => ("agreement and policy permit it".to_owned(), String::new()),
            Reason::GrantedByOriginator => {
                ("the originator granted it for this record".to_owned(), String::new())
            }
            Reason::NotRequested => ("it was not asked for".to_owned(), "name it".to_owned()),
            Reason::NoRule => ("no ladder of the agreement names it".to_owned(), release),
            Reason::TreatmentDoesNotFit => {
                ("the treatment does not fit the field".to_owned(), release)
            }
            Reason::ReducedUpstream => {
                ("the gateway it came from gives no more".to_owned(), String::new())
            }
            Reason::OfficerNotProven => {
                let token = "bring your agency's token for the officer who asks";
                (self.capped(flow, rule), or_release(token))
            }
            Reason::ReducedByAgreement | Reason::ReducedByPolicy => {
                (self.capped(flow, rule), release)
            }
        }
    }

    /// The ladder, reservation or template that a rule is.
    fn capped(&self, flow: Option<&Flow>, rule: &RuleId) -> String {
        let ladder = flow.and_then(|flow| flow.ladders.iter().find(|one| one.rule == *rule));
        if let Some(ladder) = ladder {
            let rungs: Vec<String> = ladder.rungs.iter().map(Treatment::to_string).collect();
            return format!("the agreement gives {}", rungs.join(", else "));
        }
        if rule.as_str().contains("/reservation:") {
            return "a party reserved it when it signed".to_owned();
        }
        if rule.as_str().starts_with("case:") {
            return "the template of the case shows no more inside it".to_owned();
        }
        "the agreement gives no more".to_owned()
    }
}
