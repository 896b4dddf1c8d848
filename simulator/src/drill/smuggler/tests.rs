mod live;

use std::path::Path;
use std::sync::OnceLock;

use super::*;
use crate::drill::bot::Bot;
use crate::drill::candid::Candid;
use crate::drill::desk::Ask;
use crate::drill::event::Answered;
use crate::drill::play::State;
use crate::drill::play::tests::played;
use crate::drill::playbook::Lead;
use crate::drill::scenario::Scenario;
use crate::drill::score::score;

fn hour() -> &'static (Scenario, Plot) {
    static MADE: OnceLock<(Scenario, Plot)> = OnceLock::new();
    MADE.get_or_init(|| {
        let scenario = Scenario::read(Path::new("five-agencies")).unwrap();
        let plot = Plot::new(&scenario, None).unwrap();
        (scenario, plot)
    })
}

async fn game(bot: Bot) -> Vec<Event> {
    let (scenario, plot) = hour();
    played(scenario, plot, &vec![bot; scenario.teams.len()]).await
}

/// Events of a change of course, each with what came before it.
fn changes(events: &[Event]) -> Vec<(usize, MatterId, &str, &str)> {
    let told = |(place, event): (usize, &'_ Event)| match &event.what {
        What::Rerouted { after, case, to } => Some((place, *after, case.clone(), to.clone())),
        _ => None,
    };
    let all: Vec<_> = events.iter().enumerate().filter_map(told).collect();
    all.into_iter()
        .map(|(place, after, case, to)| {
            let id = |id: &str| hour().1.cases.iter().find(|one| one.id == id).unwrap().id.as_str();
            (place, after, id(&case), id(&to))
        })
        .collect()
}

fn case(id: &str) -> &'static PlotCase {
    hour().1.cases.iter().find(|case| case.id == id).unwrap()
}

#[tokio::test]
async fn where_a_team_stops_a_case_the_next_one_that_would_pass_by_it_goes_another_way() {
    let (scenario, plot) = hour();
    assert!(
        follow(scenario, plot, Bot::Good).await > 0,
        "the seed was chosen so that there is one"
    );
    // A larger reserve, and whoever holds everything: stops at every team, and not a way around each.
    let mut scenario = scenario.clone();
    scenario.reserve =
        [("T01", 2), ("T04", 1), ("T23", 1)].map(|(id, n)| (id.to_owned(), n)).into();
    let plot = Plot::new(&scenario, None).unwrap();
    assert_eq!(plot.cases.iter().filter(|case| case.reserve).count(), 3);
    assert!(follow(&scenario, &plot, Bot::HoldEverything).await > 1);
    assert!(follow(&scenario, &plot, Bot::Oracle).await > 1);
}

/// Looks at all changes of course of a game: how many there were.
async fn follow(scenario: &Scenario, plot: &Plot, bot: Bot) -> usize {
    let events = played(scenario, plot, &vec![bot; scenario.teams.len()]).await;
    let changes = changes(&events);
    let case = |id: &str| plot.cases.iter().find(|case| case.id == id).unwrap();
    let mut stopped_before = BTreeSet::new();
    let count = changes.len();
    for (place, after, given_up, to) in changes {
        let stop = &events[place - 1];
        let now = stop.exercise;
        assert_eq!((events[place].by.as_str(), events[place].exercise), ("smugglers", now));
        assert!(
            matches!(&stop.what, What::Decided { matter, decision, .. } if *matter == after && decision.stops())
        );
        let stopped = plot.matter(after).unwrap();
        let Truth::Case(of) = stopped.truth else { panic!("{after:?}") };
        assert!(stopped_before.insert(of), "{after:?} is of a case that was stopped before");
        let team = scenario.teams[stopped.team].agency.as_str();
        let (given_up, to) = (case(given_up), case(to));
        assert!(given_up.traces.iter().any(|trace| trace.agency == team));
        assert!(to.reserve && to.traces.iter().all(|trace| trace.agency != team));
        // Nobody has seen anything of either.
        assert!(given_up.begins > now && to.begins > now);
        assert!(given_up.begins <= given_up.first && to.begins <= to.first);
        let came = |case: &PlotCase| {
            let came = |event: &&Event| matches!(&event.what, What::Arrived { matter } if case.matters.contains(matter));
            events.iter().filter(came).count()
        };
        // What they fall back on may be given up in its turn, as long as nothing of it has begun.
        let later = events.iter().skip(place + 1).any(|event| gives_up(event, &to.id));
        let coming = if later { 0 } else { to.matters.len() };
        assert_eq!((came(given_up), came(to)), (0, coming));
    }
    count
}

/// Decisions to hold matters, in this order, before anything has begun: the rule knows no other time than theirs.
fn stopped(matters: &[MatterId]) -> Vec<Event> {
    let held = |(number, id): (u64, &MatterId)| Event {
        number,
        exercise: Exercise(0),
        by: String::new(),
        wall: crate::drill::clock::Wall(0),
        player: String::new(),
        key: String::new(),
        what: What::Decided {
            matter: *id,
            decision: crate::drill::event::Decision::Hold,
            confidence: 90,
            reason: String::new(),
            evidence: vec![],
        },
    };
    (0..).zip(matters).map(held).collect()
}

#[test]
fn there_is_no_way_around_where_every_one_leads_past_the_team_and_a_case_is_stopped_once() {
    let (mut around, mut none, mut twice) = (0, 0, 0);
    for scheme in ["T01", "T04"] {
        let counts = only(scheme);
        (around, none, twice) = (around + counts[0], none + counts[1], twice + counts[2]);
    }
    assert!(around > 0 && none > 0 && twice > 0, "{around} {none} {twice}");
}

