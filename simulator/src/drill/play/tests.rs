use std::collections::BTreeMap;
use std::path::Path;
use std::sync::OnceLock;

use super::*;
use crate::drill::candid::Candid;
use crate::drill::event::Decision;
use crate::drill::scenario::Happening;
use crate::drill::score::{Scores, score};

pub(crate) fn tutorial() -> &'static (Scenario, Plot) {
    static MADE: OnceLock<(Scenario, Plot)> = OnceLock::new();
    MADE.get_or_init(|| {
        let scenario = Scenario::read(Path::new("tutorial")).unwrap();
        let plot = Plot::new(&scenario, None).unwrap();
        (scenario, plot)
    })
}

pub(crate) async fn played(scenario: &Scenario, plot: &Plot, bots: &[Bot]) -> Vec<Event> {
    let mut game = Game::new(scenario, plot, bots);
    let mut candid = Candid::new(plot);
    game.play(&mut candid, &mut Memory, None, |_| true).await.unwrap();
    for (now, newest) in &candid.newest {
        assert!(newest <= now, "told at {now} what happens at {newest}");
    }
    let told = std::mem::take(&mut candid.told);
    game.close(&mut Memory, told, "c".to_owned(), 1).unwrap();
    game.into_events()
}

async fn all(scenario: &Scenario, plot: &Plot, bot: Bot) -> Scores {
    let events = played(scenario, plot, &vec![bot; scenario.teams.len()]).await;
    score(scenario, plot, &events).all
}

#[tokio::test]
async fn the_same_drill_gives_the_same_events_and_every_matter_comes_and_is_decided_in_time() {
    let (scenario, plot) = tutorial();
    let bots = vec![Bot::Good; 3];
    let events = played(scenario, plot, &bots).await;
    assert_eq!(events, played(scenario, plot, &bots).await);
    assert!(events.windows(2).all(|pair| pair[0].exercise <= pair[1].exercise));
    for matter in &plot.matters {
        assert!(matter.arrives < matter.leaves && matter.leaves <= scenario.length);
        let of_it = |event: &&Event| matches!(&event.what, What::Decided { matter: id, .. } if *id == matter.id);
        let decided: Vec<_> = events.iter().filter(of_it).collect();
        assert!(!decided.is_empty(), "{}", matter.record);
        for event in decided {
            assert!(event.exercise >= matter.arrives && event.exercise <= matter.leaves);
            assert_eq!(event.by, scenario.teams[matter.team].agency);
        }
    }
    assert!(matches!(events.first().unwrap().what, What::Began { .. }));
    assert!(matches!(events.last().unwrap().what, What::Ended { .. }));
}

#[tokio::test]
async fn a_contingency_happens_only_where_the_expected_action_did_not_come() {
    let (scenario, plot) = tutorial();
    let hint = What::Inject { inject: 2 };
    let shown = async |bot: Bot| {
        let events = played(scenario, plot, &[bot; 3]).await;
        events.iter().find(|event| event.what == hint).map(|event| event.exercise)
    };
    // Four minutes after the inject at 0:00:30 that it waits for.
    assert_eq!(shown(Bot::Silent).await, Some(Exercise(270_000)));
    let events = played(scenario, plot, &[Bot::Good; 3]).await;
    let asked = events.iter().any(|event| {
        event.exercise <= Exercise(270_000)
            && is_done(event, scenario.msel.entries[0].check.as_ref())
    });
    assert!(asked, "the seed was chosen so that it is asked in time");
    assert!(events.iter().all(|event| event.what != hint));
}

