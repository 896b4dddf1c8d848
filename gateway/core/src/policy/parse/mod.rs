//! From an agreement's TOML text to an [`Agreement`], or every problem with its line, column and key.
//! Mistakes of form (not TOML, unknown or missing key, wrong type) end the reading of a file; mistakes of
//! content are all told.

mod budgets;
mod ladder;
mod raw;
mod value;

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;
use std::sync::Arc;

use toml::Spanned;

use self::raw::{RawAgreement, RawFlow};
use self::value::Edge;
use super::agreement::{Agreement, Consent, Flow, ReleaseTerms};
use super::load_error::{LoadError, LoadProblem};
use super::registry::{NAME_RULE, Registry, is_name};
use super::standing::Standing;
use crate::id::{AgencyId, AgreementId, Digest, RecordTypeName, RuleId};
use crate::label::RecordType;

/// An agreement's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgreementFile {
    /// File name, for errors.
    pub name: String,
    /// TOML.
    pub text: String,
}

/// What agreements may speak of.
pub(super) struct Known<'a> {
    pub(super) registry: &'a Registry,
    pub(super) record_types: &'a HashMap<RecordTypeName, Arc<RecordType>>,
    /// Packages whose record types may come later.
    pub(super) awaited: &'a [String],
}

impl Known<'_> {
    /// May a record type of this name come later?
    fn awaits(&self, name: &str) -> bool {
        let below = |package: &String| {
            name.strip_prefix(package.as_str()).is_some_and(|rest| rest.starts_with('.'))
        };
        self.awaited.iter().any(below)
    }
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

/// What an agreement's text says of itself, for whoever keeps agreements without compiling them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The agreement, as if it were in force.
    pub agreement: Agreement,
}

impl Facts {
    /// Reads a text against a registry and record types.
    ///
    /// # Errors
    /// Every problem, with its place.
    pub fn read(
        file: &AgreementFile,
        registry: &Registry,
        record_types: &[Arc<RecordType>],
        awaited: &[String],
    ) -> Result<Self, Vec<LoadError>> {
        let record_types: HashMap<_, _> =
            record_types.iter().map(|one| (one.name().clone(), one.clone())).collect();
        let known = Known { registry, record_types: &record_types, awaited };
        agreement(file, &known).map(|(agreement, _)| Self { agreement })
    }

    /// Every record type that a flow names, sorted.
    pub fn record_types(&self) -> Vec<RecordTypeName> {
        let flows = self.agreement.flows.iter();
        let names: BTreeSet<_> = flows.flat_map(|flow| &flow.record_types).cloned().collect();
        names.into_iter().collect()
    }
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
        let open_to = match &raw.open_to {
            Some(agencies) => self.list(agencies, "open_to", Self::agency),
            None => vec![],
        };
        if let (Some(twice), Some(raw)) =
            (open_to.iter().find(|one| parties.contains(one)), &raw.open_to)
        {
            let message = format!("`{twice}` is a party already");
            self.refuse(raw.span(), "open_to", LoadProblem::Useless, message);
        }
        if let (None, Some(accession)) = (&raw.open_to, &raw.accession) {
            let message = "nobody may accede: `open_to` names no agency";
            self.refuse(accession.span(), "accession", LoadProblem::Useless, message);
        }
        let mut consent = |text: &Option<raw::Text>, key: &str, otherwise| match text {
            Some(text) => self.word(text, key, Consent::from_word).unwrap_or(Consent::All),
            None => otherwise,
        };
        let accession = consent(&raw.accession, "accession", Consent::All);
        let termination = consent(&raw.termination, "termination", Consent::Any);
        let may_take_part: Vec<AgencyId> = parties.iter().chain(&open_to).cloned().collect();
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
            .map(|(at, flow)| self.flow(flow, &id, &may_take_part, at + 1))
            .collect();
        self.overlaps(raw, &flows);
        Agreement {
            version: *raw.version.get_ref(),
            title: self.text(&raw.title, "title"),
            legal_basis: self.text(&raw.legal_basis, "legal_basis"),
            parties,
            open_to,
            accession,
            termination,
            valid_from,
            valid_until,
            flows,
            digest: Digest::of(self.file.text.as_bytes()),
            standing: Standing::default(),
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
        let budgets = self.budgets(raw, &key("budgets"), &record_types);
        let mut flow = Flow {
            number: at,
            rule: RuleId::new(&rule),
            from,
            to,
            record_types,
            purposes,
            case_required: raw.case_required || !cases.is_empty(),
            cases,
            officer_required: raw.officer_required,
            permitted_use,
            delete_after_days: *raw.delete_after_days.get_ref(),
            release: self.release(raw, &key("release")),
            budgets,
            matchable,
            ladders: vec![],
            caps: vec![],
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
}

/// Longest time that a release request may wait or a grant be used.
const MOST_DAYS: u32 = 366;

impl Reader<'_> {
    fn release(&mut self, raw: &RawFlow, key: &str) -> Option<ReleaseTerms> {
        if let (Some(terms), false) = (&raw.release, raw.release_by_originator) {
            let message = "`release_by_originator` is false: nobody may be asked";
            self.refuse(terms.span(), key, LoadProblem::Useless, message);
        }
        let terms = raw.release.as_ref().map(Spanned::get_ref);
        let ordinary = ReleaseTerms::ORDINARY;
        let mut days = |found: Option<&Spanned<u32>>, name: &str, otherwise: u32| {
            let Some(days) = found else { return otherwise };
            if !(1..=MOST_DAYS).contains(days.get_ref()) {
                let message = format!("days from 1 to {MOST_DAYS}");
                let key = format!("{key}.{name}");
                self.refuse(days.span(), &key, LoadProblem::Invalid, message);
            }
            *days.get_ref()
        };
        let answer = terms.and_then(|terms| terms.answer_within_days.as_ref());
        let grant = terms.and_then(|terms| terms.grant_holds_days.as_ref());
        let terms = ReleaseTerms {
            answer_within_days: days(answer, "answer_within_days", ordinary.answer_within_days),
            grant_holds_days: days(grant, "grant_holds_days", ordinary.grant_holds_days),
        };
        raw.release_by_originator.then_some(terms)
    }
}

fn meets<T: PartialEq>(one: &[T], two: &[T]) -> bool {
    one.iter().any(|item| two.contains(item))
}