/// Stops each matter of each case where one case of a scheme is all the reserve: how often there was a way around, how often
/// there was none, and how often a second stop of the same case would have made them take one.
fn only(scheme: &str) -> [usize; 3] {
    let mut scenario = hour().0.clone();
    scenario.reserve = [(scheme.to_owned(), 1)].into();
    let plot = Plot::new(&scenario, None).unwrap();
    let teams = &scenario.teams;
    let off = Off::first(&plot);
    let (mut around, mut none, mut twice) = (0, 0, 0);
    for case in plot.cases.iter().filter(|case| !case.reserve) {
        for (place, matter) in case.matters.iter().enumerate() {
            let told = reroutes(&plot, &off, teams, &stopped(&[*matter]));
            let at = plot.matter(*matter).unwrap();
            let passes = |one: &PlotCase| {
                one.traces.iter().any(|trace| trace.agency == teams[at.team].agency)
            };
            let later = |one: &PlotCase| one.begins > Exercise(0);
            let planned = plot
                .cases
                .iter()
                .any(|one| one.id != case.id && !one.reserve && later(one) && passes(one));
            let ready = || plot.cases.iter().filter(|one| one.reserve && later(one));
            assert_eq!(told.is_some(), planned && ready().any(|one| !passes(one)), "{matter:?}");
            none += usize::from(planned && ready().any(passes) && told.is_none());
            if let Some(What::Rerouted { to, .. }) = &told {
                around += 1;
                assert!(!passes(plot.cases.iter().find(|one| one.id == *to).unwrap()));
            }
            // Whoever stops more of the same case teaches them nothing new.
            if let Some(first) = place.checked_sub(1).and_then(|first| case.matters.get(first)) {
                let again = reroutes(&plot, &off, teams, &stopped(&[*first, *matter]));
                assert_eq!(again, None);
                twice += usize::from(told.is_some());
            }
        }
    }
    [around, none, twice]
}

#[tokio::test]
async fn nothing_is_given_up_where_nothing_is_stopped_and_the_reserve_does_not_come() {
    let (scenario, plot) = hour();
    let events = game(Bot::Silent).await;
    assert!(changes(&events).is_empty());
    let arrived = |case: &PlotCase| {
        events.iter().any(|event| matches!(&event.what, What::Arrived { matter } if case.matters.contains(matter)))
    };
    for case in &plot.cases {
        assert_eq!(arrived(case), !case.reserve, "{}", case.id);
    }
    let scored = score(scenario, plot, &events);
    let reserve = plot.cases.iter().filter(|case| case.reserve).count();
    assert_eq!(scored.happened(), plot.cases.len() - reserve);
    // What never came is nothing that anybody failed to decide on.
    let coming = events.iter().filter(|event| matches!(event.what, What::Arrived { .. })).count();
    assert!((scored.all.decided.denominator - coming as f64).abs() < 0.5);
}

#[tokio::test]
async fn where_smugglers_are_follows_from_the_log_alone() {
    let (scenario, plot) = hour();
    let events = game(Bot::Good).await;
    let mut state = State::new(scenario, plot, (0..scenario.teams.len()).collect());
    for event in &events {
        let due = state.follows();
        let is = matches!(event.what, What::Rerouted { .. }).then(|| event.what.clone());
        assert_eq!(due, is, "{}", event.number);
        state.apply(event.clone());
    }
    assert_eq!(*state.off(), Off::of(plot, &events));
    assert_ne!(*state.off(), Off::first(plot));
}

#[tokio::test]
async fn nobody_is_told_a_record_of_what_does_not_happen() {
    let (_, plot) = hour();
    let reserve = plot.cases.iter().find(|case| case.reserve).unwrap();
    let off = Off::first(plot);
    let hidden = off.hidden(plot);
    // Not its traces alone: a consignment leaves more behind than what shows its case.
    assert!(reserve.rows.len() > reserve.traces.len());
    for trace in &reserve.traces {
        assert!(reserve.rows.contains(&trace.at), "{}", trace.record);
    }
    let late = plot.story.world(Exercise(u64::MAX));
    let told = async |hidden: &Hidden, at: At| {
        let mut candid = Candid::new(plot);
        candid.hide(hidden).await;
        let (of, number) = plot.whose(at);
        let lead = Lead { of, table: at.table, tests: vec![], fields: &["*"] };
        let path = at.table.columns().iter().find(|column| column.name == "id").unwrap().path;
        let reply = candid.ask("somebody", &lead, late).await;
        assert!(matches!(reply.answered, Answered::Records { .. }));
        reply.found.unwrap().iter().any(|row| row.get(path) == Some(&number))
    };
    for at in reserve.rows.iter().filter(|at| plot.known(**at) > plot.story.world(Exercise(0))) {
        assert!(!told(&hidden, *at).await, "{:?}", plot.whose(*at));
        assert!(told(&Hidden::default(), *at).await, "{:?}", plot.whose(*at));
    }
}

#[test]
fn no_case_holds_the_records_of_another() {
    let (_, plot) = hour();
    let mut of = BTreeMap::new();
    let begun = plot.story.world(Exercise(0));
    for case in &plot.cases {
        for at in case.rows.iter().filter(|at| plot.known(**at) > begun) {
            let other = of.insert(*at, &case.id);
            assert_eq!(other, None, "{:?} is of {} too", plot.whose(*at), case.id);
        }
    }
}
