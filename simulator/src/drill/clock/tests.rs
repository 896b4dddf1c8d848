use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

const MINUTE: u64 = 60_000;

fn started(plan: &[(u32, u64)]) -> Clock {
    let mut clock = Clock::default();
    for (inject, at) in plan {
        done(&mut clock, 0, Command::Plan(Inject(*inject), Exercise(*at)));
    }
    assert_eq!(done(&mut clock, 0, Command::Start), vec![]);
    clock
}

fn done(clock: &mut Clock, wall: u64, command: Command) -> Vec<Due> {
    let (due, done) = clock.apply(Wall(wall), command);
    assert_eq!(done, Ok(()), "{command:?}");
    due
}

fn refused(clock: &mut Clock, wall: u64, command: Command) -> Refused {
    let before = clock.clone();
    let (_, done) = clock.apply(Wall(wall), command);
    let mut after = before;
    after.advance(Wall(wall));
    assert_eq!(*clock, after, "{command:?} was refused and changed something");
    done.unwrap_err()
}

fn due(inject: u32, exercise: u64, wall: u64) -> Due {
    Due { inject: Inject(inject), exercise: Exercise(exercise), wall: Wall(wall) }
}

/// openaev #1395: "trigger now" after a pause came as much later as the pause had been long.
#[test]
fn a_pause_does_not_delay_what_is_triggered_after_it() {
    let mut clock = started(&[(1, 10 * MINUTE), (2, 20 * MINUTE)]);
    done(&mut clock, 5 * MINUTE, Command::Pause);
    done(&mut clock, 35 * MINUTE, Command::Resume);
    let triggered = done(&mut clock, 36 * MINUTE, Command::Trigger(Inject(2)));
    assert_eq!(triggered, [due(2, 6 * MINUTE, 36 * MINUTE)]);
    // And during it.
    done(&mut clock, 37 * MINUTE, Command::Pause);
    let triggered = done(&mut clock, 90 * MINUTE, Command::Trigger(Inject(1)));
    assert_eq!(triggered, [due(1, 7 * MINUTE, 90 * MINUTE)]);
}

/// openaev #1637, #2282: after a long pause injects were dropped as too old, or all came at once.
#[test]
fn after_a_pause_of_days_nothing_is_too_old_and_nothing_comes_early() {
    let mut clock = started(&[(1, 10 * MINUTE), (2, 20 * MINUTE)]);
    done(&mut clock, 5 * MINUTE, Command::Pause);
    let days = 3 * 1440 * MINUTE;
    assert_eq!((clock.wake(), clock.advance(Wall(days))), (None, vec![]));
    assert_eq!(done(&mut clock, days, Command::Resume), vec![]);
    assert_eq!(clock.wake(), Some(Wall(days + 5 * MINUTE)));
    assert_eq!(clock.advance(Wall(days + 5 * MINUTE - 1)), vec![]);
    assert_eq!(
        clock.advance(Wall(days + 60 * MINUTE)),
        [due(1, 10 * MINUTE, days + 5 * MINUTE), due(2, 20 * MINUTE, days + 15 * MINUTE)]
    );
}

#[test]
fn times_are_exact_to_the_millisecond_and_not_rounded_to_minutes() {
    let mut clock = started(&[(1, 59_999), (2, 60_001), (3, 7_200_001)]);
    assert_eq!(clock.wake(), Some(Wall(59_999)));
    assert_eq!(clock.advance(Wall(59_998)), vec![]);
    assert_eq!(clock.advance(Wall(59_999)), [due(1, 59_999, 59_999)]);
    // 60 times faster from here: the next is due within the first millisecond.
    assert_eq!(done(&mut clock, 60_000, Command::Speed(60)), vec![]);
    assert_eq!(clock.wake(), Some(Wall(60_001)));
    // 7,140,001 ms of exercise are 119,000 ms of the wall and a sixtieth of one.
    assert_eq!(
        clock.advance(Wall(999_999)),
        [due(2, 60_001, 60_001), due(3, 7_200_001, 60_000 + 119_001)]
    );
}

