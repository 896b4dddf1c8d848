use std::collections::BTreeSet;
use std::path::Path;

use super::*;
use crate::drill::clock::{Exercise, Inject};
use crate::drill::event::{Answered, Decision, Rating};
use crate::drill::play::Step;
use crate::drill::play::tests::tutorial;
use crate::drill::plot::{Matter, MatterId, Plot};
use crate::drill::scenario::{Entry, Happening, Scenario};

/// A drill that people play but for the last team, and helpers to let things happen.
struct Played {
    state: State<'static>,
}

impl Played {
    fn new() -> Self {
        let (scenario, plot) = tutorial();
        let bots = BTreeSet::from([scenario.teams.len() - 1]);
        Self { state: State::new(scenario, plot, bots) }
    }

    fn put(&mut self, by: &str, what: What) {
        let event = self.state.event(self.state.now(), by, what);
        self.state.apply(event);
    }

    /// Lets time pass, and whatever comes by itself happen.
    fn until(&mut self, at: Exercise) {
        self.state.tick(self.state.clock().wall_of(at));
        while let Some((at, step)) = self.state.due() {
            for what in self.state.happens(step) {
                let event = self.state.event(at, "host", what);
                self.state.apply(event);
            }
        }
    }

    fn start(&mut self) {
        self.put("trainer", What::Clock { command: Command::Start });
    }

    fn does(&self, by: &str, deed: Deed) -> Result<(String, What), Problem> {
        deed.check(&self.state, by)
    }

    /// Does it; a word where it is refused.
    fn done(&mut self, by: &str, deed: Deed) -> &'static str {
        match deed.check(&self.state, by) {
            Ok((by, what)) => {
                self.put(&by, what);
                ""
            }
            Err(problem) => problem.word(),
        }
    }

    fn first_of(&self, team: usize) -> &'static Matter {
        let (_, plot) = tutorial();
        plot.matters.iter().find(|one| one.team == team).unwrap()
    }
}

fn decide(team: &str, matter: MatterId, decision: Decision) -> Deed {
    Deed::Decide {
        team: team.to_owned(),
        matter,
        decision,
        confidence: 50,
        reason: "r".to_owned(),
        evidence: vec![],
    }
}

#[test]
fn a_team_decides_on_what_it_has_while_it_can() {
    let (scenario, _) = tutorial();
    let mut played = Played::new();
    let team = scenario.teams[0].agency.as_str();
    let matter = played.first_of(0);
    assert_eq!(played.done(team, decide(team, matter.id, Decision::Hold)), "EXERCISE_NOT_RUNNING");
    played.start();
    assert_eq!(played.done(team, decide(team, matter.id, Decision::Hold)), "MATTER_UNKNOWN");
    played.until(matter.arrives);
    let other = scenario.teams[1].agency.as_str();
    assert_eq!(played.done(other, decide(other, matter.id, Decision::Hold)), "MATTER_UNKNOWN");
    assert_eq!(played.done(team, decide("xx", matter.id, Decision::Hold)), "TEAM_UNKNOWN");
    assert_eq!(played.done(team, decide(team, matter.id, Decision::Freeze)), "DECISION_NOT_OPEN");
    let cite = Deed::Cite { matter: matter.id, evidence: vec!["ab".to_owned()] };
    assert_eq!(played.done(team, cite.clone()), "NOT_DECIDED");
    assert_eq!(played.done(team, decide(team, matter.id, Decision::Hold)), "");
    assert_eq!(played.done(team, cite), "");
    // What is held may be opened, and while it is opened nothing else is decided.
    assert_eq!(played.done(team, decide(team, matter.id, Decision::Inspect)), "");
    assert_eq!(
        played.done(team, decide(team, matter.id, Decision::Release)),
        "INSPECTION_UNDER_WAY"
    );
    played.until(Exercise(played.state.now().0 + 45_000));
    assert!(played.state.found(matter.id).is_some());
    assert_eq!(played.done(team, decide(team, matter.id, Decision::Seize)), "");
    assert_eq!(played.done(team, decide(team, matter.id, Decision::Release)), "SEIZED");
    played.until(Exercise(matter.leaves.0 + 1));
    assert_eq!(played.done(team, decide(team, matter.id, Decision::Hold)), "OUT_OF_REACH");
    played.put("trainer", What::Clock { command: Command::End });
    assert_eq!(played.done(team, decide(team, matter.id, Decision::Hold)), "DRILL_OVER");
}

#[test]
fn inspections_are_as_many_as_there_are() {
    let (scenario, plot) = tutorial();
    let mut played = Played::new();
    played.start();
    let team = scenario.teams[0].agency.as_str();
    let mine: Vec<&Matter> = plot.matters.iter().filter(|one| one.team == 0).collect();
    let per_shift = scenario.inspections.per_shift as usize;
    for matter in mine.iter().take(per_shift) {
        played.until(matter.arrives);
        assert_eq!(played.done(team, decide(team, matter.id, Decision::Inspect)), "");
    }
    let next = mine[per_shift];
    played.until(next.arrives);
    assert_eq!(played.done(team, decide(team, next.id, Decision::Inspect)), "NO_INSPECTION_LEFT");
    assert_eq!(played.done(team, decide(team, next.id, Decision::Hold)), "");
}

