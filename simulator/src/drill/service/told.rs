//! What each may see of what happens.

use portcullis_proto::drill::v1 as wire;
use tokio::sync::mpsc;
use tonic::Status;
use wire::watch_response::News;

use super::words::{clock, exercise};
use super::{Role, Told, Who};
use crate::drill::clock::Command;
use crate::drill::event::{Answered, Event, What};
use crate::drill::live::{Cast, Past, Session};
use crate::drill::plot::MatterId;

/// How often the clock is told where nothing else is.
const EVERY: std::time::Duration = std::time::Duration::from_secs(1);
/// Messages that wait for somebody who reads slowly; then they wait for them.
const AHEAD: usize = 64;

/// Everything from an event on that somebody may see, and the clock.
pub(super) fn watch(session: Session, who: Who, from: u64) -> Told {
    let (sender, receiver) = mpsc::channel(AHEAD);
    tokio::spawn(async move {
        // Whoever watched has gone away.
        let _ = tell(session, who, from, sender).await;
    });
    Box::pin(tokio_stream::wrappers::ReceiverStream::new(receiver))
}

type Sender = mpsc::Sender<Result<wire::WatchResponse, Status>>;

async fn tell(
    session: Session,
    who: Who,
    mut next: u64,
    sender: Sender,
) -> Result<(), mpsc::error::SendError<Result<wire::WatchResponse, Status>>> {
    let mut clocks = session.clocks();
    let mut told = None;
    loop {
        let now = *clocks.borrow_and_update();
        for event in session.events_from(next) {
            next = event.number + 1;
            if let Some(happened) = seen(&event, &who, &session) {
                let news = Some(News::Event(happened));
                sender.send(Ok(wire::WatchResponse { news })).await?;
            }
        }
        let state = (now.state, now.emergency, now.speed);
        let second = now.wall.0 / 1_000;
        if told != Some((state, second)) {
            told = Some((state, second));
            let news = Some(News::Clock(clock(&now)));
            sender.send(Ok(wire::WatchResponse { news })).await?;
        }
        // The last word of a drill comes after its log was closed: until then more may come.
        let closed = session.closed();
        if closed && session.events_from(next).is_empty() {
            return Ok(());
        }
        tokio::select! {
            changed = clocks.changed() => if changed.is_err() { return Ok(()) },
            () = tokio::time::sleep(EVERY) => {}
            () = sender.closed() => return Ok(()),
        }
    }
}

/// An event as somebody may see it; `None` where it is not for them.
pub(super) fn seen(event: &Event, who: &Who, session: &Session) -> Option<wire::Happened> {
    session.past(|past| {
        let may = match who.role {
            Role::Player(place) => is_for(event, place, who, &session.cast, past),
            Role::Trainer | Role::Evaluator | Role::Observer => true,
        };
        may.then(|| Telling { event, cast: &session.cast, past }.told())
    })
}

/// Whether an event is for a player of the team at a place.
fn is_for(event: &Event, place: usize, who: &Who, cast: &Cast, past: &Past) -> bool {
    let own = event.by == who.name;
    let me = |name: &str| name == "ALL" || name == who.name;
    let mine = |id: MatterId| cast.plot.matter(id).is_some_and(|one| one.team == place);
    // Whom an inject is for is said by its row as it was when it happened.
    let injected =
        |number: u32| past.row(number, event.number).is_some_and(|entry| me(&entry.receiver));
    match &event.what {
        What::Began { .. } | What::Ended { .. } | What::Resumed | What::NoDuff { .. } => true,
        What::Clock { command } => {
            !matches!(command, Command::Trigger(_) | Command::Skip(_) | Command::Plan(..))
        }
        What::Inject { inject } => injected(*inject),
        What::Withdrawn { inject, .. } => {
            past.was_shown(*inject, event.number) && injected(*inject)
        }
        What::Arrived { matter } => mine(*matter),
        What::Inspected { matter, .. } => past.holder(*matter, event.number) == Some(place),
        What::Asked { .. } | What::Decided { .. } | What::Cited { .. } => own,
        What::HandedOver { to, .. } => own || me(to),
        What::Message { to, .. } => own || me(to),
        What::Planned { .. }
        | What::Rerouted { .. }
        | What::Plan { .. }
        | What::Disclosed { .. }
        | What::Received { .. }
        | What::Refused { .. }
        | What::Release { .. }
        | What::Remark { .. }
        | What::Rated { .. } => false,
    }
}

struct Telling<'t> {
    event: &'t Event,
    cast: &'t Cast,
    past: &'t Past,
}