#[test]
fn every_command_does_what_it_says_and_where_it_cannot_it_says_why() {
    let mut clock = Clock::default();
    for command in [Command::Pause, Command::Resume, Command::Jump, Command::Trigger(Inject(1))] {
        assert_eq!(refused(&mut clock, 0, command), Refused::State(State::Ready), "{command:?}");
    }
    assert_eq!(refused(&mut clock, 0, Command::Speed(0)), Refused::Speed(0));
    assert_eq!(refused(&mut clock, 0, Command::Speed(3_601)), Refused::Speed(3_601));
    let beyond = Command::Plan(Inject(1), Exercise(LATEST.0 + 1));
    assert_eq!(refused(&mut clock, 0, beyond), Refused::TooFar);
    for (inject, at) in [(1, 0), (2, 500), (3, 500), (4, 900), (5, 2_000)] {
        done(&mut clock, 0, Command::Plan(Inject(inject), Exercise(at)));
    }
    // What is planned for the start comes with it.
    assert_eq!(done(&mut clock, 10_000, Command::Start), [due(1, 0, 10_000)]);
    assert_eq!(refused(&mut clock, 10_000, Command::Start), Refused::State(State::Running));
    let again = Command::Plan(Inject(1), Exercise(700));
    assert_eq!(refused(&mut clock, 10_100, again), Refused::Happened(Inject(1)));
    let over = Command::Plan(Inject(6), Exercise(99));
    assert_eq!(refused(&mut clock, 10_100, over), Refused::Over(Exercise(100)));
    assert_eq!(done(&mut clock, 10_100, Command::Jump), [due(2, 500, 10_100), due(3, 500, 10_100)]);
    assert_eq!(clock.exercise(Wall(10_150)), Exercise(550));
    done(&mut clock, 10_150, Command::PostponeAll(1_000));
    assert_eq!(
        clock.agenda().collect::<Vec<_>>(),
        [(Exercise(1_900), Inject(4)), (Exercise(3_000), Inject(5))]
    );
    assert_eq!(refused(&mut clock, 10_150, Command::PostponeAll(u64::MAX)), Refused::TooFar);
    done(&mut clock, 10_150, Command::Skip(Inject(4)));
    let gone = Refused::NotPlanned(Inject(4));
    assert_eq!(refused(&mut clock, 10_150, Command::Skip(Inject(4))), gone);
    assert_eq!(refused(&mut clock, 10_150, Command::Trigger(Inject(4))), gone);
    // What was skipped may be planned again.
    done(&mut clock, 10_150, Command::Plan(Inject(4), Exercise(600)));
    done(&mut clock, 10_150, Command::End);
    assert_eq!(clock.advance(Wall(99_999)), vec![]);
    assert_eq!(clock.exercise(Wall(99_999)), Exercise(550));
    assert_eq!(refused(&mut clock, 99_999, Command::Resume), Refused::State(State::Ended));
}

#[test]
fn a_wall_that_goes_back_changes_nothing() {
    let mut clock = started(&[(1, 100)]);
    assert_eq!(clock.advance(Wall(150)), [due(1, 100, 100)]);
    let before = clock.clone();
    assert_eq!(clock.advance(Wall(20)), vec![]);
    assert_eq!(clock, before);
}

/// The same, told by walking through every millisecond.
#[derive(Default)]
struct Model {
    running: bool,
    begun: bool,
    ended: bool,
    speed: u64,
    exercise: u64,
    wall: u64,
    planned: BTreeMap<u32, u64>,
    happened: Vec<Due>,
}

impl Model {
    fn look(&mut self) {
        while self.running {
            let next = self.planned.iter().filter(|(_, at)| **at <= self.exercise);
            let Some((inject, at)) = next.map(|(i, at)| (*i, *at)).min_by_key(|(i, at)| (*at, *i))
            else {
                return;
            };
            self.planned.remove(&inject);
            self.happened.push(due(inject, at, self.wall));
        }
    }

    fn walk(&mut self, to: u64) {
        while self.wall < to {
            self.wall += 1;
            if self.running {
                self.exercise += self.speed;
                self.look();
            }
        }
    }

