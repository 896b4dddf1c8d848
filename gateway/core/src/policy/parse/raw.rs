//! The keys of an agreement's TOML, with the place of every value.

use serde::Deserialize;
use toml::Spanned;
use toml::value::Datetime;

pub(super) type Text = Spanned<String>;
pub(super) type Texts = Spanned<Vec<Text>>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawAgreement {
    pub(super) id: Text,
    pub(super) version: Spanned<u32>,
    pub(super) title: Text,
    pub(super) legal_basis: Text,
    pub(super) parties: Texts,
    pub(super) open_to: Option<Texts>,
    pub(super) accession: Option<Text>,
    pub(super) termination: Option<Text>,
    pub(super) valid_from: Spanned<Datetime>,
    pub(super) valid_until: Spanned<Datetime>,
    pub(super) flow: Spanned<Vec<RawFlow>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawFlow {
    pub(super) from: Text,
    pub(super) to: Texts,
    pub(super) record_types: Texts,
    pub(super) purposes: Texts,
    pub(super) case_required: bool,
    pub(super) cases: Option<Texts>,
    #[serde(default)]
    pub(super) officer_required: bool,
    pub(super) permitted_use: Texts,
    pub(super) delete_after_days: Spanned<u32>,
    pub(super) release_by_originator: bool,
    pub(super) release: Option<Spanned<RawRelease>>,
    pub(super) budgets: Spanned<RawBudgets>,
    pub(super) matchable: Option<Texts>,
    pub(super) ladder: Spanned<Vec<Spanned<RawLadder>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRelease {
    pub(super) answer_within_days: Option<Spanned<u32>>,
    pub(super) grant_holds_days: Option<Spanned<u32>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawBudgets {
    pub(super) queries_per_day: Spanned<u64>,
    pub(super) records_per_day: Spanned<u64>,
    pub(super) match_probes_per_day: Option<Spanned<u64>>,
    pub(super) subjects_per_day: Option<Spanned<u64>>,
    pub(super) subject_fields: Option<Texts>,
    pub(super) per_case: Option<Spanned<RawLimits>>,
    pub(super) per_officer: Option<Spanned<RawLimits>>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct RawLimits {
    pub(super) queries: Option<Spanned<u64>>,
    pub(super) records: Option<Spanned<u64>>,
    pub(super) subjects: Option<Spanned<u64>>,
    pub(super) match_probes: Option<Spanned<u64>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawLadder {
    pub(super) fields: Option<Texts>,
    pub(super) semantic: Option<Text>,
    pub(super) category: Option<Text>,
    pub(super) sensitivity: Option<Text>,
    pub(super) purposes: Option<Texts>,
    pub(super) officer_rungs: Option<Texts>,
    pub(super) rungs: Texts,
}
