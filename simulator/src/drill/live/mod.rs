//! A drill with people: one task owns where it stands, and everybody else sends it requests. It lets time pass, writes
//! down what happens, and answers when what was done is on disk. Several requests that wait share one write.
//!
//! - `cast.rs`: what is played and by whom · `session.rs`: the way to it · `table.rs`: where it stands
//! - `deed.rs`: what people can do, and when they may; `bots.rs`: bots beside them, each team thinking for itself
//! - `past.rs`: what happened, and how things were then, for those who watch
//! - `observe.rs`: what people's teams asked, told by the gateway's log and not by them

mod bots;
mod cast;
mod deed;
mod observe;
mod past;
mod session;
mod table;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

pub use bots::Bots;
pub use cast::{Cast, Player};
pub use deed::{Deed, Problem};
pub use observe::{observe, unheard};
pub use past::Past;
pub use session::{By, Clocks, Done, Session};

use super::clock::{Command, State as Running};
use super::event::{Event, What};
use super::log::{Log, LogError};
use super::now::Now;
use super::play::{State, began};
use super::scenario::Happening;
use session::Request;
use table::Table;

/// Requests that are carried out with one write at most.
const TOGETHER: usize = 64;
/// How often the agencies are told what time it is, and watchers that time passes.
const BEAT: Duration = Duration::from_millis(250);

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
        let before = Clocks::of(&State::new(&cast.scenario, &cast.plot, cast.bots()));
        let (session, inbox) = Session::new(cast, before);
        // Before anybody looks at it: who watches the gateway's log has to know what was read from it already.
        session.tell(&events);
        Self { session, inbox, log, events, now }
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
        events.into_iter().for_each(|event| state.apply(event));
        let mut table = Table::new(state, log, &session);
        if resumed {
            // The host may have been killed between a decision and what followed from it.
            table.follow(table.state.now());
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
                _ = beat.tick() => {
                    table.tell_time();
                    table.set_now(now.as_deref()).await;
                }
            }
            table.pass(&bots);
            let mut replies = vec![];
            for request in batch.drain(..) {
                table.take(request, &mut replies);
            }
            // What a deed brought about at once, an inject that was triggered, comes with it.
            table.pass(&bots);
            if table.brings() || table.changes_course() {
                // Who is told of a matter can ask about it at once; of what does not happen nobody is told.
                table.set_now(now.as_deref()).await;
            }
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

#[cfg(test)]
mod tests;
