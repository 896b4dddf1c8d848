//! Budgets: what a permitted query is counted against. The key says who shares one; nothing that a requester may
//! choose freely stands in it but its purpose and case, which policy has checked, and an officer whom its agency
//! proves.

use super::agreement::{Flow, Limits};
use super::decide::Request;
use crate::id::{AgreementId, CaseId, Moment, OfficerId};

/// Milliseconds of a day.
const DAY: i64 = 24 * 60 * 60 * 1000;

/// What is limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BudgetName {
    /// Queries.
    Queries,
    /// Records released.
    Records,
    /// Distinct subjects of released records.
    Subjects,
    /// Fields named in a filter without being clear.
    MatchProbes,
}

/// Who shares a budget, and over what time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BudgetScope {
    /// Requester agency, purpose, case and agreement, for a day.
    Day,
    /// The same, for the whole life of the case.
    Case,
    /// A proven officer under an agreement, whatever the purpose and case, for a day. Queries without a proven
    /// officer share one: leaving the token out gains nobody another budget.
    Officer,
}

/// Over what time a budget is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Window {
    /// A day, UTC.
    Day,
    /// The whole life of a case; with its end, where that is known.
    Case(Option<Moment>),
}

impl Window {
    /// When the window began that this moment lies in.
    pub fn start(self, now: Moment) -> Moment {
        match self {
            Self::Day => Moment(now.0.div_euclid(DAY).saturating_mul(DAY)),
            // Not when the case opened: a case that is dated anew does not begin a new budget.
            Self::Case(_) => Moment(0),
        }
    }

    /// When it ends. What is kept to count by is removed then.
    pub fn end(self, now: Moment) -> Moment {
        match self {
            Self::Day => Moment(self.start(now).0.saturating_add(DAY)),
            Self::Case(closes) => closes.unwrap_or(Moment(i64::MAX)),
        }
    }

    /// When the budget is whole again; none: never.
    pub fn refills_at(self, now: Moment) -> Option<Moment> {
        match self {
            Self::Day => Some(self.end(now)),
            Self::Case(_) => None,
        }
    }
}

/// A limit that the query is counted against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BudgetLimit {
    /// What is limited.
    pub name: BudgetName,
    /// Who shares it.
    pub scope: BudgetScope,
    /// Which one, unlike any other's: `name|agency|purpose|case|agreement`, `-` where there is no case, and more
    /// behind it where that is not shared for a day.
    pub key: String,
    /// How much.
    pub limit: u64,
    /// Over what time.
    pub window: Window,
}

impl BudgetLimit {
    /// One stable word.
    pub fn word(&self) -> &'static str {
        use BudgetName::{MatchProbes, Queries, Records, Subjects};
        match (self.name, self.scope) {
            (Queries, BudgetScope::Day) => "queries",
            (Records, BudgetScope::Day) => "records",
            (Subjects, BudgetScope::Day) => "subjects",
            (MatchProbes, BudgetScope::Day) => "match_probes",
            (Queries, BudgetScope::Case) => "queries_per_case",
            (Records, BudgetScope::Case) => "records_per_case",
            (Subjects, BudgetScope::Case) => "subjects_per_case",
            (MatchProbes, BudgetScope::Case) => "match_probes_per_case",
            (Queries, BudgetScope::Officer) => "queries_per_officer",
            (Records, BudgetScope::Officer) => "records_per_officer",
            (Subjects, BudgetScope::Officer) => "subjects_per_officer",
            (MatchProbes, BudgetScope::Officer) => "match_probes_per_officer",
        }
    }
}

/// Every limit of the flows, the tightest of each kind.
pub(super) fn budgets(
    request: &Request,
    agreement: &AgreementId,
    flows: &[&Flow],
    case_closes: Option<Moment>,
) -> Vec<BudgetLimit> {
    let case = request.case.as_ref().map_or("-", CaseId::as_str);
    let agency = &request.requester;
    let shared = format!("{agency}|{}|{case}|{agreement}", request.purpose.word());
    let officer = request.officer.as_ref().map_or("-", OfficerId::as_str);
    let scopes = [
        (BudgetScope::Day, Window::Day, shared.clone()),
        (BudgetScope::Case, Window::Case(case_closes), format!("{shared}|case")),
        (BudgetScope::Officer, Window::Day, format!("{agency}|*|*|{agreement}|officer|{officer}")),
    ];
    let mut all = vec![];
    for (scope, window, of) in scopes {
        for (name, word) in [
            (BudgetName::Queries, "queries"),
            (BudgetName::Records, "records"),
            (BudgetName::MatchProbes, "match_probes"),
            (BudgetName::Subjects, "subjects"),
        ] {
            let limits = flows.iter().filter_map(|flow| limit(of_scope(flow, scope), name));
            if let Some(limit) = limits.min() {
                all.push(BudgetLimit { name, scope, key: format!("{word}|{of}"), limit, window });
            }
        }
    }
    all
}

fn of_scope(flow: &Flow, scope: BudgetScope) -> &Limits {
    match scope {
        BudgetScope::Day => &flow.budgets.per_day,
        BudgetScope::Case => &flow.budgets.per_case,
        BudgetScope::Officer => &flow.budgets.per_officer,
    }
}

fn limit(limits: &Limits, name: BudgetName) -> Option<u64> {
    match name {
        BudgetName::Queries => limits.queries,
        BudgetName::Records => limits.records,
        BudgetName::Subjects => limits.subjects,
        BudgetName::MatchProbes => limits.match_probes,
    }
}