impl Telling<'_> {
    fn told(&self) -> wire::Happened {
        let event = self.event;
        let mut told = wire::Happened {
            number: event.number,
            exercise: exercise(event.exercise),
            by: event.by.clone(),
            ..wire::Happened::default()
        };
        let number = |id: &MatterId| id.0 + 1;
        let (kind, text) = match &event.what {
            What::Began { .. } => ("began", "the drill is ready".to_owned()),
            What::Resumed => ("resumed", "the host is back".to_owned()),
            What::Clock { command } => ("clock", spoken(*command)),
            What::NoDuff { text } => {
                told.content.clone_from(text);
                ("no_duff", "NO DUFF: a real emergency; exercise time stands".to_owned())
            }
            What::Inject { inject } => {
                told.inject = *inject;
                ("inject", format!("inject {inject}"))
            }
            What::Planned { entry } => {
                told.inject = entry.number;
                ("planned", format!("inject {} is planned anew", entry.number))
            }
            What::Withdrawn { inject, reason } => {
                told.inject = *inject;
                told.content.clone_from(reason);
                ("withdrawn", format!("inject {inject} is withdrawn: pay no heed to it"))
            }
            What::Arrived { matter } => {
                told.matter = number(matter);
                told.team = self.team_of(*matter);
                ("arrived", format!("matter {} has come", told.matter))
            }
            What::Asked { matter, of, record_type, answer } => {
                told.team.clone_from(&event.by);
                told.matter = matter.as_ref().map_or(0, number);
                ("asked", asked(&event.by, of, record_type, answer))
            }
            What::Decided { matter, decision, confidence, reason, .. } => {
                told.team.clone_from(&event.by);
                told.matter = number(matter);
                told.content.clone_from(reason);
                let phone = if event.player == "phone" { ", by phone" } else { "" };
                let word = decision.word();
                ("decided", format!("matter {}: {word} at {confidence} %{phone}", told.matter))
            }
            What::Cited { matter, evidence } => {
                told.team.clone_from(&event.by);
                told.matter = number(matter);
                ("cited", format!("matter {}: {} exchanges cited", told.matter, evidence.len()))
            }
            What::HandedOver { matter, to, text } => {
                told.team.clone_from(to);
                told.matter = number(matter);
                told.content.clone_from(text);
                ("handed_over", format!("matter {}: {} hands it to {to}", told.matter, event.by))
            }
            What::Message { to, text } => {
                told.team.clone_from(to);
                told.content.clone_from(text);
                ("message", format!("{} to {to}", event.by))
            }
            What::Inspected { matter, irregular } => {
                told.matter = number(matter);
                told.team = self.team_of(*matter);
                let found = if *irregular { "irregular" } else { "as declared" };
                ("inspected", format!("matter {}: opened, {found}", told.matter))
            }
            What::Rerouted { after, case, to } => {
                told.matter = number(after);
                ("rerouted", format!("smugglers give up case {case} for case {to}"))
            }
            What::Rated { team, objective, rating, reason } => {
                told.team.clone_from(team);
                told.content.clone_from(reason);
                ("rated", format!("{team}, {objective}: {rating:?}"))
            }
            What::Remark { about, text } => {
                told.team.clone_from(about);
                told.content.clone_from(text);
                ("note", format!("about {about}"))
            }
            What::Plan { originator, .. } => ("plan", format!("a plan of {originator}")),
            What::Disclosed { to, from, records, .. } => {
                told.team.clone_from(to);
                ("disclosed", format!("{records} records of {from} to {to}"))
            }
            What::Received { to, from, .. } => {
                told.team.clone_from(to);
                ("received", format!("{to} has a record of a case from {from}"))
            }
            What::Release { to, from, granted, .. } => {
                told.team.clone_from(from);
                let word = if *granted { "grants" } else { "refuses" };
                ("release", format!("{from} {word} what {to} asked it to release"))
            }
            What::Refused { to, reason, .. } => {
                told.team.clone_from(to);
                ("refused", format!("{to}: {reason}"))
            }
            What::Ended { entries, .. } => {
                ("ended", format!("over; {entries} entries of the gateway's log verified"))
            }
        };
        told.kind = kind.to_owned();
        told.text = text;
        if let What::Inject { inject } = &event.what {
            self.inject(*inject, &mut told);
        }
        told
    }

    fn inject(&self, number: u32, told: &mut wire::Happened) {
        if let Some(entry) = self.past.row(number, self.event.number) {
            told.text = format!("{}: {}", entry.kind.word().replace('_', " "), entry.sender);
            told.content.clone_from(&entry.content);
        }
    }

    fn team_of(&self, id: MatterId) -> String {
        let place = self.cast.plot.matter(id).map(|matter| matter.team);
        let team = place.and_then(|place| self.cast.scenario.teams.get(place));
        team.map(|team| team.agency.clone()).unwrap_or_default()
    }
}

fn spoken(command: Command) -> String {
    match command {
        Command::Start => "the exercise begins".to_owned(),
        Command::Pause => "exercise time stands".to_owned(),
        Command::Resume => "exercise time runs again".to_owned(),
        Command::Speed(speed) => format!("exercise time runs {speed} times as fast as the wall's"),
        Command::Jump => "a jump to the next inject".to_owned(),
        Command::Trigger(inject) => format!("inject {} is triggered", inject.0),
        Command::Skip(inject) => format!("inject {} is skipped", inject.0),
        Command::Plan(inject, _) => format!("inject {} is planned", inject.0),
        Command::PostponeAll(by) => format!("everything planned is {} s later", by / 1_000),
        Command::End => "the exercise is over".to_owned(),
    }
}

fn asked(by: &str, of: &str, record_type: &str, answer: &Answered) -> String {
    match answer {
        Answered::Records { count, .. } => {
            format!("{by} asks {of} for {record_type}: {count} records")
        }
        Answered::Refused { reason } if of.is_empty() => format!("{by} asks, refused: {reason}"),
        Answered::Refused { reason } => {
            format!("{by} asks {of} for {record_type}, refused: {reason}")
        }
    }
}
