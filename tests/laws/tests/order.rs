//! Law 4, order-free: the order in which policies, agreements, rules, agencies and cases are loaded, and the
//! order in which questions are asked, change nothing. The rungs of a ladder are a chain: their order is its
//! meaning, so it stays.
//!
//! A case is a question to two exchanges that differ in order alone.

use std::collections::HashMap;
use std::fmt::Write as _;

use portcullis_core::id::{Moment, RuleId};
use portcullis_core::policy::{Permit, Snapshot};
use portcullis_laws::exchange::{
    Answer, DAY, Exchange, NOW, Names, Question, Rules, Shuffle, ask, exchange, hold, questions,
    record_types,
};
use proptest::prelude::*;

/// Most questions to one exchange.
const QUESTIONS: usize = 16;

fn rules(rules: &[RuleId], names: &Names) -> Vec<String> {
    let mut names: Vec<String> =
        rules.iter().map(|rule| names.lasting(rule.as_str()).to_owned()).collect();
    names.sort();
    names
}

fn permitted(permit: &Permit, names: &Names) -> String {
    format!(
        "permitted under {} from {:?} until {:?}, for {:?}, by {:?}, deleted by {:?}, may match {:?}, {:?}\n",
        permit.agreement_id(),
        permit.sources(),
        permit.valid_until(),
        permit.permitted_use(),
        rules(permit.rules(), names),
        permit.delete_by(NOW),
        permit.matchable(),
        permit.budgets(),
    )
}

/// All that a question comes to, in words, with lasting names for rules.
fn picture(answer: &Answer, names: &Names) -> String {
    match answer {
        Answer::Denied(denial) => {
            format!("{denial} ({}), by {:?}", denial.remedy, rules(&denial.rules, names))
        }
        Answer::Dropped(permit, dropped) => {
            let why = rules(&dropped.rules, names);
            format!("{}{dropped}, by {why:?}", permitted(permit, names))
        }
        Answer::Shown(permit, plan) => {
            let mut said = permitted(permit, names);
            write!(said, "scope {}, until {:?}", plan.scope().0, plan.valid_until()).unwrap();
            for (leaf, field) in plan.record_type().leaves().iter().zip(plan.fields()) {
                let rule = names.lasting(field.rule.as_str());
                let reason = field.reason.word();
                let (usable, probe) = (field.usable, field.probe);
                write!(
                    said,
                    "\n  {}: {} by {rule}, {reason}, usable {usable}, probe {probe}, ask {:?}",
                    leaf.path, field.treatment, field.ask
                )
                .unwrap();
            }
            said
        }
    }
}

fn same(question: &Question, one: &str, two: &str) -> Result<(), String> {
    if one == two {
        return Ok(());
    }
    Err(format!("when {question:?}\none order: {one}\nanother: {two}"))
}

fn seed() -> impl Strategy<Value = u64> {
    any::<u64>()
}

#[test]
fn the_order_of_files_agencies_and_cases_changes_nothing() {
    let strategy = (exchange(Rules::SomeBroken), questions(QUESTIONS), seed());
    hold(portcullis_laws::cases().div_ceil(8), &strategy, |(exchange, questions, seed)| {
        let shuffle = Shuffle::new(seed);
        let other = shuffle.files(&exchange);
        let (mut types, mut policies) = (record_types().to_vec(), exchange.policies());
        shuffle.list(&mut types);
        shuffle.list(&mut policies);
        policies.iter_mut().for_each(|file| file.name.insert(0, 'z'));
        let one = exchange.load();
        let two = Snapshot::load(other.registry.clone(), types, &other.files(), &policies)
            .map_err(|errors| format!("does not load in another order: {errors:?}"))?;
        if one.hash() != two.hash() {
            return Err("the snapshot has another hash".to_owned());
        }
        let names = Names::of(&exchange);
        for question in questions.about(&exchange) {
            let mut asked = question.clone();
            shuffle.list(&mut asked.request.sources);
            let (a, b) = (ask(&one, &question, NOW), ask(&two, &asked, NOW));
            same(&question, &picture(&a, &names), &picture(&b, &names))?;
            if a.plan().map(|plan| plan.hash()) != b.plan().map(|plan| plan.hash()) {
                return Err(format!("the plan has another hash: {question:?}"));
            }
        }
        Ok(())
    });
}

#[test]
fn the_order_within_files_changes_nothing_but_the_numbers_of_rules() {
    let strategy = (exchange(Rules::SomeBroken), questions(QUESTIONS), seed());
    hold(portcullis_laws::cases().div_ceil(8), &strategy, |(exchange, questions, seed)| {
        let shuffle = Shuffle::new(seed);
        let other: Exchange = shuffle.texts(&exchange);
        let types = record_types().to_vec();
        let policies = shuffle.policies(&exchange);
        let one = exchange.load();
        let two = Snapshot::load(other.registry.clone(), types, &other.files(), &policies)
            .map_err(|errors| format!("does not load in another order: {errors:?}\n{other:?}"))?;
        let names = (Names::of(&exchange), Names::of(&other));
        for question in questions.about(&exchange) {
            let a = picture(&ask(&one, &question, NOW), &names.0);
            let b = picture(&ask(&two, &question, NOW), &names.1);
            same(&question, &a, &b).map_err(|why| format!("{why}\nthe other order:\n{other:?}"))?;
        }
        Ok(())
    });
}

/// Plans are cached: what was asked before, and when, must not be seen in an answer.
#[test]
fn the_order_of_questions_changes_nothing() {
    let strategy = (exchange(Rules::SomeBroken), questions(6), seed());
    hold(portcullis_laws::cases().div_ceil(20), &strategy, |(exchange, questions, seed)| {
        let later = [-3, 0, 4, 6, 11, 21].map(|day| Moment(NOW.0 + day * DAY));
        let names = Names::of(&exchange);
        let (one, two) = (exchange.load(), exchange.load());
        let questions = questions.about(&exchange);
        let mut script: Vec<(usize, Moment)> =
            later.iter().flat_map(|now| (0..questions.len()).map(|at| (at, *now))).collect();
        let mut said: HashMap<(usize, Moment), String> = HashMap::new();
        for (at, now) in &script {
            said.insert((*at, *now), picture(&ask(&one, &questions[*at], *now), &names));
        }
        Shuffle::new(seed).list(&mut script);
        for turn in script {
            let again = picture(&ask(&two, &questions[turn.0], turn.1), &names);
            same(&questions[turn.0], &said[&turn], &again)?;
        }
        Ok(())
    });
}
