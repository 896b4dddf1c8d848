//! Where a drill stands, as the one task has it that owns it.

use std::time::Duration;

use tokio::sync::oneshot;

use super::session::Request;
use super::{Bots, By, Clocks, Deed, Done, Problem, Session};
use crate::drill::clock::{Command, Exercise, State as Running, Wall};
use crate::drill::event::{Event, What};
use crate::drill::log::{Log, LogError};
use crate::drill::now::Now;
use crate::drill::play::{State, Step, Thought, after_inspection};
use crate::drill::plot::MatterId;
use crate::drill::smuggler::Off;

/// Whom to answer, and what.
pub(super) type Answer = (oneshot::Sender<Result<Done, Problem>>, Result<(u64, Exercise), Problem>);

/// Where a drill stands, its log, and what is not in it yet.
pub(super) struct Table<'t> {
    pub(super) state: State<'t>,
    pub(super) log: Log,
    fresh: Vec<Event>,
    session: &'t Session,
    begun: tokio::time::Instant,
    base: Wall,
    /// The moment of the story that the agencies were told last.
    told: Option<i64>,
    /// What they were told last that does not happen.
    hidden: Option<Off>,
}

impl<'t> Table<'t> {
    /// Time passes from now on.
    pub(super) fn new(state: State<'t>, log: Log, session: &'t Session) -> Self {
        let (begun, base) = (tokio::time::Instant::now(), state.clock().now().0);
        Self { state, log, fresh: vec![], session, begun, base, told: None, hidden: None }
    }

    fn wall(&self) -> Wall {
        let passed = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        Wall(self.base.0.saturating_add(passed))
    }

    /// When something will come by itself, at the latest in a minute.
    pub(super) fn wake(&self) -> tokio::time::Instant {
        let running = self.state.clock().state() == Running::Running;
        let end = self.state.scenario.length;
        let next = self.state.next().map_or(end, |next| next.min(end));
        let wall = self.state.clock().wall_of(next).0.saturating_sub(self.base.0);
        let soon = tokio::time::Instant::now() + Duration::from_secs(60);
        if running { (self.begun + Duration::from_millis(wall)).min(soon) } else { soon }
    }

    /// Tells watchers that time passes.
    pub(super) fn tell_time(&self) {
        self.session.tell_clocks(|clocks| *clocks = Clocks::of(&self.state));
    }

    /// Tells the agencies what time it is, where the story has moved on, and what does not happen, where that is something
    /// else now.
    pub(super) async fn set_now(&mut self, now: Option<&Now>) {
        let story = self.state.plot.story.world(self.state.now());
        let same = !self.changes_course() && self.told == Some(story);
        let Some(now) = now.filter(|_| !same) else { return };
        if self.changes_course() {
            now.hide(&self.state.off().hidden(self.state.plot));
        }
        match now.set_all(story).await {
            Ok(()) => (self.told, self.hidden) = (Some(story), Some(self.state.off().clone())),
            // Their records end earlier than they could: nothing is told too early, and the next beat tries again.
            Err(error) => {
                let error = format!("{error:#}");
                tracing::error!(error, "the exercise's now cannot be set");
            }
        }
    }

    /// Whether something else happens than the agencies were told.
    pub(super) fn changes_course(&self) -> bool {
        self.hidden.as_ref() != Some(self.state.off())
    }

    /// Whether a matter has come of which nobody has been told yet.
    pub(super) fn brings(&self) -> bool {
        self.fresh.iter().any(|event| matches!(event.what, What::Arrived { .. }))
    }