#[tokio::test]
async fn inspections_end_with_the_shifts_and_with_the_inspectors() {
    let mut scenario = Scenario::read(Path::new("tutorial")).unwrap();
    scenario.inspections.shift_minutes = 5;
    let plot = Plot::new(&scenario, None).unwrap();
    let opened = async |scenario: &Scenario| {
        let events = played(scenario, &plot, &[Bot::SoloCareful; 3]).await;
        let mut count: BTreeMap<(String, u64), u32> = BTreeMap::new();
        for event in events {
            if matches!(event.what, What::Decided { decision: Decision::Inspect, .. }) {
                *count.entry((event.by, event.exercise.0 / 300_000)).or_default() += 1;
            }
        }
        count
    };
    let before = opened(&scenario).await;
    assert!(before.values().all(|count| *count <= 2), "{before:?}");
    assert!(
        before.keys().any(|(_, shift)| *shift == 1) && before.values().any(|count| *count == 2)
    );
    // Off from the second shift's first second to its end.
    scenario.msel.entries[3].kind = Happening::InspectorsOff;
    scenario.msel.entries[3].at = Exercise(300_000);
    let off = opened(&scenario).await;
    assert!(off.keys().all(|(_, shift)| *shift == 0) && !off.is_empty(), "{off:?}");
}

#[tokio::test]
async fn asking_with_cause_beats_asking_for_everything_holding_everything_and_silence() {
    for (name, ..) in crate::drill::scenario::BUILT_IN {
        let scenario = Scenario::read(Path::new(name)).unwrap();
        let plot = Plot::new(&scenario, None).unwrap();
        let standing = async |bot| all(&scenario, &plot, bot).await.standing(&scenario.weights);
        let good = standing(Bot::Good).await;
        for bot in [Bot::Greedy, Bot::HoldEverything, Bot::Silent, Bot::SoloBold, Bot::SoloCareful]
        {
            let other = standing(bot).await;
            assert!(good > other, "{name}: good {good}, {} {other}", bot.word());
        }
        assert!(standing(Bot::Oracle).await >= good, "{name}");
    }
}

/// `PORTCULLIS_DRILL_SEEDS` of them; four if not set, for each takes as long as a drill.
#[tokio::test]
async fn in_consecutive_seeds_cooperation_is_worth_something() {
    let scenario = Scenario::read(Path::new("tutorial")).unwrap();
    let seeds = std::env::var("PORTCULLIS_DRILL_SEEDS").map_or(4, |count| count.parse().unwrap());
    for seed in 100..100 + seeds {
        let plot = Plot::new(&scenario, Some(seed)).unwrap();
        let good = all(&scenario, &plot, Bot::Good).await.standing(&scenario.weights);
        let greedy = all(&scenario, &plot, Bot::Greedy).await.standing(&scenario.weights);
        let yard = crate::drill::score::yardstick(&scenario, &plot).await;
        assert!(good > yard.solo, "seed {seed}: good {good}, alone {}", yard.solo);
        assert!(good > greedy, "seed {seed}: good {good}, greedy {greedy}");
        assert!(yard.value(good).value().is_some_and(|value| value > 0.0), "seed {seed}");
    }
}

#[test]
fn a_case_that_is_left_out_is_not_played_at_the_scenarios_own_seed() {
    let (scenario, plot) = tutorial();
    let first = plot.cases[0].id.clone();
    let mut less = scenario.clone();
    less.left_out = [first.clone()].into();
    let without = Plot::new(&less, None).unwrap();
    assert!(without.cases.iter().all(|case| case.id != first));
    assert_eq!(without.cases.len() + 1, plot.cases.len());
    assert_eq!(without.unplayed, plot.unplayed + 1);
    let records: Vec<&str> = plot.cases[0].traces.iter().map(|one| one.record.as_str()).collect();
    assert!(without.matters.iter().all(|one| !records.contains(&one.record.as_str())));
    // Names mean the cases of one seed: at another one all are played.
    let (other, all) = (Plot::new(&less, Some(7)).unwrap(), Plot::new(scenario, Some(7)).unwrap());
    assert_eq!(other.cases.len(), all.cases.len());
    less.left_out = ["C9999999".to_owned()].into();
    let error = Plot::new(&less, None).unwrap_err().to_string();
    assert_eq!(
        error,
        "tutorial/scenario.toml: `left_out` names `C9999999`, which is no case of this world"
    );
}
