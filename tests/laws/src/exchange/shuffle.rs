//! Puts things into another order, and finds a rule again under its new number.

use std::cell::Cell;
use std::collections::HashMap;

use portcullis_core::policy::PolicyFile;

use super::{Exchange, Selector};

/// An order, from a seed; 0 leaves everything as it is.
#[derive(Debug, Clone)]
pub struct Shuffle(Cell<u64>);

impl Shuffle {
    /// From a seed.
    pub fn new(seed: u64) -> Self {
        Self(Cell::new(seed))
    }

    /// SplitMix64.
    fn below(&self, bound: usize) -> usize {
        let state = self.0.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
        self.0.set(state);
        let mut mixed = state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % u64::try_from(bound).unwrap()).unwrap()
    }

    /// Shuffles a list.
    pub fn list<T>(&self, items: &mut [T]) {
        if self.0.get() == 0 {
            return;
        }
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }

    /// The registry, the agreements and the prohibitions in another order; each file as it was.
    pub fn files(&self, exchange: &Exchange) -> Exchange {
        let mut other = exchange.clone();
        self.list(&mut other.registry.agencies);
        self.list(&mut other.registry.cases);
        other.registry.agencies.iter_mut().for_each(|one| self.list(&mut one.systems));
        other.registry.cases.iter_mut().for_each(|one| self.list(&mut one.members));
        self.list(&mut other.agreements);
        other
    }

    /// Everything within the agreements in another order, but rungs, whose order means something.
    pub fn texts(&self, exchange: &Exchange) -> Exchange {
        let mut other = self.files(exchange);
        for flow in other.agreements.iter_mut().flat_map(|one| &mut one.flows) {
            self.list(&mut flow.to);
            self.list(&mut flow.types);
            self.list(&mut flow.purposes);
            self.list(&mut flow.cases);
            self.list(&mut flow.permitted_use);
            self.list(&mut flow.matchable);
            for ladder in &mut flow.ladders {
                if let Selector::Fields(paths) = &mut ladder.selector {
                    self.list(paths);
                }
                ladder.purposes.iter_mut().for_each(|purposes| self.list(purposes));
            }
            self.list(&mut flow.ladders);
        }
        other.agreements.iter_mut().for_each(|one| self.list(&mut one.flows));
        other
    }

    /// The prohibitions under their own names, in another order and spread over other files.
    pub fn policies(&self, exchange: &Exchange) -> Vec<PolicyFile> {
        let forbids = exchange.forbids.iter().enumerate();
        let mut texts: Vec<String> = forbids.map(|(at, one)| one.named(at)).collect();
        self.list(&mut texts);
        let together = if self.0.get() == 0 { 1 } else { 1 + self.below(3) };
        let file = |(at, texts): (usize, &[String])| PolicyFile {
            name: format!("other-{at}.cedar"),
            text: texts.join("\n"),
        };
        texts.chunks(together).enumerate().map(file).collect()
    }
}

/// Names of rules that do not change when flows and ladders change places.
pub struct Names(HashMap<String, String>);

impl Names {
    /// Of an exchange.
    pub fn of(exchange: &Exchange) -> Self {
        let mut names = HashMap::new();
        for agreement in &exchange.agreements {
            for (at, flow) in agreement.flows.iter().enumerate() {
                let rule = format!("agreement:{}/flow:{}", agreement.id, at + 1);
                let name = format!("{} flow {}", agreement.id, flow.tag);
                names.insert(format!("{rule}/matchable"), format!("{name} matchable"));
                for (at, ladder) in flow.ladders.iter().enumerate() {
                    let ladder = format!("{name} ladder {}", ladder.tag);
                    names.insert(format!("{rule}/ladder:{}", at + 1), ladder);
                }
                names.insert(rule, name);
            }
        }
        Self(names)
    }

    /// The lasting name of a rule.
    pub fn lasting<'a>(&'a self, rule: &'a str) -> &'a str {
        self.0.get(rule).map_or(rule, String::as_str)
    }
}
