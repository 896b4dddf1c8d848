use super::*;
use crate::drill::play::tests::{played, tutorial};
use crate::drill::score::score;

async fn game() -> Vec<Event> {
    let (scenario, plot) = tutorial();
    played(scenario, plot, &[Bot::Good; 3]).await
}

/// The only decision by which a case was stopped, the first question with an answer of that look, and the case.
fn stop(plot: &Plot, events: &[Event]) -> (u64, u64, String) {
    for case in &plot.cases {
        let stops = |event: &&Event| match &event.what {
            What::Decided { matter, decision, .. } => {
                decision.stops() && case.matters.contains(matter)
            }
            _ => false,
        };
        let all: Vec<&Event> = events.iter().filter(stops).collect();
        let [event] = all[..] else { continue };
        let asks = |one: &&Event| {
            one.exercise == event.exercise
                && one.by == event.by
                && matches!(
                    &one.what,
                    What::Asked { answer: Answered::Records { count: 1.., .. }, .. }
                )
        };
        if let Some(asked) = events.iter().find(asks) {
            return (event.number, asked.number, case.id.clone());
        }
    }
    panic!("no case is stopped by one decision alone");
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
    let What::Decided { matter, decision, .. } = &was.what else { panic!("a decision") };
    let decides = |events: &[Event]| {
        events.iter().any(|event| {
            let what = &event.what;
            event.exercise == was.exercise
                && matches!(what, What::Decided { matter: of, decision: word, .. } if of == matter && word == decision)
        })
    };
    assert!(decides(&events) && !decides(&changed));
    // Answered all the same, the team decides as it did.
    let again = Again::new(scenario, plot, &changed, asked).unwrap();
    let released = again.play(Some(To::Released)).await.unwrap();
    assert!(decides(&released));
    let found = what_if(scenario, plot, &events, asked, To::Refused).await.unwrap();
    assert!(found.change.contains("is refused when it asks"), "{}", found.change);
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
