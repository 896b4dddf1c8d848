//! A drill with people: one task owns where it stands, and everybody else sends it requests. It lets time pass, writes
//! down what happens, and answers when what was done is on disk. Several requests that wait share one write.
//!
//! - `deed.rs`: what people can do, and when they may; `bots.rs`: bots beside them, each team thinking for itself
//! - `past.rs`: what happened, and how things were then, for those who watch
//! - `observe.rs`: what people's teams asked, told by the gateway's log and not by them

mod bots;
mod deed;
mod observe;
mod past;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, RwLock};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

pub use bots::Bots;
pub use deed::{Deed, Problem};
pub use observe::observe;
pub use past::Past;

use super::bot::Bot;
use super::clock::{Command, Exercise, State as Running, Wall};
use super::event::{Event, What};
use super::log::{Log, LogError};
use super::now::Now;
use super::play::{State, Step, Thought, after_inspection, began};
use super::plot::{MatterId, Plot};
use super::scenario::{Happening, Scenario};

/// Requests that are carried out with one write at most.
const TOGETHER: usize = 64;
/// How often the agencies are told what time it is, and watchers that time passes.
const BEAT: Duration = Duration::from_millis(250);

/// Who plays a team.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Player {
    /// People.
    People,
    /// A bot.
    Bot(Bot),
}

impl Player {
    /// As the event log has it.
    pub fn word(self) -> String {
        match self {
            Self::People => "people".to_owned(),
            Self::Bot(bot) => format!("bot:{}", bot.word()),
        }
    }

    /// From the log's word.
    pub fn parse(word: &str) -> Option<Self> {
        match word.strip_prefix("bot:") {
            Some(bot) => Bot::parse(bot).map(Self::Bot),
            None => (word == "people").then_some(Self::People),
        }
    }
}

/// What is played and by whom.
#[derive(Debug)]
pub struct Cast {
    /// The scenario.
    pub scenario: Scenario,
    /// Its plot.
    pub plot: Plot,
    /// Who plays each team, in the order of the teams.
    pub players: Vec<Player>,
}

impl Cast {
    fn bots(&self) -> BTreeSet<usize> {
        let bots = self.players.iter().enumerate();
        bots.filter(|(_, player)| matches!(player, Player::Bot(_))).map(|(at, _)| at).collect()
    }
}

/// The clocks at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clocks {
    /// Where the exercise is.
    pub state: Running,
    /// Whether it stands for a real emergency.
    pub emergency: bool,
    /// Exercise time.
    pub exercise: Exercise,
    /// Wall time.
    pub wall: Wall,
    /// So many times faster than the wall.
    pub speed: u32,
    /// Moment of the story, seconds since 1970.
    pub story: i64,
    /// Events so far.
    pub events: u64,
}

impl Clocks {
    fn of(state: &State<'_>) -> Self {
        Self {
            state: state.clock().state(),
            emergency: state.emergency(),
            exercise: state.now(),
            wall: state.clock().now().0,
            speed: state.clock().speed(),
            story: state.plot.story.world(state.now()),
            events: state.events.len() as u64,
        }
    }
}

/// What came of a deed.
#[derive(Debug, Clone, Copy)]
pub struct Done {
    /// Number of its event.
    pub event: u64,
    /// When, exercise time.
    pub exercise: Exercise,
    /// The clocks after it.
    pub clocks: Clocks,
}

