use super::*;
use crate::drill::bot::Bot;
use crate::drill::clock::Wall;
use crate::drill::play::tests::{played, tutorial};

fn decided(matter: &Matter, by: &str, at: Exercise, decision: Decision, confidence: u8) -> Event {
    let (reason, evidence) = (String::new(), vec![]);
    let what = What::Decided { matter: matter.id, decision, confidence, reason, evidence };
    Event {
        number: 0,
        wall: Wall(0),
        exercise: at,
        by: by.to_owned(),
        player: String::new(),
        key: String::new(),
        what,
    }
}

fn team(matter: &Matter) -> &'static str {
    tutorial().0.teams[matter.team].agency.as_str()
}

#[tokio::test]
async fn who_knows_the_truth_stops_every_case_at_once_and_nothing_lawful() {
    let (scenario, plot) = tutorial();
    let scored = alone(scenario, plot, Bot::Oracle).await;
    assert_eq!((scored.all.recall.value(), scored.all.precision.value()), (Some(1.0), Some(1.0)));
    assert_eq!((scored.all.brier.value(), scored.all.held.value()), (Some(0.0), Some(0.0)));
    assert!(scored.all.time.value().unwrap() < 0.05, "{:?}", scored.all.time);
    assert_eq!(scored.all.over_collection.value(), None);
}

#[tokio::test]
async fn who_does_nothing_stops_nothing_and_who_holds_everything_holds_what_is_lawful() {
    let (scenario, plot) = tutorial();
    let silent = alone(scenario, plot, Bot::Silent).await.all;
    assert_eq!((silent.recall.value(), silent.precision.value()), (Some(0.0), None));
    assert_eq!((silent.brier.value(), silent.time.value()), (Some(0.25), Some(1.0)));
    let all = alone(scenario, plot, Bot::HoldEverything).await.all;
    let illicit = |one: &&Matter| matches!(one.truth, Truth::Case(_) | Truth::Fraud(_));
    let share = plot.matters.iter().filter(illicit).count() as f64 / plot.matters.len() as f64;
    assert_eq!((all.recall.value(), all.precision.value()), (Some(1.0), Some(share)));
    assert!(all.held.value().unwrap() > 0.95, "{:?}", all.held);
}

#[test]
fn a_lawful_matter_counts_the_hours_between_hold_and_release_and_no_longer_than_it_is_in_reach() {
    let (scenario, plot) = tutorial();
    let lawful = plot.matters.iter().find(|one| one.truth == Truth::Innocent).unwrap();
    let reach = hours(lawful.arrives, lawful.leaves) * lawful.value.max(1.0);
    let at =
        |share: u64| Exercise(lawful.arrives.0 + (lawful.leaves.0 - lawful.arrives.0) * share / 4);
    let held = |events: &[Event]| score(scenario, plot, events).all.held.numerator / reach;
    let hold = decided(lawful, team(lawful), at(1), Decision::Hold, 90);
    let release = decided(lawful, team(lawful), at(2), Decision::Release, 10);
    assert!((held(std::slice::from_ref(&hold)) - 0.75).abs() < 1e-6);
    assert!((held(&[hold.clone(), release]) - 0.25).abs() < 1e-6);
    let late = decided(lawful, team(lawful), at(9), Decision::Release, 10);
    assert!((held(&[hold, late]) - 0.75).abs() < 1e-6);
}

#[test]
fn a_case_is_stopped_only_within_reach_and_its_time_runs_from_when_it_was_solvable() {
    let (scenario, plot) = tutorial();
    let case = plot.cases.iter().find(|case| case.in_time() && case.joint > case.first).unwrap();
    let matter =
        case.matters.iter().filter_map(|id| plot.matter(*id)).find(|one| one.leaves == case.exit);
    let matter = matter.unwrap();
    let stop = |at: Exercise| {
        let events = [decided(matter, team(matter), at, Decision::Hold, 100)];
        score(scenario, plot, &events)
    };
    let place = plot.cases.iter().position(|one| one.id == case.id).unwrap();
    let late = stop(Exercise(matter.leaves.0 + 1));
    assert_eq!(late.outcomes[place].stopped, None);
    assert_eq!(late.all.recall.numerator, 0.0);
    let middle = Exercise((case.joint.0 + case.exit.0) / 2);
    let good = stop(middle);
    assert_eq!(good.outcomes[place].stopped, Some((team(matter).to_owned(), middle)));
    assert_eq!(good.all.recall.numerator, f64::from(case.hazard));
    let share = (middle.0 - case.joint.0) as f64 / (case.exit.0 - case.first.0) as f64;
    let others = good.all.time.denominator - 1.0;
    assert!((good.all.time.numerator - others - share).abs() < 1e-9);
}

#[tokio::test]
async fn scores_do_not_hang_on_who_is_named_first_at_the_same_moment() {
    let (scenario, plot) = tutorial();
    let events = played(scenario, plot, &[Bot::Good; 3]).await;
    let mut other = events.clone();
    // What different teams did at the same moment, the other way round.
    for run in other.chunk_by_mut(|a, b| a.exercise == b.exercise) {
        let own = |event: &Event| matches!(event.what, What::Decided { .. } | What::Asked { .. });
        if run.iter().all(own) {
            run.sort_by(|a, b| b.by.cmp(&a.by));
        }
    }
    other.reverse();
    other.sort_by_key(|event| event.exercise);
    let (one, two) = (score(scenario, plot, &events), score(scenario, plot, &other));
    assert_eq!(one.all.recall, two.all.recall);
    assert_eq!(one.all.precision, two.all.precision);
    assert_eq!(one.all.over_collection, two.all.over_collection);
    assert_eq!(one.all.coverage, two.all.coverage);
}

#[test]
fn weights_are_those_of_the_design() {
    use portcullis_core::label::{Category, Sensitivity};
    for (category, sensitivity, expected) in [
        (Category::Personal, Sensitivity::Public, 0.0),
        (Category::Personal, Sensitivity::Confidential, 3.0),
        (Category::Personal, Sensitivity::Secret, 5.0),
        (Category::Commercial, Sensitivity::Official, 2.0),
        (Category::Location, Sensitivity::Official, 1.0),
    ] {
        assert_eq!(weight(category, sensitivity), expected);
    }
}

#[tokio::test]
async fn what_a_case_needs_is_no_over_collection_and_everything_else_is() {
    let (scenario, plot) = tutorial();
    let good = score(scenario, plot, &played(scenario, plot, &[Bot::Good; 3]).await).all;
    let greedy = score(scenario, plot, &played(scenario, plot, &[Bot::Greedy; 3]).await).all;
    let received = |scores: &Scores| scores.over_collection.denominator;
    assert!(received(&greedy) > 50.0 * received(&good), "{good:?} {greedy:?}");
    let useful = received(&good) - good.over_collection.numerator;
    assert!(useful > 0.0 && good.coverage.value().unwrap() > 0.3, "{good:?}");
    let silent = score(scenario, plot, &played(scenario, plot, &[Bot::Silent; 3]).await).all;
    assert_eq!((silent.over_collection.value(), silent.coverage.numerator), (None, 0.0));
}
