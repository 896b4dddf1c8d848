//! Reads budgets: a limit of 0 permits nothing, a limit that can never be reached limits nothing, and both are
//! mistakes.

use toml::Spanned;

use super::Reader;
use super::raw::{RawFlow, RawLimits};
use crate::id::RecordTypeName;
use crate::label::LeafKind;
use crate::policy::agreement::{Budgets, Limits};
use crate::policy::load_error::LoadProblem;

impl Reader<'_> {
    pub(super) fn budgets(
        &mut self,
        raw: &RawFlow,
        key: &str,
        types: &[RecordTypeName],
    ) -> Budgets {
        let budgets = raw.budgets.get_ref();
        let queries = self.limit(Some(&budgets.queries_per_day), key, "queries_per_day");
        let records = self.limit(Some(&budgets.records_per_day), key, "records_per_day");
        let subjects = self.limit(budgets.subjects_per_day.as_ref(), key, "subjects_per_day");
        if raw.matchable.is_some() && budgets.match_probes_per_day.is_none() {
            let message = "a flow with matchable fields needs this budget";
            let key = format!("{key}.match_probes_per_day");
            self.refuse(raw.budgets.span(), &key, LoadProblem::Malformed, message);
        }
        // Without the key no field may be matched: 0, where other limits would be none.
        let probes = budgets.match_probes_per_day.as_ref().map_or(0, |limit| *limit.get_ref());
        let per_day = Limits { queries, records, subjects, match_probes: Some(probes) };
        if let Some(per_case) = &budgets.per_case
            && !raw.case_required
            && raw.cases.is_none()
        {
            let message = "the flow can be used without a case: say `case_required = true`";
            let key = format!("{key}.per_case");
            self.refuse(per_case.span(), &key, LoadProblem::Useless, message);
        }
        let per_case = self.limits(budgets.per_case.as_ref(), &format!("{key}.per_case"));
        let per_officer = self.limits(budgets.per_officer.as_ref(), &format!("{key}.per_officer"));
        let limited = [per_day, per_case, per_officer].iter().any(|one| one.subjects.is_some());
        let subject_fields = self.subject_fields(raw, &format!("{key}.subject_fields"), types);
        if let (false, Some(fields)) = (limited, &budgets.subject_fields) {
            let message = "no budget of the flow counts subjects";
            let key = format!("{key}.subject_fields");
            self.refuse(fields.span(), &key, LoadProblem::Useless, message);
        }
        Budgets { per_day, per_case, per_officer, subject_fields }
    }

    fn limits(&mut self, raw: Option<&Spanned<RawLimits>>, key: &str) -> Limits {
        let Some(raw) = raw else { return Limits::default() };
        let limits = raw.get_ref();
        let read = Limits {
            queries: self.limit(limits.queries.as_ref(), key, "queries"),
            records: self.limit(limits.records.as_ref(), key, "records"),
            subjects: self.limit(limits.subjects.as_ref(), key, "subjects"),
            match_probes: self.limit(limits.match_probes.as_ref(), key, "match_probes"),
        };
        if read == Limits::default() {
            self.refuse(raw.span(), key, LoadProblem::Empty, "the table limits nothing");
        }
        read
    }

    fn limit(&mut self, raw: Option<&Spanned<u64>>, key: &str, name: &str) -> Option<u64> {
        let raw = raw?;
        if *raw.get_ref() == 0 {
            let key = format!("{key}.{name}");
            self.refuse(raw.span(), &key, LoadProblem::Invalid, "a budget of 0 permits nothing");
        }
        Some(*raw.get_ref())
    }

    /// Texts alone: other values have several spellings, and would be counted more than once.
    fn subject_fields(
        &mut self,
        raw: &RawFlow,
        key: &str,
        types: &[RecordTypeName],
    ) -> Vec<String> {
        let Some(fields) = &raw.budgets.get_ref().subject_fields else { return vec![] };
        let paths = self.list(fields, key, |_, text, _| Some(text.get_ref().clone()));
        for path in fields.get_ref() {
            let texts = self.types(types).any(|one| {
                one.leaf_by_path(path.get_ref()).is_some_and(|leaf| leaf.kind == LeafKind::String)
            });
            if !texts && self.all_here(types) {
                let message =
                    format!("no record type of the flow has a text field `{}`", path.get_ref());
                self.refuse(path.span(), key, LoadProblem::Unknown, message);
            }
        }
        paths
    }
}