type Look = Box<dyn FnOnce(&State<'_>) + Send>;

enum Request {
    Do { by: By, deed: Deed, reply: oneshot::Sender<Result<Done, Problem>> },
    Thought { matter: MatterId, thought: Thought },
    Observed { team: String, what: What },
    View(Look),
}

/// Who does something.
#[derive(Debug, Clone)]
pub struct By {
    /// A team's agency, `trainer` or `evaluator`.
    pub role: String,
    /// The system that called, for its keys.
    pub caller: String,
    /// Who of them.
    pub player: String,
    /// The call's key.
    pub key: String,
}

impl By {
    fn key(&self) -> String {
        if self.key.is_empty() { String::new() } else { format!("{}:{}", self.caller, self.key) }
    }
}

/// Everything that happened, for those who watch.
#[derive(Debug)]
struct Shared {
    told: RwLock<Past>,
    clocks: watch::Sender<Clocks>,
    closed: AtomicBool,
}

/// The way to a drill under way.
#[derive(Debug, Clone)]
pub struct Session {
    requests: mpsc::Sender<Request>,
    shared: Arc<Shared>,
    /// What is played and by whom.
    pub cast: Arc<Cast>,
}

impl Session {
    /// Does something, once it is allowed; on disk when this returns.
    ///
    /// # Errors
    /// As [`Problem`].
    pub async fn act(&self, by: By, deed: Deed) -> Result<Done, Problem> {
        let (reply, done) = oneshot::channel();
        let sent = self.requests.send(Request::Do { by, deed, reply }).await;
        sent.map_err(|_| Problem::Over)?;
        done.await.map_err(|_| Problem::Over)?
    }

    /// Looks at where the drill stands.
    ///
    /// # Errors
    /// When it is over.
    pub async fn view<T: Send + 'static>(
        &self,
        look: impl FnOnce(&State<'_>) -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let (reply, seen) = oneshot::channel();
        let view = Request::View(Box::new(move |state| {
            // Whoever asked may have gone away.
            let _ = reply.send(look(state));
        }));
        self.requests.send(view).await.map_err(|_| Problem::Over)?;
        seen.await.map_err(|_| Problem::Over)
    }

    /// Events from a number on.
    pub fn events_from(&self, number: u64) -> Vec<Arc<Event>> {
        self.past(|past| past.from(number))
    }

    /// What happened, and how things were when it did.
    pub fn past<T: Default>(&self, look: impl FnOnce(&Past) -> T) -> T {
        // Whoever wrote to it cannot have failed half way: it takes whole events.
        self.shared.told.read().map(|past| look(&past)).unwrap_or_default()
    }

    /// Whether nobody can do anything any more.
    pub fn is_over(&self) -> bool {
        self.requests.is_closed()
    }

    /// Whether the log is closed: nothing more comes.
    pub fn closed(&self) -> bool {
        self.shared.closed.load(Ordering::Acquire)
    }

    /// Adds what the gateway's log says to the log of a drill that has ended, and closes it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn close(
        &self,
        log: &mut Log,
        events: &mut Vec<Event>,
        last: Vec<What>,
    ) -> Result<(), LogError> {
        let (wall, exercise) =
            events.last().map(|one| (one.wall, one.exercise)).unwrap_or_default();
        let numbers = events.len() as u64..;
        let last = numbers.zip(last).map(|(number, what)| Event {
            number,
            wall,
            exercise,
            by: "host".to_owned(),
            player: String::new(),
            key: String::new(),
            what,
        });
        let last: Vec<Event> = last.collect();
        log.append_all(&last)?;
        self.tell(&last);
        events.extend(last);
        self.shared.closed.store(true, Ordering::Release);
        self.shared.clocks.send_modify(|clocks| clocks.events = events.len() as u64);
        Ok(())
    }

    fn tell(&self, fresh: &[Event]) {
        if let Ok(mut past) = self.shared.told.write() {
            fresh.iter().for_each(|event| past.add(event));
        }
    }

    /// The clocks, and word of every change.
    pub fn clocks(&self) -> watch::Receiver<Clocks> {
        self.shared.clocks.subscribe()
    }

    async fn thought(&self, matter: MatterId, thought: Thought) {
        // A drill that is over has no use for it.
        let _ = self.requests.send(Request::Thought { matter, thought }).await;
    }

    async fn observed(&self, team: &str, what: What) -> bool {
        self.requests.send(Request::Observed { team: team.to_owned(), what }).await.is_ok()
    }
}

/// A drill that is run.
pub struct Live {
    session: Session,
    inbox: mpsc::Receiver<Request>,
    log: Log,
    events: Vec<Event>,
    now: Option<Arc<Now>>,
}

impl Live {
    /// A drill with its log; `events` are those of a host that was killed, none of a new one. `now`: what time it is for
    /// the agencies' records.
    pub fn new(cast: Arc<Cast>, log: Log, events: Vec<Event>, now: Option<Arc<Now>>) -> Self {
        let (requests, inbox) = mpsc::channel(1_024);
        let state = State::new(&cast.scenario, &cast.plot, cast.bots());
        let (clocks, _) = watch::channel(Clocks::of(&state));
        let past = Past::new(&cast.scenario, &cast.plot);
        let shared = Shared { told: RwLock::new(past), clocks, closed: AtomicBool::new(false) };
        let shared = Arc::new(shared);
        Self { session: Session { requests, shared, cast }, inbox, log, events, now }
    }

    /// The way to it.
    pub fn session(&self) -> Session {
        self.session.clone()
    }

