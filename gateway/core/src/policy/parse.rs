//! From an agreement's TOML text to an [`Agreement`], or every problem with its line, column and key.
//! Mistakes of form (not TOML, unknown or missing key, wrong type) end the reading of a file; mistakes of
//! content are all told.

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;
use std::sync::Arc;

use serde::Deserialize;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{Date, OffsetDateTime, Time};
use toml::Spanned;
use toml::value::Datetime;

use super::agreement::{Agreement, Budgets, Flow, Ladder, Selector, path_fits};
use super::ladder;
use super::load_error::{LoadError, LoadProblem};
use super::registry::{NAME_RULE, Registry, is_name};
use crate::id::{AgencyId, AgreementId, CaseId, Digest, Moment, RecordTypeName, RuleId};
use crate::label::{Category, RecordType, Semantic, Sensitivity};
use crate::policy::Purpose;
use crate::redact::Treatment;

/// An agreement's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgreementFile {
    /// File name, for errors.
    pub name: String,
    /// TOML.
    pub text: String,
}

type Text = Spanned<String>;
type Texts = Spanned<Vec<Text>>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawAgreement {
    id: Text,
    version: Spanned<u32>,
    title: Text,
    legal_basis: Text,
    parties: Texts,
    valid_from: Spanned<Datetime>,
    valid_until: Spanned<Datetime>,
    flow: Spanned<Vec<RawFlow>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFlow {
    from: Text,
    to: Texts,
    record_types: Texts,
    purposes: Texts,
    case_required: bool,
    cases: Option<Texts>,
    permitted_use: Texts,
    delete_after_days: Spanned<u32>,
    release_by_originator: bool,
    budgets: Spanned<RawBudgets>,
    matchable: Option<Texts>,
    ladder: Spanned<Vec<Spanned<RawLadder>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawBudgets {
    queries_per_day: Spanned<u64>,
    records_per_day: Spanned<u64>,
    match_probes_per_day: Option<Spanned<u64>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawLadder {
    fields: Option<Texts>,
    semantic: Option<Text>,
    category: Option<Text>,
    sensitivity: Option<Text>,
    purposes: Option<Texts>,
    rungs: Texts,
}

/// What agreements may speak of.
pub(super) struct Known<'a> {
    pub(super) registry: &'a Registry,
    pub(super) record_types: &'a HashMap<RecordTypeName, Arc<RecordType>>,
}

/// Reads one agreement; tells where its id stands too.
pub(super) fn agreement(
    file: &AgreementFile,
    known: &Known,
) -> Result<(Agreement, Range<usize>), Vec<LoadError>> {
    let raw: RawAgreement =
        toml::from_str(&file.text).map_err(|error| vec![malformed(file, &error)])?;
    let mut reader = Reader { file, known, errors: vec![] };
    let agreement = reader.agreement(&raw);
    if reader.errors.is_empty() { Ok((agreement, raw.id.span())) } else { Err(reader.errors) }
}

/// The span of an unknown key is the key's own, that of a wrong value the value's: either way the key
/// stands at the start of the line.
fn malformed(file: &AgreementFile, error: &toml::de::Error) -> LoadError {
    let key = error.span().and_then(|span| {
        let before = file.text.get(..span.start)?.rfind('\n').map_or(0, |at| at + 1);
        let line = file.text.get(before..)?.lines().next()?;
        let key = line.split('=').next()?.trim().trim_matches(['[', ']']);
        is_name(key).then(|| key.to_owned())
    });
    LoadError::at(
        (&file.name, &file.text),
        error.span(),
        key.unwrap_or_default(),
        LoadProblem::Malformed,
        error.message().lines().collect::<Vec<_>>().join(", "),
    )
}

struct Reader<'a> {
    file: &'a AgreementFile,
    known: &'a Known<'a>,
    errors: Vec<LoadError>,
}

impl Reader<'_> {
    fn refuse(
        &mut self,
        span: Range<usize>,
        field: &str,
        problem: LoadProblem,
        message: impl Into<String>,
    ) {
        let place = (self.file.name.as_str(), self.file.text.as_str());
        self.errors.push(LoadError::at(place, Some(span), field, problem, message));
    }

    fn agreement(&mut self, raw: &RawAgreement) -> Agreement {
        if !is_name(raw.id.get_ref()) {
            self.refuse(raw.id.span(), "id", LoadProblem::Invalid, NAME_RULE);
        }
        if *raw.version.get_ref() == 0 {
            let message = "versions are counted from 1";
            self.refuse(raw.version.span(), "version", LoadProblem::Invalid, message);
        }
        let id = AgreementId::new(raw.id.get_ref());
        let parties = self.list(&raw.parties, "parties", Self::agency);
        let valid_from = self.moment(&raw.valid_from, "valid_from", Edge::First);
        let valid_until = self.moment(&raw.valid_until, "valid_until", Edge::Last);
        if valid_until <= valid_from {
            let message = "it ends before it begins";
            self.refuse(raw.valid_until.span(), "valid_until", LoadProblem::DatesReversed, message);
        }
        if raw.flow.get_ref().is_empty() {
            let message = "an agreement needs a flow";
            self.refuse(raw.flow.span(), "flow", LoadProblem::Empty, message);
        }
        let flows: Vec<Flow> = raw
            .flow
            .get_ref()
            .iter()
            .enumerate()
            .map(|(at, flow)| self.flow(flow, &id, &parties, at + 1))
            .collect();
        self.overlaps(raw, &flows);
        Agreement {
            version: *raw.version.get_ref(),
            title: self.text(&raw.title, "title"),
            legal_basis: self.text(&raw.legal_basis, "legal_basis"),
            parties,
            valid_from,
            valid_until,
            flows,
            digest: Digest::of(self.file.text.as_bytes()),
            id,
        }
    }

    /// Two flows for one query would leave open which ladders hold.
    fn overlaps(&mut self, raw: &RawAgreement, flows: &[Flow]) {
        for (at, flow) in flows.iter().enumerate() {
            let clash = flows.iter().take(at).position(|other| {
                other.from == flow.from
                    && meets(&other.to, &flow.to)
                    && meets(&other.record_types, &flow.record_types)
                    && meets(&other.purposes, &flow.purposes)
            });
            let (Some(clash), Some(raw)) = (clash, raw.flow.get_ref().get(at)) else { continue };
            self.refuse(
                raw.purposes.span(),
                &format!("flow[{}].purposes", at + 1),
                LoadProblem::Ambiguous,
                format!(
                    "flow {} already covers one of these purposes between the same agencies for the \
                     same record type",
                    clash + 1
                ),
            );
        }
    }

    fn flow(&mut self, raw: &RawFlow, id: &AgreementId, parties: &[AgencyId], at: usize) -> Flow {
        let key = |name: &str| format!("flow[{at}].{name}");
        let from = self.agency(&raw.from, &key("from")).unwrap_or_else(|| AgencyId::new(""));
        self.party(&raw.from, &key("from"), parties);
        let to = self.list(&raw.to, &key("to"), Self::agency);
        for agency in raw.to.get_ref() {
            self.party(agency, &key("to"), parties);
        }
        let record_types = self.list(&raw.record_types, &key("record_types"), Self::record_type);
        let purposes = self.list(&raw.purposes, &key("purposes"), Self::purpose);
        let cases = match &raw.cases {
            Some(cases) => self.list(cases, &key("cases"), Self::case),
            None => vec![],
        };
        let permitted_use = self.list(&raw.permitted_use, &key("permitted_use"), Self::purpose);
        if *raw.delete_after_days.get_ref() == 0 {
            let message = "an answer that is deleted at once is no answer";
            let span = raw.delete_after_days.span();
            self.refuse(span, &key("delete_after_days"), LoadProblem::Invalid, message);
        }
        let matchable = match &raw.matchable {
            Some(paths) => self.matchable(paths, &key("matchable"), &record_types),
            None => vec![],
        };
        let rule = format!("agreement:{id}/flow:{at}");
        let mut flow = Flow {
            rule: RuleId::new(&rule),
            from,
            to,
            record_types,
            purposes,
            case_required: raw.case_required || !cases.is_empty(),
            cases,
            permitted_use,
            delete_after_days: *raw.delete_after_days.get_ref(),
            release_by_originator: raw.release_by_originator,
            budgets: self.budgets(raw, &key("budgets")),
            matchable,
            ladders: vec![],
        };
        if raw.ladder.get_ref().is_empty() {
            let message = "without a ladder every field is withheld";
            self.refuse(raw.ladder.span(), &key("ladder"), LoadProblem::Empty, message);
        }
        for (number, ladder) in raw.ladder.get_ref().iter().enumerate() {
            let rule = RuleId::new(format!("{rule}/ladder:{}", number + 1));
            let key = key(&format!("ladder[{}]", number + 1));
            let ladder = self.ladder(ladder, rule, &flow, &key);
            flow.ladders.push(ladder);
        }
        self.resolve(raw, &flow, at);
        flow
    }

    fn budgets(&mut self, raw: &RawFlow, key: &str) -> Budgets {
        let budgets = raw.budgets.get_ref();
        for (name, limit) in [
            ("queries_per_day", &budgets.queries_per_day),
            ("records_per_day", &budgets.records_per_day),
        ] {
            if *limit.get_ref() == 0 {
                let key = format!("{key}.{name}");
                let message = "a budget of 0 permits nothing";
                self.refuse(limit.span(), &key, LoadProblem::Invalid, message);
            }
        }
        if raw.matchable.is_some() && budgets.match_probes_per_day.is_none() {
            let message = "a flow with matchable fields needs this budget";
            let key = format!("{key}.match_probes_per_day");
            self.refuse(raw.budgets.span(), &key, LoadProblem::Malformed, message);
        }
        Budgets {
            queries_per_day: *budgets.queries_per_day.get_ref(),
            records_per_day: *budgets.records_per_day.get_ref(),
            match_probes_per_day: budgets
                .match_probes_per_day
                .as_ref()
                .map_or(0, |limit| *limit.get_ref()),
        }
    }

    fn ladder(&mut self, raw: &Spanned<RawLadder>, rule: RuleId, flow: &Flow, key: &str) -> Ladder {
        let span = raw.span();
        let raw = raw.get_ref();
        let purposes = match &raw.purposes {
            None => flow.purposes.clone(),
            Some(given) => {
                let key = format!("{key}.purposes");
                let purposes = self.list(given, &key, Self::purpose);
                for purpose in purposes.iter().filter(|one| !flow.purposes.contains(one)) {
                    let message = format!("the flow is not for `{}`", purpose.word());
                    self.refuse(given.span(), &key, LoadProblem::Useless, message);
                }
                purposes
            }
        };
        let selector = self.selector(raw, span, flow, key);
        let rungs = self.rungs(&raw.rungs, &format!("{key}.rungs"));
        Ladder { rule, selector, purposes, rungs }
    }

    fn selector(
        &mut self,
        raw: &RawLadder,
        span: Range<usize>,
        flow: &Flow,
        key: &str,
    ) -> Selector {
        if let (Some(sensitivity), None) = (&raw.sensitivity, &raw.category) {
            let key = format!("{key}.sensitivity");
            let message = "a sensitivity bounds a category, and there is none";
            self.refuse(sensitivity.span(), &key, LoadProblem::Useless, message);
        }
        match (&raw.fields, &raw.semantic, &raw.category) {
            (Some(fields), None, None) => {
                let key = format!("{key}.fields");
                let paths = self.list(fields, &key, |_, text, _| Some(text.get_ref().clone()));
                for path in fields.get_ref() {
                    self.known_path(path, &key, &flow.record_types);
                }
                Selector::Fields(paths)
            }
            (None, Some(semantic), None) => {
                let found = self.word(semantic, &format!("{key}.semantic"), Semantic::from_word);
                Selector::Semantic(found.unwrap_or(Semantic::FreeText))
            }
            (None, None, Some(category)) => {
                let found = self.word(category, &format!("{key}.category"), Category::from_word);
                let bound = raw.sensitivity.as_ref().and_then(|text| {
                    self.word(text, &format!("{key}.sensitivity"), Sensitivity::from_word)
                });
                Selector::Category(found.unwrap_or(Category::Reference), bound)
            }
            _ => {
                let message = "a ladder names exactly one of fields, semantic, category";
                self.refuse(span, key, LoadProblem::Malformed, message);
                Selector::Fields(vec![])
            }
        }
    }

    fn rungs(&mut self, raw: &Texts, key: &str) -> Vec<Treatment> {
        let mut rungs: Vec<Treatment> = vec![];
        for text in raw.get_ref() {
            let Ok(rung) = text.get_ref().parse::<Treatment>() else {
                let message = format!(
                    "`{}` is no treatment: clear, generalise:LEVEL, mask, pseudonymise, presence, \
                     withhold",
                    text.get_ref()
                );
                self.refuse(text.span(), key, LoadProblem::Unknown, message);
                continue;
            };
            if let Some(above) = rungs.last().filter(|above| !(rung < **above)) {
                let message = format!("`{rung}` does not tell less than `{above}` before it");
                self.refuse(text.span(), key, LoadProblem::LadderNotDescending, message);
            }
            rungs.push(rung);
        }
        if rungs.is_empty() {
            self.refuse(raw.span(), key, LoadProblem::Empty, "a ladder needs a rung");
        } else if rungs.last() != Some(&Treatment::Withhold) {
            let message = "a ladder ends in `withhold`";
            self.refuse(raw.span(), key, LoadProblem::LadderNotDescending, message);
        }
        rungs
    }

    /// Ties between ladders, treatments that do not fit, ladders that hold for no field.
    fn resolve(&mut self, raw: &RawFlow, flow: &Flow, at: usize) {
        let mut told = BTreeSet::new();
        let mut named = BTreeSet::new();
        for (name, purpose) in
            flow.record_types.iter().flat_map(|name| flow.purposes.iter().map(move |p| (name, *p)))
        {
            let Some(record_type) = self.known.record_types.get(name) else { return };
            let (ladders, ties) = ladder::resolve(flow, record_type, purpose);
            for tie in ties {
                named.extend([tie.first, tie.second]);
                if told.insert((tie.second, tie.path.clone())) {
                    let message =
                        format!("names `{}` as closely as ladder {} does", tie.path, tie.first + 1);
                    self.at_ladder(raw, at, tie.second, "", LoadProblem::Ambiguous, &message);
                }
            }
            for (leaf, number) in record_type.leaves().iter().zip(ladders) {
                let Some(number) = number else { continue };
                named.insert(number);
                let rungs = flow.ladders.get(number).map_or(&[][..], |ladder| &ladder.rungs);
                for rung in rungs {
                    if !rung.fits(leaf.label.semantic, &leaf.kind)
                        && told.insert((number, format!("{rung} {}", leaf.path)))
                    {
                        let message = format!(
                            "`{}` ({}) cannot take `{rung}`",
                            leaf.path,
                            leaf.label.semantic.word()
                        );
                        let problem = LoadProblem::TreatmentDoesNotFit;
                        self.at_ladder(raw, at, number, ".rungs", problem, &message);
                    }
                }
            }
        }
        for number in (0..flow.ladders.len()).filter(|number| !named.contains(number)) {
            let message = "holds for no field: none fits, or more specific ladders take them all";
            self.at_ladder(raw, at, number, "", LoadProblem::Useless, message);
        }
    }

    fn at_ladder(
        &mut self,
        raw: &RawFlow,
        at: usize,
        number: usize,
        key: &str,
        problem: LoadProblem,
        message: &str,
    ) {
        let Some(ladder) = raw.ladder.get_ref().get(number) else { return };
        let span = if key.is_empty() { ladder.span() } else { ladder.get_ref().rungs.span() };
        let field = format!("flow[{at}].ladder[{}]{key}", number + 1);
        self.refuse(span, &field, problem, message);
    }

    fn matchable(&mut self, raw: &Texts, key: &str, types: &[RecordTypeName]) -> Vec<String> {
        let paths = self.list(raw, key, |_, text, _| Some(text.get_ref().clone()));
        for path in raw.get_ref() {
            let leaf = self.types(types).any(|one| one.leaf_by_path(path.get_ref()).is_some());
            if !leaf && !types.is_empty() {
                let message =
                    format!("no record type of the flow has a field `{}`", path.get_ref());
                self.refuse(path.span(), key, LoadProblem::Unknown, message);
            }
        }
        paths
    }

    fn known_path(&mut self, path: &Text, key: &str, types: &[RecordTypeName]) {
        let found = self
            .types(types)
            .any(|one| one.leaves().iter().any(|leaf| path_fits(path.get_ref(), leaf).is_some()));
        if !found && !types.is_empty() {
            let message = format!("no record type of the flow has a field `{}`", path.get_ref());
            self.refuse(path.span(), key, LoadProblem::Unknown, message);
        }
    }

    fn types<'b>(&'b self, names: &'b [RecordTypeName]) -> impl Iterator<Item = &'b RecordType> {
        names.iter().filter_map(|name| self.known.record_types.get(name)).map(Arc::as_ref)
    }

    fn party(&mut self, agency: &Text, key: &str, parties: &[AgencyId]) {
        let known = parties.iter().any(|party| party.as_str() == agency.get_ref());
        if !known && self.is_agency(agency.get_ref()) {
            let message = format!("`{}` is not among the parties", agency.get_ref());
            self.refuse(agency.span(), key, LoadProblem::NotAParty, message);
        }
    }

    fn is_agency(&self, id: &str) -> bool {
        self.known.registry.agencies.iter().any(|agency| agency.id.as_str() == id)
    }

    fn agency(&mut self, text: &Text, key: &str) -> Option<AgencyId> {
        if self.is_agency(text.get_ref()) {
            return Some(AgencyId::new(text.get_ref()));
        }
        let message = format!("agency `{}` is not registered", text.get_ref());
        self.refuse(text.span(), key, LoadProblem::Unknown, message);
        None
    }

    fn record_type(&mut self, text: &Text, key: &str) -> Option<RecordTypeName> {
        if let Some((name, _)) = self.known.record_types.get_key_value(text.get_ref().as_str()) {
            return Some(name.clone());
        }
        let message = format!("record type `{}` is not registered", text.get_ref());
        self.refuse(text.span(), key, LoadProblem::Unknown, message);
        None
    }

    fn purpose(&mut self, text: &Text, key: &str) -> Option<Purpose> {
        self.word(text, key, Purpose::from_word)
    }

    /// A case may be opened after the agreement is made, so only its grammar is checked.
    fn case(&mut self, text: &Text, key: &str) -> Option<CaseId> {
        if is_name(text.get_ref()) {
            return Some(CaseId::new(text.get_ref()));
        }
        self.refuse(text.span(), key, LoadProblem::Invalid, NAME_RULE);
        None
    }

    fn word<T>(&mut self, text: &Text, key: &str, from: fn(&str) -> Option<T>) -> Option<T> {
        let found = from(text.get_ref());
        if found.is_none() {
            let message = format!("`{}` is not known", text.get_ref());
            self.refuse(text.span(), key, LoadProblem::Unknown, message);
        }
        found
    }

    /// A list that is neither empty nor repeats itself, sorted.
    fn list<T: Ord>(
        &mut self,
        raw: &Texts,
        key: &str,
        read: impl Fn(&mut Self, &Text, &str) -> Option<T>,
    ) -> Vec<T> {
        if raw.get_ref().is_empty() {
            self.refuse(raw.span(), key, LoadProblem::Empty, "the list is empty");
        }
        let mut seen = BTreeSet::new();
        for text in raw.get_ref() {
            let Some(value) = read(self, text, key) else { continue };
            if !seen.insert(value) {
                let message = format!("`{}` stands there twice", text.get_ref());
                self.refuse(text.span(), key, LoadProblem::Duplicate, message);
            }
        }
        seen.into_iter().collect()
    }

    fn text(&mut self, raw: &Text, key: &str) -> String {
        if raw.get_ref().trim().is_empty() {
            self.refuse(raw.span(), key, LoadProblem::Empty, "the text is empty");
        }
        raw.get_ref().clone()
    }

    fn moment(&mut self, raw: &Spanned<Datetime>, key: &str, edge: Edge) -> Moment {
        if let Some(moment) = moment(raw.get_ref(), edge) {
            return moment;
        }
        let message =
            "write a date such as 2026-12-31, or a date and time with its offset (RFC 3339)";
        self.refuse(raw.span(), key, LoadProblem::Invalid, message);
        Moment(0)
    }
}

/// Which end of the day a bare date means.
#[derive(Clone, Copy)]
enum Edge {
    /// Its first moment.
    First,
    /// The first moment after it: the day itself belongs to the span.
    Last,
}

fn moment(value: &Datetime, edge: Edge) -> Option<Moment> {
    let text = value.to_string();
    if let Ok(exact) = OffsetDateTime::parse(&text, &Rfc3339) {
        return i64::try_from(exact.unix_timestamp_nanos() / 1_000_000).ok().map(Moment);
    }
    let date = Date::parse(&text, format_description!("[year]-[month]-[day]")).ok()?;
    let date = match edge {
        Edge::First => date,
        Edge::Last => date.next_day()?,
    };
    Some(Moment::from_seconds(date.with_time(Time::MIDNIGHT).assume_utc().unix_timestamp()))
}

fn meets<T: PartialEq>(one: &[T], two: &[T]) -> bool {
    one.iter().any(|item| two.contains(item))
}
