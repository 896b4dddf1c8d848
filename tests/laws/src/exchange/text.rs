//! Exchanges as text: agreements as TOML, prohibitions as Cedar, the registry in words.

use std::fmt::{self, Display, Formatter};

use portcullis_core::id::Moment;
use portcullis_core::policy::Purpose;
use portcullis_core::redact::Treatment;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::{Agreement, Exchange, Flow, Forbid, Ladder, Selector};

/// A moment as RFC 3339 writes it.
pub(super) fn moment(at: Moment) -> String {
    OffsetDateTime::from_unix_timestamp(at.seconds()).unwrap().format(&Rfc3339).unwrap()
}

fn list<T: Display>(items: impl IntoIterator<Item = T>) -> String {
    let items: Vec<String> = items.into_iter().map(|item| format!("\"{item}\"")).collect();
    format!("[{}]", items.join(", "))
}

fn words(purposes: &[Purpose]) -> String {
    list(purposes.iter().map(|purpose| purpose.word()))
}

impl Display for Agreement {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut parties: Vec<&str> = vec![];
        for flow in &self.flows {
            for party in std::iter::once(&flow.from).chain(&flow.to) {
                if !parties.contains(party) {
                    parties.push(party);
                }
            }
        }
        writeln!(f, "id = \"{}\"\nversion = 1\ntitle = \"T\"\nlegal_basis = \"L\"", self.id)?;
        writeln!(f, "parties = {}", list(parties))?;
        writeln!(f, "valid_from = {}\nvalid_until = {}", moment(self.from), moment(self.until))?;
        self.flows.iter().try_for_each(|flow| write!(f, "{flow}"))
    }
}

impl Display for Flow {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "[[flow]]\nfrom = \"{}\"\nto = {}", self.from, list(&self.to))?;
        writeln!(f, "record_types = {}\npurposes = {}", list(&self.types), words(&self.purposes))?;
        writeln!(f, "case_required = {}", self.case_required)?;
        if self.officer_required {
            writeln!(f, "officer_required = true")?;
        }
        if !self.cases.is_empty() {
            writeln!(f, "cases = {}", list(&self.cases))?;
        }
        writeln!(f, "permitted_use = {}", words(&self.permitted_use))?;
        writeln!(f, "delete_after_days = {}", self.delete_after_days)?;
        writeln!(f, "release_by_originator = {}", self.release)?;
        if !self.matchable.is_empty() {
            writeln!(f, "matchable = {}", list(&self.matchable))?;
        }
        writeln!(f, "[flow.budgets]")?;
        for name in ["queries", "records", "match_probes"] {
            writeln!(f, "{name}_per_day = {}", self.budget)?;
        }
        if let Some((limit, fields)) = &self.subjects {
            writeln!(f, "subjects_per_day = {limit}")?;
            if !fields.is_empty() {
                writeln!(f, "subject_fields = {}", list(fields))?;
            }
        }
        if let Some(limit) = self.per_case.filter(|_| self.case_required || !self.cases.is_empty())
        {
            writeln!(f, "per_case = {{ queries = {limit} }}")?;
        }
        if let Some(limit) = self.per_officer {
            writeln!(f, "per_officer = {{ queries = {limit}, records = {limit} }}")?;
        }
        self.ladders.iter().try_for_each(|ladder| write!(f, "{ladder}"))
    }
}

impl Display for Ladder {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "[[flow.ladder]]")?;
        match &self.selector {
            Selector::Fields(paths) => writeln!(f, "fields = {}", list(paths))?,
            Selector::Semantic(semantic) => writeln!(f, "semantic = \"{}\"", semantic.word())?,
            Selector::Category(category, most) => {
                writeln!(f, "category = \"{}\"", category.word())?;
                let most = most.map_or("ANY", |most| most.word());
                writeln!(f, "sensitivity = \"{most}\"")?;
            }
        }
        if let Some(purposes) = &self.purposes {
            writeln!(f, "purposes = {}", words(purposes))?;
        }
        let (officers, all) = self.rungs.split_at(self.officer_rungs);
        if !officers.is_empty() {
            writeln!(f, "officer_rungs = {}", list(officers))?;
        }
        writeln!(f, "rungs = {}", list(all.iter().chain([&Treatment::Withhold])))
    }
}

impl Forbid {
    /// As Cedar, with a name.
    pub fn named(&self, number: usize) -> String {
        format!("@id(\"local:{number}\") {self}")
    }
}

impl Display for Forbid {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "forbid (principal, {}, resource) when {{ {} }};", self.action, self.when)
    }
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "an exchange")?;
        for agency in &self.registry.agencies {
            writeln!(f, "# {} sees up to {}", agency.id, agency.max_sensitivity.word())?;
        }
        for case in &self.registry.cases {
            let closes = case.closes.map_or("never".to_owned(), moment);
            let kind = if case.operation_scope { "operation" } else { "case" };
            writeln!(
                f,
                "# {kind} {} of {:?}, opens {}, closes {closes}",
                case.id,
                case.members,
                moment(case.opens)
            )?;
        }
        self.agreements.iter().try_for_each(|agreement| write!(f, "{agreement}"))?;
        let forbids = self.forbids.iter().enumerate();
        forbids.map(|(at, forbid)| forbid.named(at)).try_for_each(|text| writeln!(f, "{text}"))
    }
}
