//! The way to a drill under way: what is wanted of it goes in, what happened comes out.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, RwLock};

use tokio::sync::{mpsc, oneshot, watch};

use super::{Cast, Deed, Past, Problem};
use crate::drill::clock::{Command, Exercise, State as Running, Wall};
use crate::drill::event::{Event, What};
use crate::drill::log::{Log, LogError};
use crate::drill::play::{State, Thought};
use crate::drill::plot::MatterId;

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
    pub(super) fn of(state: &State<'_>) -> Self {
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

/// What is wanted of a drill.
pub(super) enum Request {
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
    pub(super) fn key(&self) -> String {
        if self.key.is_empty() { String::new() } else { format!("{}:{}", self.caller, self.key) }
    }
}

/// Everything that happened, for those who watch.
#[derive(Debug)]
struct Shared {
    told: RwLock<Past>,
    clocks: watch::Sender<Clocks>,
    closed: AtomicBool,
    /// What the gateways' logs tell so far; it goes into the log when it is closed.
    gauged: RwLock<Vec<What>>,
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
    /// A session of this cast, and what is wanted of it. `clocks`: before anything happened.
    pub(super) fn new(cast: Arc<Cast>, clocks: Clocks) -> (Self, mpsc::Receiver<Request>) {
        let (requests, inbox) = mpsc::channel(1_024);
        let told = RwLock::new(Past::new(&cast.scenario, &cast.plot));
        let (clocks, _) = watch::channel(clocks);
        let shared = Arc::new(Shared {
            told,
            clocks,
            closed: AtomicBool::new(false),
            gauged: RwLock::default(),
        });
        (Self { requests, shared, cast }, inbox)
    }

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

    /// Adds what teams asked that nobody had heard of, and what the gateway's log says, to the log of a drill that has ended,
    /// and closes it. What a host that was killed meanwhile had added already is not added again.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn close(
        &self,
        log: &mut Log,
        events: &mut Vec<Event>,
        asked: Vec<(String, What)>,
        last: Vec<What>,
    ) -> Result<(), LogError> {
        let time = events.last().map(|one| (one.wall, one.exercise)).unwrap_or_default();
        let last = missing(events, last).into_iter().map(by_the_host);
        let numbers = events.len() as u64..;
        let last: Vec<Event> = after(numbers, time, asked.into_iter().chain(last)).collect();
        log.append_all(&last)?;
        self.tell(&last);
        events.extend(last);
        self.shared.closed.store(true, Ordering::Release);
        self.tell_clocks(|clocks| clocks.events = events.len() as u64);
        Ok(())
    }

    /// Everything that happened, and what the gateways' logs tell so far as if the drill had ended: what scores are of.
    pub fn so_far(&self) -> Vec<Event> {
        let mut events: Vec<Event> =
            self.events_from(0).iter().map(|event| (**event).clone()).collect();
        let gauged = self.shared.gauged.read().map(|gauged| gauged.clone()).unwrap_or_default();
        let last = events.last().map(|one| (one.wall, one.exercise)).unwrap_or_default();
        if !self.closed() {
            let numbers = events.len() as u64..;
            events.extend(after(numbers, last, gauged.into_iter().map(by_the_host)));
        }
        events
    }

    /// Takes what the gateways' logs tell so far. Plans are written down at once: whoever applied them may forget them.
    pub async fn gauge(&self, told: Vec<What>) {
        let (plans, rest): (Vec<What>, Vec<What>) =
            told.into_iter().partition(|what| matches!(what, What::Plan { .. }));
        for plan in plans {
            // A drill that is over hears of it when its log is closed.
            self.observed("host", plan).await;
        }
        if let Ok(mut gauged) = self.shared.gauged.write() {
            *gauged = rest;
        }
    }

    pub(super) fn tell(&self, fresh: &[Event]) {
        if let Ok(mut past) = self.shared.told.write() {
            fresh.iter().for_each(|event| past.add(event));
        }
    }

    pub(super) fn tell_clocks(&self, change: impl FnOnce(&mut Clocks)) {
        self.shared.clocks.send_modify(change);
    }

    /// The clocks, and word of every change.
    pub fn clocks(&self) -> watch::Receiver<Clocks> {
        self.shared.clocks.subscribe()
    }

    pub(super) async fn thought(&self, matter: MatterId, thought: Thought) {
        // A drill that is over has no use for it.
        let _ = self.requests.send(Request::Thought { matter, thought }).await;
    }

    pub(super) async fn observed(&self, team: &str, what: What) -> bool {
        self.requests.send(Request::Observed { team: team.to_owned(), what }).await.is_ok()
    }
}

fn by_the_host(what: What) -> (String, What) {
    ("host".to_owned(), what)
}

/// Events at one moment.
fn after(
    numbers: std::ops::RangeFrom<u64>,
    (wall, exercise): (Wall, Exercise),
    all: impl Iterator<Item = (String, What)>,
) -> impl Iterator<Item = Event> {
    numbers.zip(all).map(move |(number, (by, what))| Event {
        number,
        wall,
        exercise,
        by,
        player: String::new(),
        key: String::new(),
        what,
    })
}

/// What of this does not stand in the log yet. Its end is written once, and only what follows an end counts: the same may
/// have happened twice before.
fn missing(events: &[Event], mut last: Vec<What>) -> Vec<What> {
    let ended = |event: &Event| matches!(event.what, What::Clock { command: Command::End });
    let after = events.iter().rposition(ended).map_or(events.len(), |at| at + 1);
    for event in events.iter().skip(after) {
        if let Some(at) = last.iter().position(|what| *what == event.what) {
            last.remove(at);
        }
    }
    last
}
