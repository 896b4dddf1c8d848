//! Reads single values and lists of them: ids, words, paths, dates.

use std::collections::BTreeSet;
use std::sync::Arc;

use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{Date, OffsetDateTime, Time};
use toml::Spanned;
use toml::value::Datetime;

use super::Reader;
use super::raw::{Text, Texts};
use crate::id::{AgencyId, CaseId, Moment, RecordTypeName};
use crate::label::RecordType;
use crate::policy::Purpose;
use crate::policy::agreement::path_fits;
use crate::policy::load_error::LoadProblem;
use crate::policy::registry::{NAME_RULE, is_name};

impl Reader<'_> {
    pub(super) fn matchable(
        &mut self,
        raw: &Texts,
        key: &str,
        types: &[RecordTypeName],
    ) -> Vec<String> {
        let paths = self.list(raw, key, |_, text, _| Some(text.get_ref().clone()));
        for path in raw.get_ref() {
            let leaf = self.types(types).any(|one| one.leaf_by_path(path.get_ref()).is_some());
            if !leaf && self.all_here(types) {
                let message =
                    format!("no record type of the flow has a field `{}`", path.get_ref());
                self.refuse(path.span(), key, LoadProblem::Unknown, message);
            }
        }
        paths
    }

    pub(super) fn known_path(&mut self, path: &Text, key: &str, types: &[RecordTypeName]) {
        let found = self
            .types(types)
            .any(|one| one.leaves().iter().any(|leaf| path_fits(path.get_ref(), leaf).is_some()));
        if !found && self.all_here(types) {
            let message = format!("no record type of the flow has a field `{}`", path.get_ref());
            self.refuse(path.span(), key, LoadProblem::Unknown, message);
        }
    }

    /// Are there types, and are all of them here? A path may belong to one that is awaited.
    pub(super) fn all_here(&self, types: &[RecordTypeName]) -> bool {
        !types.is_empty() && self.types(types).count() == types.len()
    }

    pub(super) fn types<'b>(
        &'b self,
        names: &'b [RecordTypeName],
    ) -> impl Iterator<Item = &'b RecordType> {
        names.iter().filter_map(|name| self.known.record_types.get(name)).map(Arc::as_ref)
    }

    pub(super) fn party(&mut self, agency: &Text, key: &str, parties: &[AgencyId]) {
        let known = parties.iter().any(|party| party.as_str() == agency.get_ref());
        if !known && self.is_agency(agency.get_ref()) {
            let message = format!("`{}` is not among the parties", agency.get_ref());
            self.refuse(agency.span(), key, LoadProblem::NotAParty, message);
        }
    }

    pub(super) fn is_agency(&self, id: &str) -> bool {
        self.known.registry.agencies.iter().any(|agency| agency.id.as_str() == id)
    }

    pub(super) fn agency(&mut self, text: &Text, key: &str) -> Option<AgencyId> {
        if self.is_agency(text.get_ref()) {
            return Some(AgencyId::new(text.get_ref()));
        }
        let message = format!("agency `{}` is not registered", text.get_ref());
        self.refuse(text.span(), key, LoadProblem::Unknown, message);
        None
    }

    pub(super) fn record_type(&mut self, text: &Text, key: &str) -> Option<RecordTypeName> {
        if let Some((name, _)) = self.known.record_types.get_key_value(text.get_ref().as_str()) {
            return Some(name.clone());
        }
        if self.known.awaits(text.get_ref()) {
            return Some(RecordTypeName::new(text.get_ref()));
        }
        let message = format!("record type `{}` is not registered", text.get_ref());
        self.refuse(text.span(), key, LoadProblem::Unknown, message);
        None
    }

    pub(super) fn purpose(&mut self, text: &Text, key: &str) -> Option<Purpose> {
        self.word(text, key, Purpose::from_word)
    }

    /// A case may be opened after the agreement is made, so only its grammar is checked.
    pub(super) fn case(&mut self, text: &Text, key: &str) -> Option<CaseId> {
        if is_name(text.get_ref()) {
            return Some(CaseId::new(text.get_ref()));
        }
        self.refuse(text.span(), key, LoadProblem::Invalid, NAME_RULE);
        None
    }

    pub(super) fn word<T>(
        &mut self,
        text: &Text,
        key: &str,
        from: fn(&str) -> Option<T>,
    ) -> Option<T> {
        let found = from(text.get_ref());
        if found.is_none() {
            let message = format!("`{}` is not known", text.get_ref());
            self.refuse(text.span(), key, LoadProblem::Unknown, message);
        }
        found
    }

    /// A list that is neither empty nor repeats itself, sorted.
    pub(super) fn list<T: Ord>(
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

    pub(super) fn text(&mut self, raw: &Text, key: &str) -> String {
        if raw.get_ref().trim().is_empty() {
            self.refuse(raw.span(), key, LoadProblem::Empty, "the text is empty");
        }
        raw.get_ref().clone()
    }

    pub(super) fn moment(&mut self, raw: &Spanned<Datetime>, key: &str, edge: Edge) -> Moment {
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
pub(super) enum Edge {
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