    /// Lets time pass: what has come by now, and the end.
    pub(super) fn pass(&mut self, bots: &Bots) {
        self.state.tick(self.wall());
        while let Some((at, step)) = self.state.due() {
            if at >= self.state.scenario.length {
                continue;
            }
            let by =
                if matches!(step, Step::Inject(_) | Step::Overdue(_)) { "trainer" } else { "host" };
            for what in self.state.happens(step) {
                self.put(at, by, what);
            }
            if let Some((entry, on)) = self.state.turns(step) {
                bots.turn(entry, on);
            }
            match step {
                Step::Look(id, look) if self.state.decided(id).is_none() => {
                    bots.look(&self.state, id, at, look);
                }
                Step::Found(id) => self.found(id),
                _ => {}
            }
        }
        let over = self.state.now() >= self.state.scenario.length;
        if over && self.state.clock().state() == Running::Running {
            let what = What::Clock { command: Command::End };
            self.put(self.state.scenario.length, "trainer", what);
        }
    }

    fn found(&mut self, id: MatterId) {
        let (matter, found) = (self.state.plot.matter(id), self.state.found(id));
        if let (Some(matter), Some(irregular)) = (matter, found) {
            let act = Some(after_inspection(matter, irregular));
            self.thought(id, Thought { act, ..Thought::default() });
        }
    }

    /// Takes what a bot thought. What it may not do any more it does not do.
    fn thought(&mut self, id: MatterId, thought: Thought) {
        let Some(matter) = self.state.plot.matter(id) else { return };
        for what in self.state.of_a_thought(id, thought) {
            let team = self.state.team(matter.team);
            let by = if matches!(what, What::Plan { .. }) { "host" } else { team };
            if let What::Decided { decision, .. } = &what
                && self.state.may_decide(matter.team, id, *decision).is_err()
            {
                continue;
            }
            self.put_now(by, what);
        }
    }

    /// Takes what somebody wants.
    pub(super) fn take(&mut self, request: Request, replies: &mut Vec<Answer>) {
        match request {
            Request::Do { by, deed, reply } => {
                let answer = self.carry_out(&by, deed);
                replies.push((reply, answer));
            }
            Request::Thought { matter, thought } => self.thought(matter, thought),
            // A bot may have been told of the plan meanwhile.
            Request::Observed { what: What::Plan { plan, .. }, .. }
                if self.state.knows_plan(&plan) => {}
            Request::Observed { team, what } => self.put_now(&team, what),
            Request::View(look) => look(&self.state),
        }
    }

    fn carry_out(&mut self, by: &By, deed: Deed) -> Result<(u64, Exercise), Problem> {
        let key = by.key();
        if let Some(before) = self.state.under(&key) {
            // Nothing is done twice; what is answered is what was done.
            let same = deed.is(before);
            let done = (before.number, before.exercise);
            return if same { Ok(done) } else { Err(Problem::KeyReused) };
        }
        let (role, what) = deed.check(&self.state, &by.role)?;
        let at = self.state.now();
        let mut event = self.state.event(at, &role, what);
        event.key = key;
        event.player = if role == by.role { by.player.clone() } else { "phone".to_owned() };
        let number = event.number;
        self.add(event);
        Ok((number, at))
    }

    /// Something happens now.
    pub(super) fn put_now(&mut self, by: &str, what: What) {
        self.put(self.state.now(), by, what);
    }

    fn put(&mut self, at: Exercise, by: &str, what: What) {
        let event = self.state.event(at, by, what);
        self.add(event);
    }

    fn add(&mut self, event: Event) {
        let at = event.exercise;
        self.fresh.push(event.clone());
        self.state.apply(event);
        self.follow(at);
    }

    /// What others do about what has just happened.
    pub(super) fn follow(&mut self, at: Exercise) {
        if let Some(what) = self.state.follows() {
            self.put(at, "smugglers", what);
        }
    }

    /// Writes down what is fresh, all with one write, and tells those who watch.
    pub(super) fn keep(&mut self) -> Result<(), LogError> {
        if self.fresh.is_empty() {
            return Ok(());
        }
        let fresh = std::mem::take(&mut self.fresh);
        tokio::task::block_in_place(|| self.log.append_all(&fresh))?;
        self.session.tell(&fresh);
        self.tell_time();
        Ok(())
    }
}