    fn took(&self, inject: u32) -> bool {
        self.happened.iter().any(|due| due.inject.0 == inject)
    }

    fn now(&mut self, inject: u32) {
        self.planned.remove(&inject);
        self.happened.push(due(inject, self.exercise, self.wall));
    }

    /// Whether it was carried out.
    fn apply(&mut self, command: Command) -> bool {
        let playing = self.begun && !self.ended;
        let possible = !self.ended
            && match command {
                Command::Start => !self.begun,
                Command::Pause => playing && self.running,
                Command::Resume => playing && !self.running,
                Command::Speed(speed) => (1..=3_600).contains(&speed),
                Command::Jump => playing && !self.planned.is_empty(),
                Command::Trigger(inject) => playing && self.planned.contains_key(&inject.0),
                Command::Skip(inject) => self.planned.contains_key(&inject.0),
                Command::Plan(inject, at) => !self.took(inject.0) && at.0 >= self.exercise,
                Command::PostponeAll(_) | Command::End => true,
            };
        if !possible {
            return false;
        }
        match command {
            Command::Start => (self.begun, self.running) = (true, true),
            Command::Pause => self.running = false,
            Command::Resume => self.running = true,
            Command::Speed(speed) => self.speed = u64::from(speed),
            Command::Jump => {
                self.exercise = *self.planned.values().min().unwrap();
                let there: Vec<u32> = self
                    .planned
                    .iter()
                    .filter(|(_, at)| **at == self.exercise)
                    .map(|(inject, _)| *inject)
                    .collect();
                there.into_iter().for_each(|inject| self.now(inject));
            }
            Command::Trigger(inject) => self.now(inject.0),
            Command::Skip(inject) => {
                self.planned.remove(&inject.0);
            }
            Command::Plan(inject, at) => {
                self.planned.insert(inject.0, at.0);
            }
            Command::PostponeAll(by) => self.planned.values_mut().for_each(|at| *at += by),
            Command::End => (self.ended, self.running) = (true, false),
        }
        self.look();
        true
    }
}

fn command() -> impl Strategy<Value = Command> {
    let inject = (0_u32..6).prop_map(Inject);
    prop_oneof![
        3 => Just(Command::Start),
        2 => Just(Command::Pause),
        3 => Just(Command::Resume),
        2 => prop_oneof![1_u32..5, Just(60), Just(3_600), Just(0), Just(3_601)].prop_map(Command::Speed),
        2 => Just(Command::Jump),
        2 => inject.clone().prop_map(Command::Trigger),
        1 => inject.clone().prop_map(Command::Skip),
        6 => (inject, prop_oneof![0_u64..300, 0_u64..200_000])
            .prop_map(|(inject, at)| Command::Plan(inject, Exercise(at))),
        1 => (0_u64..500).prop_map(Command::PostponeAll),
        1 => prop_oneof![9 => Just(Command::Jump), 1 => Just(Command::End)],
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10_000, ..ProptestConfig::default() })]

    /// Whatever trainers do, in whatever order, and however seldom the host looks.
    #[test]
    fn any_sequence_of_commands_does_what_walking_through_every_millisecond_does(
        steps in proptest::collection::vec((0_u64..80, any::<bool>(), command()), 1..40)
    ) {
        let (mut clock, mut model) = (Clock::default(), Model { speed: 1, ..Model::default() });
        let (mut wall, mut happened) = (0, vec![]);
        for (passes, looks, command) in steps {
            wall += passes;
            if looks {
                happened.extend(clock.advance(Wall(wall - passes / 2)));
            }
            let (due, carried_out) = clock.apply(Wall(wall), command);
            happened.extend(due);
            model.walk(wall);
            prop_assert_eq!(model.apply(command), carried_out.is_ok(), "{:?}", command);
            prop_assert_eq!(&happened, &model.happened, "{:?}", command);
            prop_assert_eq!(clock.exercise(Wall(wall)), Exercise(model.exercise));
            let agenda: BTreeMap<u32, u64> = clock.agenda().map(|(at, inject)| (inject.0, at.0)).collect();
            prop_assert_eq!(&agenda, &model.planned);
        }
    }
}