#[test]
fn a_matter_goes_to_people_and_never_to_a_bot() {
    let (scenario, _) = tutorial();
    let mut played = Played::new();
    played.start();
    let [team, other, bot] = [0, 1, 2].map(|place| scenario.teams[place].agency.as_str());
    let matter = played.first_of(0);
    played.until(matter.arrives);
    let give =
        |to: &str| Deed::HandOver { matter: matter.id, to: to.to_owned(), text: String::new() };
    assert_eq!(played.done(other, give(team)), "MATTER_UNKNOWN");
    assert_eq!(played.done(team, give(bot)), "TEAM_TAKES_NOTHING");
    assert_eq!(played.done(team, give(other)), "");
    assert_eq!(played.done(team, decide(team, matter.id, Decision::Hold)), "MATTER_UNKNOWN");
    assert_eq!(played.done(other, decide(other, matter.id, Decision::Hold)), "");
}

#[test]
fn injects_are_planned_anew_until_they_happened_and_withdrawn_even_then() {
    let (scenario, _) = tutorial();
    let mut played = Played::new();
    played.start();
    let row = |number: u32, seconds: u64| {
        let mut row = scenario.msel.entries[2].clone();
        (row.number, row.at) = (number, Exercise(seconds * 1_000));
        Deed::PutInject(Box::new(row))
    };
    let Ok((_, What::Planned { entry })) = played.does("trainer", row(0, 20)) else { panic!() };
    let highest = scenario.msel.entries.iter().map(|one| one.number).max().unwrap();
    assert_eq!(entry.number, highest + 1, "it is given a number");
    assert_eq!(played.done("trainer", row(0, 20)), "");
    assert_eq!(played.done("trainer", row(99, 20)), "INJECT_UNKNOWN");
    assert_eq!(played.done("trainer", row(entry.number, 25)), "");
    played.until(Exercise(24_999));
    assert_eq!(played.state.shown(entry.number), None);
    assert_eq!(played.done("trainer", row(entry.number, 10)), "CLOCK_REFUSED", "that is over");
    played.until(Exercise(25_000));
    assert_eq!(played.state.shown(entry.number), Some(Exercise(25_000)));
    assert_eq!(played.done("trainer", row(entry.number, 40)), "INJECT_HAPPENED");
    let back = |inject: u32| Deed::Withdraw { inject, reason: String::new() };
    assert_eq!(played.done("trainer", back(entry.number)), "");
    assert_eq!(played.done("trainer", back(entry.number)), "INJECT_UNKNOWN", "once");
    // One that is withdrawn before its time does not happen.
    assert_eq!(played.done("trainer", back(4)), "");
    played.until(Exercise(500_000));
    assert_eq!(played.state.shown(4), None);
    let trigger = Deed::Control(Command::Trigger(Inject(4)));
    assert_eq!(played.done("trainer", trigger), "CLOCK_REFUSED");
    let rate = |objective: &str| Deed::Rate {
        team: scenario.teams[0].agency.clone(),
        objective: objective.to_owned(),
        rating: Rating::P,
        reason: String::new(),
    };
    assert_eq!(played.done("evaluator", rate("O9")), "OBJECTIVE_UNKNOWN");
    assert_eq!(played.done("evaluator", rate("O1")), "");
}

#[test]
fn what_lasts_ends_after_its_minutes_or_when_it_is_withdrawn() {
    let (scenario, _) = tutorial();
    let mut played = Played::new();
    played.start();
    let row = |at: u64, minutes: Option<u32>| {
        let entry = Entry {
            number: 0,
            at: Exercise(at),
            kind: Happening::PeerDown,
            maximum_minutes: minutes,
            about: "vl-customs".to_owned(),
            check: None,
            ..scenario.msel.entries[2].clone()
        };
        Deed::PutInject(Box::new(entry))
    };
    assert_eq!(played.done("trainer", row(1_000, Some(2))), "");
    assert_eq!(played.done("trainer", row(2_000, None)), "");
    let numbers = |played: &Played| {
        let lasting = played.state.lasting();
        lasting.iter().map(|entry| entry.number).collect::<Vec<_>>()
    };
    played.until(Exercise(120_999));
    assert_eq!(numbers(&played), [5, 6]);
    played.until(Exercise(121_000));
    assert_eq!(numbers(&played), [6]);
    assert_eq!(played.done("trainer", Deed::Withdraw { inject: 6, reason: String::new() }), "");
    let turned = played.state.due().and_then(|(_, step)| played.state.turns(step));
    assert_eq!(turned.map(|(entry, on)| (entry.number, on)), Some((6, false)));
    assert!(numbers(&played).is_empty());
}

