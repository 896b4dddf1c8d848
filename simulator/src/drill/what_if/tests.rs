use super::*;
use crate::drill::play::tests::{played, tutorial};
use crate::drill::plot::Truth;
use crate::drill::score::score;

async fn game() -> Vec<Event> {
    let (scenario, plot) = tutorial();
    played(scenario, plot, &[Bot::Good; 3]).await
}

/// The decision by which a case was stopped, and its first question before.
fn stop(plot: &Plot, events: &[Event]) -> (u64, u64, String) {
    for event in events {
        let What::Decided { matter, decision, .. } = &event.what else { continue };
        let Some(Truth::Case(case)) = plot.matter(*matter).map(|one| &one.truth) else { continue };
        if decision.stops() && plot.cases[*case].matters.len() == 1 {
            let asks = |one: &&Event| matches!(&one.what, What::Asked { matter: of, answer: Answered::Records { count: 1.., .. }, .. } if *of == Some(*matter));
            let asked = events.iter().filter(asks).find(|one| one.exercise == event.exercise);
            if let Some(asked) = asked {
                return (event.number, asked.number, plot.cases[*case].id.clone());
            }
        }
    }
    panic!("no case is stopped by its only matter");
}

#[tokio::test]
async fn again_without_a_change_is_the_game_that_was_played() {
    let (scenario, plot) = tutorial();
    let events = game().await;
    let (stop, asked, _) = stop(plot, &events);
    for number in [stop, asked] {
        let again = Again::new(scenario, plot, &events, number).unwrap();
        let same = again.play(None).await.unwrap();
        let lived = |events: &[Event]| -> Vec<(u64, Exercise, String, What)> {
            let of = |event: &Event| {
                (event.number, event.exercise, event.by.clone(), event.what.clone())
            };
            let told = |what: &What| {
                matches!(what, What::Disclosed { .. } | What::Received { .. } | What::Ended { .. })
            };
            let unnamed = |what: What| match what {
                What::Asked {
                    matter,
                    of,
                    record_type,
                    answer: Answered::Records { count, .. },
                } => {
                    let answer = Answered::Records { count, exchange: String::new() };
                    What::Asked { matter, of, record_type, answer }
                }
                What::Decided { matter, decision, confidence, reason, .. } => {
                    What::Decided { matter, decision, confidence, reason, evidence: vec![] }
                }
                what => what,
            };
            let kept = events.iter().filter(|event| !told(&event.what)).map(of);
            kept.map(|(number, at, by, what)| (number, at, by, unnamed(what))).collect()
        };
        assert_eq!(lived(&same), lived(&events), "{number}");
        let (one, other) = (score(scenario, plot, &same), score(scenario, plot, &events));
        assert_eq!(one.outcomes, other.outcomes);
        assert_eq!(one.all.over_collection, other.all.over_collection, "{number}");
        assert_eq!(one.all.brier, other.all.brier);
    }
}

#[tokio::test]
async fn a_case_that_is_let_go_goes_through_and_what_was_before_stays() {
    let (scenario, plot) = tutorial();
    let events = game().await;
    let (number, _, case) = stop(plot, &events);
    let to = To::Decision(Decision::Release, Some(5));
    let changed =
        Again::new(scenario, plot, &events, number).unwrap().play(Some(to)).await.unwrap();
    let place = usize::try_from(number).unwrap();
    assert_eq!(changed[..place], events[..place]);
    let found = what_if(scenario, plot, &events, number, to).await.unwrap();
    let ends = found.cases.iter().find(|ends| ends.case == case).unwrap();
    assert!(ends.same.is_some() && ends.changed.is_none());
    let recall = &found.scores[0];
    assert!(recall.score == "recall" && recall.by().unwrap() < 0.0);
    assert!(found.text().contains("went through, and not stopped by"));
}

#[tokio::test]
async fn a_refusal_keeps_a_team_from_seeing_what_it_saw() {
    let (scenario, plot) = tutorial();
    let events = game().await;
    let (stop, asked, _) = stop(plot, &events);
    let again = Again::new(scenario, plot, &events, asked).unwrap();
    let changed = again.play(Some(To::Refused)).await.unwrap();
    let place = usize::try_from(asked).unwrap();
    assert_eq!(changed[..place], events[..place]);
    let of =
        |events: &[Event]| events.iter().find(|event| event.number == asked).unwrap().what.clone();
    assert!(matches!(of(&changed), What::Asked { answer: Answered::Refused { .. }, .. }));
    let was = events.iter().find(|event| event.number == stop).unwrap();
    assert!(!changed.iter().any(|event| event.exercise == was.exercise && event.what == was.what));
    // Released again, the game goes on as it went.
    let found = what_if(scenario, plot, &changed, asked, To::Released).await.unwrap();
    let all = found.scores.iter().find(|one| one.team == "all" && one.score == "answered").unwrap();
    assert!(all.changed.numerator > all.same.numerator);
}

#[tokio::test]
async fn what_cannot_be_changed_is_refused_by_name() {
    let (scenario, plot) = tutorial();
    let events = game().await;
    let (stop, asked, _) = stop(plot, &events);
    let asking = async |number: u64, to: To| {
        what_if(scenario, plot, &events, number, to).await.unwrap_err().to_string()
    };
    let hold = To::Decision(Decision::Hold, None);
    assert_eq!(asking(0, hold).await, "event 0 is no answer of a player");
    assert_eq!(asking(999_999, hold).await, "the log has no event 999999");
    assert_eq!(asking(stop, To::Refused).await, format!("event {stop} is no question"));
    assert_eq!(asking(asked, hold).await, format!("event {asked} is no decision"));
    assert_eq!(asking(stop, hold).await, format!("event {stop} is so already"));
    assert_eq!(asking(asked, To::Released).await, format!("event {asked} is so already"));
    let deny = To::Decision(Decision::Deny, None);
    assert_eq!(asking(stop, deny).await, "`deny` is not open on a record of this kind");
}
