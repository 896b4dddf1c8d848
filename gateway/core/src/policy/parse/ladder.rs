//! Reads ladders: selectors, rungs, and what they come to for the fields of the flow's record types.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::ops::Range;

use toml::Spanned;

use super::Reader;
use super::raw::{RawFlow, RawLadder, Texts};
use crate::id::RuleId;
use crate::label::{Category, Semantic, Sensitivity};
use crate::policy::agreement::{Flow, Ladder, Selector};
use crate::policy::ladder;
use crate::policy::load_error::LoadProblem;
use crate::redact::Treatment;

impl Reader<'_> {
    pub(super) fn ladder(
        &mut self,
        raw: &Spanned<RawLadder>,
        rule: RuleId,
        flow: &Flow,
        key: &str,
    ) -> Ladder {
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
        let (rungs, officer_rungs) = self.rungs(raw, key);
        Ladder { rule, selector, purposes, rungs, officer_rungs }
    }

    pub(super) fn selector(
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
                let key = format!("{key}.sensitivity");
                let bound = match &raw.sensitivity {
                    // Left out by mistake it would open the ladder to every sensitivity: it has to be said.
                    None => {
                        let message = "a category is given up to a sensitivity, or up to `ANY`";
                        self.refuse(category.span(), &key, LoadProblem::Malformed, message);
                        Some(Sensitivity::Public)
                    }
                    Some(text) if text.get_ref() == "ANY" => None,
                    Some(text) => {
                        let found = self.word(text, &key, Sensitivity::from_word);
                        Some(found.unwrap_or(Sensitivity::Public))
                    }
                };
                Selector::Category(found.unwrap_or(Category::Reference), bound)
            }
            _ => {
                let message = "a ladder names exactly one of fields, semantic, category";
                self.refuse(span, key, LoadProblem::Malformed, message);
                Selector::Fields(vec![])
            }
        }
    }

    /// One chain: the rungs for officers, then those for everybody. How many are for officers stands beside.
    fn rungs(&mut self, raw: &RawLadder, key: &str) -> (Vec<Treatment>, usize) {
        let mut rungs: Vec<Treatment> = vec![];
        if let Some(own) = &raw.officer_rungs {
            let key = format!("{key}.officer_rungs");
            if own.get_ref().is_empty() {
                self.refuse(own.span(), &key, LoadProblem::Empty, "the list is empty");
            }
            self.descending(own, &key, &mut rungs);
        }
        let officer_rungs = rungs.len();
        let (raw, key) = (&raw.rungs, format!("{key}.rungs"));
        self.descending(raw, &key, &mut rungs);
        if raw.get_ref().is_empty() {
            self.refuse(raw.span(), &key, LoadProblem::Empty, "a ladder needs a rung");
        } else if rungs.last() != Some(&Treatment::Withhold) {
            let message = "a ladder ends in `withhold`";
            self.refuse(raw.span(), &key, LoadProblem::LadderNotDescending, message);
        }
        (rungs, officer_rungs)
    }

    fn descending(&mut self, raw: &Texts, key: &str, rungs: &mut Vec<Treatment>) {
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
            let descends = |above: &&Treatment| rung.partial_cmp(above) == Some(Ordering::Less);
            if let Some(above) = rungs.last().filter(|above| !descends(above)) {
                let message = format!("`{rung}` does not tell less than `{above}` before it");
                self.refuse(text.span(), key, LoadProblem::LadderNotDescending, message);
            }
            rungs.push(rung);
        }
    }

    /// Ties between ladders, treatments that do not fit, ladders that hold for no field.
    pub(super) fn resolve(&mut self, raw: &RawFlow, flow: &Flow, at: usize) {
        let mut told = BTreeSet::new();
        let mut named = BTreeSet::new();
        for (name, purpose) in
            flow.record_types.iter().flat_map(|name| flow.purposes.iter().map(move |p| (name, *p)))
        {
            let Some(record_type) = self.known.record_types.get(name) else { continue };
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
        if !self.all_here(&flow.record_types) {
            return;
        }
        for number in (0..flow.ladders.len()).filter(|number| !named.contains(number)) {
            let message = "holds for no field: none fits, or more specific ladders take them all";
            self.at_ladder(raw, at, number, "", LoadProblem::Useless, message);
        }
    }

    pub(super) fn at_ladder(
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
}