/// Everything that can be seen of where a drill stands. Bots' looks are no events: who comes back looks once more.
fn seen(state: &State<'_>) -> String {
    let matters = state.plot.matters.iter().map(|one| {
        (
            state.has_arrived(one.id),
            state.holder(one.id),
            state.decided(one.id),
            state.found(one.id),
        )
    });
    let injects = (0..20).map(|number| {
        (
            state.shown(number),
            state.is_withdrawn(number),
            state.met(number),
            state.row(number).cloned(),
        )
    });
    let left = (0..3).map(|team| state.inspections_left(team, state.now()));
    format!(
        "{:?} {:?} {:?} {:?} {:?} {:?}",
        state.now(),
        state.clock().agenda().collect::<Vec<_>>(),
        state.emergency(),
        matters.collect::<Vec<_>>(),
        injects.collect::<Vec<_>>(),
        left.collect::<Vec<_>>(),
    )
}

#[test]
fn who_reads_the_log_is_where_the_host_was_at_every_event() {
    let (scenario, plot) = tutorial();
    let mut played = Played::new();
    let mut then = vec![];
    played.start();
    let people = [scenario.teams[0].agency.as_str(), scenario.teams[1].agency.as_str()];
    for second in (0..400_u64).step_by(7) {
        played.until(Exercise(second * 1_000));
        let command = match second {
            70 => Some(Command::Speed(7)),
            140 => Some(Command::Jump),
            210 => Some(Command::PostponeAll(5_000)),
            _ => None,
        };
        if let Some(command) = command {
            assert_eq!(played.done("trainer", Deed::Control(command)), "");
        }
        let now = played.state.now();
        let open = plot.matters.iter().find(|one| {
            one.team < 2
                && now < one.leaves
                && played.state.has_arrived(one.id)
                && played.state.decided(one.id).is_none()
        });
        if let Some(matter) = open {
            let decision = if second % 2 == 0 { Decision::Inspect } else { Decision::Hold };
            let team = people[matter.team];
            played.done(team, decide(team, matter.id, decision));
        }
        if second == 280 {
            played.done("trainer", Deed::NoDuff("a fire".to_owned()));
            played.done("trainer", Deed::Control(Command::Resume));
        }
        // What a jump brought about.
        played.until(played.state.now());
        then.push((played.state.events.len(), played.state.clock().now().0, seen(&played.state)));
    }
    assert!(played.state.events.len() > 50, "{}", played.state.events.len());
    for (count, wall, was) in &then {
        let mut again = Played::new();
        for event in &played.state.events[..*count] {
            again.state.apply(event.clone());
        }
        // As long as the host had waited since its last event.
        again.state.tick(*wall);
        assert_eq!(&seen(&again.state), was, "after {count} events");
        // What has happened does not happen again.
        while let Some((_, step)) = again.state.due() {
            assert!(matches!(step, Step::Look(..) | Step::Overdue(_)), "{step:?} after {count}");
            assert_eq!(again.state.happens(step), [], "{step:?} after {count} events");
        }
    }
}

/// A host that is killed while it writes down what the gateway's log said writes only the rest once it is back.
#[test]
fn what_the_gateway_told_is_written_down_once_by_a_host_that_was_killed_meanwhile() {
    let scenario = Scenario::read(Path::new("tutorial")).unwrap();
    let plot = Plot::new(&scenario, None).unwrap();
    let players = vec![Player::People; scenario.teams.len()];
    let cast = Arc::new(Cast { scenario, plot, players });
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("events.jsonl");
    let refused = |entry| What::Refused { entry, to: "nv-customs".into(), reason: "CASE".into() };
    // The same twice is twice the same, once before the end and twice behind it.
    let last = || vec![refused(1), refused(2), refused(2), refused(3)];
    let before = State::new(&cast.scenario, &cast.plot, BTreeSet::new());
    let mut log = Log::create(&file).unwrap();
    let event = |number, what| Event { number, ..before.event(Exercise(9), "host", what) };
    let end = What::Clock { command: Command::End };
    let written = [event(0, refused(1)), event(1, end), event(2, refused(1)), event(3, refused(2))];
    log.append_all(&written).unwrap();
    drop(log);

    let (mut log, mut events) = Log::open(&file).unwrap();
    let (session, _inbox) = Session::new(cast.clone(), Clocks::of(&before));
    session.tell(&events);
    let asked = What::Asked {
        matter: None,
        of: String::new(),
        record_type: String::new(),
        answer: Answered::Refused { reason: "CASE".into() },
    };
    let unheard = vec![("nv-customs".to_owned(), asked.clone())];
    session.close(&mut log, &mut events, unheard, last()).unwrap();
    let told = |by: &str| -> Vec<What> {
        let events = session.events_from(2).into_iter().filter(|one| one.by == by);
        events.map(|one| one.what.clone()).collect()
    };
    assert_eq!((told("host"), told("nv-customs")), (last(), vec![asked]));
    assert_eq!(Log::open(&file).unwrap().1, events);
    assert_eq!(events.iter().map(|one| one.number).collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5, 6]);
    assert!(session.closed());
}
