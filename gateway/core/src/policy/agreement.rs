//! An agreement as data: parties, dates, and flows of records from one party to others, each with ladders
//! that say how much of a field may be shown. Built only by `parse`, which checks it.

use super::standing::{Cap, Phase, Standing};
use crate::id::{AgencyId, AgreementId, CaseId, Digest, Moment, RecordTypeName, RuleId};
use crate::label::{Category, Leaf, Semantic, Sensitivity};
use crate::policy::Purpose;
use crate::redact::Treatment;

/// An agreement between two or more parties (or of one with itself, for its own records).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agreement {
    /// Its id, whatever the version.
    pub id: AgreementId,
    /// Version, counted up by the parties.
    pub version: u32,
    /// For people.
    pub title: String,
    /// The law or treaty it stands on.
    pub legal_basis: String,
    /// Parties, sorted.
    pub parties: Vec<AgencyId>,
    /// Agencies that may accede, sorted; until they do, flows from and to them rest.
    pub open_to: Vec<AgencyId>,
    /// Who has to agree to an accession.
    pub accession: Consent,
    /// Who has to agree to end it.
    pub termination: Consent,
    /// In force from then.
    pub valid_from: Moment,
    /// No longer in force from then on.
    pub valid_until: Moment,
    /// Flows, in the order of the text.
    pub flows: Vec<Flow>,
    /// SHA-256 of its text.
    pub digest: Digest,
    /// How it stands.
    pub standing: Standing,
}

/// Who has to agree to something beside the party that does it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Consent {
    /// Nobody: signing the text was enough.
    Any,
    /// Every party.
    All,
}

impl Consent {
    /// From the word of an agreement's text.
    pub fn from_word(word: &str) -> Option<Self> {
        match word {
            "any" => Some(Self::Any),
            "all" => Some(Self::All),
            _ => None,
        }
    }
}

impl Agreement {
    /// Is the agency a party, or was one?
    pub fn has_party(&self, agency: &AgencyId) -> bool {
        self.parties.contains(agency) || self.standing.joined.contains(agency)
    }

    /// Is the agency a party that has not withdrawn?
    pub fn takes_part(&self, agency: &AgencyId, now: Moment) -> bool {
        self.has_party(agency) && self.standing.left.get(agency).is_none_or(|at| now < *at)
    }

    /// Is it in force at this moment?
    pub fn in_force(&self, now: Moment) -> bool {
        self.standing.phase == Phase::InForce && self.valid_from <= now && now < self.ends()
    }

    /// Is it a proposal?
    pub fn awaits_signatures(&self) -> bool {
        matches!(self.standing.phase, Phase::AwaitsSignatures(_))
    }

    /// What a disclosure under it came with, by its text: the terms of all flows that a query rests on, the tightest of
    /// each. None: there is no flow from one of the sources.
    pub fn terms(
        &self,
        requester: &AgencyId,
        record_type: &RecordTypeName,
        purpose: Purpose,
        sources: &[AgencyId],
    ) -> Option<Terms> {
        let fits = |flow: &&Flow| {
            flow.to.contains(requester)
                && flow.record_types.contains(record_type)
                && flow.purposes.contains(&purpose)
                && sources.contains(&flow.from)
        };
        let flows: Vec<&Flow> = self.flows.iter().filter(fits).collect();
        let covered = |source: &AgencyId| flows.iter().any(|flow| flow.from == *source);
        let (first, rest) = flows.split_first().filter(|_| sources.iter().all(covered))?;
        let everywhere =
            |purpose: &&Purpose| rest.iter().all(|flow| flow.permitted_use.contains(purpose));
        Some(Terms {
            permitted_use: first.permitted_use.iter().filter(everywhere).copied().collect(),
            delete_after_days: flows.iter().map(|flow| flow.delete_after_days).min()?,
        })
    }

    /// When it ends, by its text or because it was ended.
    pub fn ends(&self) -> Moment {
        self.standing.ends.map_or(self.valid_until, |ends| ends.min(self.valid_until))
    }
}

/// How long a release request may wait, and a grant be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReleaseTerms {
    /// The originator answers within so many days; then the request lapses, and nothing is shown.
    pub answer_within_days: u32,
    /// The requester may use a grant for so many days.
    pub grant_holds_days: u32,
}

impl ReleaseTerms {
    /// Where an agreement names no days.
    pub const ORDINARY: Self = Self { answer_within_days: 30, grant_holds_days: 30 };
}