    /// Runs until the exercise is over, or until `stop`: the log, and everything that happened. `start`: let it begin by
    /// itself, so many times faster than the wall.
    ///
    /// # Errors
    /// When the log cannot be written: nothing goes on that could not be proven.
    pub async fn run(
        self,
        bots: Bots,
        start: Option<u32>,
        stop: CancellationToken,
    ) -> Result<(Log, Vec<Event>), LogError> {
        let Self { session, mut inbox, log, events, now } = self;
        let cast = session.cast.clone();
        let mut state = State::new(&cast.scenario, &cast.plot, cast.bots());
        let resumed = !events.is_empty();
        session.tell(&events);
        events.into_iter().for_each(|event| state.apply(event));
        let begun = tokio::time::Instant::now();
        let base = state.clock().now().0;
        let mut table = Table { base, begun, state, log, fresh: vec![], session: &session };
        if resumed {
            // What an agreement's party signed was kept by the gateway.
            let lasting = table.state.lasting().into_iter();
            lasting
                .filter(|entry| entry.kind != Happening::AgreementSuspended)
                .for_each(|entry| bots.turn(entry, true));
            table.put_now("host", What::Resumed);
        } else {
            let players = cast.players.iter().map(|player| player.word()).collect();
            let first = began(&table.state, players);
            table.put_now("host", first);
            if let Some(speed) = start {
                for command in [Command::Speed(speed), Command::Start] {
                    table.put_now("trainer", What::Clock { command });
                }
            }
        }
        table.keep()?;
        let mut beat = tokio::time::interval(BEAT);
        beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut batch = Vec::with_capacity(TOGETHER);
        while table.state.clock().state() != Running::Ended {
            let wake = table.wake();
            tokio::select! {
                () = stop.cancelled() => break,
                count = inbox.recv_many(&mut batch, TOGETHER) => if count == 0 { break },
                () = tokio::time::sleep_until(wake) => {}
                _ = beat.tick() => table.tell_time(now.as_ref()),
            }
            table.pass(&bots);
            let mut replies = vec![];
            for request in batch.drain(..) {
                table.take(request, &mut replies);
            }
            // What a deed brought about at once, an inject that was triggered, comes with it.
            table.pass(&bots);
            table.keep()?;
            let clocks = Clocks::of(&table.state);
            for (reply, answer) in replies {
                let answer = answer.map(|(event, exercise)| Done { event, exercise, clocks });
                // Whoever asked may have gone away.
                let _ = reply.send(answer);
            }
        }
        Ok((table.log, table.state.events))
    }
}

type Answer = (oneshot::Sender<Result<Done, Problem>>, Result<(u64, Exercise), Problem>);

/// Where a drill stands, its log, and what is not in it yet.
struct Table<'t> {
    state: State<'t>,
    log: Log,
    fresh: Vec<Event>,
    session: &'t Session,
    begun: tokio::time::Instant,
    base: Wall,
}

impl Table<'_> {
    fn wall(&self) -> Wall {
        let passed = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        Wall(self.base.0.saturating_add(passed))
    }

    /// When something will come by itself, at the latest in a minute.
    fn wake(&self) -> tokio::time::Instant {
        let running = self.state.clock().state() == Running::Running;
        let end = self.state.scenario.length;
        let next = self.state.next().map_or(end, |next| next.min(end));
        let wall = self.state.clock().wall_of(next).0.saturating_sub(self.base.0);
        let soon = tokio::time::Instant::now() + Duration::from_secs(60);
        if running { (self.begun + Duration::from_millis(wall)).min(soon) } else { soon }
    }

    fn tell_time(&self, now: Option<&Arc<Now>>) {
        self.session.shared.clocks.send_replace(Clocks::of(&self.state));
        if let Some(now) = now.cloned() {
            let story = self.state.plot.story.world(self.state.now());
            tokio::spawn(async move {
                if let Err(error) = now.set_all(story).await {
                    let error = format!("{error:#}");
                    tracing::error!(error, "the exercise's now cannot be set");
                }
            });
        }
    }

    /// Lets time pass: what has come by now, and the end.
    fn pass(&mut self, bots: &Bots) {
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

    fn take(&mut self, request: Request, replies: &mut Vec<Answer>) {
        match request {
            Request::Do { by, deed, reply } => {
                let answer = self.carry_out(&by, deed);
                replies.push((reply, answer));
            }
            Request::Thought { matter, thought } => self.thought(matter, thought),
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

    fn put_now(&mut self, by: &str, what: What) {
        self.put(self.state.now(), by, what);
    }

    fn put(&mut self, at: Exercise, by: &str, what: What) {
        let event = self.state.event(at, by, what);
        self.add(event);
    }

    fn add(&mut self, event: Event) {
        self.fresh.push(event.clone());
        self.state.apply(event);
    }

    /// Writes down what is fresh, all with one write, and tells those who watch.
    fn keep(&mut self) -> Result<(), LogError> {
        if self.fresh.is_empty() {
            return Ok(());
        }
        let fresh = std::mem::take(&mut self.fresh);
        tokio::task::block_in_place(|| self.log.append_all(&fresh))?;
        self.session.tell(&fresh);
        self.session.shared.clocks.send_replace(Clocks::of(&self.state));
        Ok(())
    }
}

#[cfg(test)]
mod tests;