/// What a disclosure came with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// What it may be used for, sorted.
    pub permitted_use: Vec<Purpose>,
    /// It is deleted after so many days.
    pub delete_after_days: u32,
}

impl Terms {
    /// By when something that was decided on then is deleted.
    pub fn delete_by(&self, decided_at: Moment) -> Moment {
        decided_at.days_later(self.delete_after_days)
    }
}

/// Records of one party to others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flow {
    /// Its place in the text, from 1. A reservation may split it: then several have the same.
    pub number: usize,
    /// The rule it becomes: `agreement:ID/flow:N`, N from 1.
    pub rule: RuleId,
    /// Whose records.
    pub from: AgencyId,
    /// Who may ask, sorted.
    pub to: Vec<AgencyId>,
    /// For which record types, sorted.
    pub record_types: Vec<RecordTypeName>,
    /// For which purposes, sorted.
    pub purposes: Vec<Purpose>,
    /// Only within a case.
    pub case_required: bool,
    /// Only within one of these cases; empty: any.
    pub cases: Vec<CaseId>,
    /// Only on behalf of an officer for whom its agency vouches.
    pub officer_required: bool,
    /// What the answer may be used for, sorted.
    pub permitted_use: Vec<Purpose>,
    /// The recipient deletes the answer after so many days.
    pub delete_after_days: u32,
    /// On what terms the originator may be asked to show more of a field; none: it may not.
    pub release: Option<ReleaseTerms>,
    /// How much may be asked.
    pub budgets: Budgets,
    /// Paths of fields that may be named in a filter although they are not clear, sorted.
    pub matchable: Vec<String>,
    /// Ladders, in the order of the text.
    pub ladders: Vec<Ladder>,
    /// The most that may be shown of some fields, whatever their ladder says.
    pub caps: Vec<Cap>,
}

/// How much may be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Budgets {
    /// Per day (UTC) and requester agency, purpose and case: of queries, records and match probes always.
    pub per_day: Limits,
    /// For a case's whole life, per requester agency and purpose.
    pub per_case: Limits,
    /// Per day and proven officer, whatever the purpose and case.
    pub per_officer: Limits,
    /// Paths of the texts that name a record's subjects, sorted; empty: each record is a subject of its own.
    pub subject_fields: Vec<String>,
}

/// Limits over one window; none: no limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    /// Queries.
    pub queries: Option<u64>,
    /// Records released.
    pub records: Option<u64>,
    /// Distinct subjects of released records.
    pub subjects: Option<u64>,
    /// Fields named in a filter without being clear.
    pub match_probes: Option<u64>,
}

/// How much of some fields may be shown: the first rung that policy permits holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ladder {
    /// The rule it becomes: `agreement:ID/flow:N/ladder:M`, M from 1.
    pub rule: RuleId,
    /// For which fields.
    pub selector: Selector,
    /// For which of the flow's purposes, sorted; never empty.
    pub purposes: Vec<Purpose>,
    /// Strictly descending, ending in Withhold.
    pub rungs: Vec<Treatment>,
    /// So many of them, the first ones, are only for an officer for whom its agency vouches.
    pub officer_rungs: usize,
}

/// Which fields a ladder is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selector {
    /// Paths of fields, or of messages (then all fields below them).
    Fields(Vec<String>),
    /// Every field of a semantic.
    Semantic(Semantic),
    /// Every field of a category, up to a sensitivity if one is given.
    Category(Category, Option<Sensitivity>),
}

impl Selector {
    /// How closely it names a leaf: greater is more specific; none: not at all.
    pub fn specificity(&self, leaf: &Leaf) -> Option<(u8, usize)> {
        match self {
            Self::Fields(paths) => paths.iter().filter_map(|path| path_fits(path, leaf)).max(),
            Self::Semantic(semantic) => (*semantic == leaf.label.semantic).then_some((3, 0)),
            Self::Category(category, None) => (*category == leaf.label.category).then_some((1, 0)),
            Self::Category(category, Some(most)) => (*category == leaf.label.category
                && leaf.label.sensitivity <= *most)
                .then_some((2, usize::MAX - *most as usize)),
        }
    }
}

/// A leaf's own path beats a message's, a deeper message's beats a higher one's.
pub(super) fn path_fits(path: &str, leaf: &Leaf) -> Option<(u8, usize)> {
    match leaf.path.strip_prefix(path)? {
        "" => Some((5, 0)),
        rest if rest.starts_with('.') => Some((4, path.len())),
        _ => None,
    }
}
