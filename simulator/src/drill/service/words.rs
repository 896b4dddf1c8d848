//! The contract's words for what drills are made of.

use portcullis_proto::drill::v1 as wire;
use prost_types::Duration;
use tonic::{Code, Status};

use super::refused;
use crate::drill::clock::{Exercise, State};
use crate::drill::live::Clocks;
use crate::drill::scenario::{Check, Entry, Happening};

/// Longest text that anybody writes.
const TEXT: usize = 2_000;

pub(super) fn duration(milliseconds: u64) -> Duration {
    Duration {
        seconds: i64::try_from(milliseconds / 1_000).unwrap_or(i64::MAX),
        nanos: i32::try_from(milliseconds % 1_000).unwrap_or_default() * 1_000_000,
    }
}

pub(super) fn exercise(at: Exercise) -> Option<Duration> {
    Some(duration(at.0))
}

/// Milliseconds of a duration that somebody sent.
pub(super) fn milliseconds(field: &str, sent: Option<&Duration>) -> Result<u64, Status> {
    let wrong = || invalid(field, "is no time that an exercise has");
    let sent = sent.ok_or_else(wrong)?;
    let (seconds, nanos) = (u64::try_from(sent.seconds), u64::try_from(sent.nanos));
    let (seconds, nanos) = (seconds.map_err(|_| wrong())?, nanos.map_err(|_| wrong())?);
    seconds.checked_mul(1_000).and_then(|all| all.checked_add(nanos / 1_000_000)).ok_or_else(wrong)
}

pub(super) fn clock(clocks: &Clocks) -> wire::Clock {
    let state = match (clocks.state, clocks.emergency) {
        (State::Ready, _) => wire::State::Ready,
        (State::Running, _) => wire::State::Running,
        (State::Paused, true) => wire::State::NoDuff,
        (State::Paused, false) => wire::State::Paused,
        (State::Ended, _) => wire::State::Ended,
    };
    wire::Clock {
        state: state.into(),
        exercise: exercise(clocks.exercise),
        wall: Some(duration(clocks.wall.0)),
        speed: clocks.speed,
        story_seconds: clocks.story,
    }
}

/// What somebody sent cannot be used: which field, and what is wrong with it.
pub(super) fn invalid(field: &str, problem: &str) -> Status {
    refused(Code::InvalidArgument, "INVALID_ARGUMENT", format!("`{field}` {problem}"))
}

pub(super) fn key(key: &str) -> Result<String, Status> {
    let fits = (1..=64).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic());
    if fits {
        Ok(key.to_owned())
    } else {
        Err(invalid("key", "is 1 to 64 visible ASCII characters"))
    }
}

/// A text for people: not too long, and nothing in it that moves a terminal's cursor.
pub(super) fn text(field: &str, text: String) -> Result<String, Status> {
    if text.chars().count() > TEXT {
        return Err(invalid(field, "has more than 2,000 characters"));
    }
    if text.chars().any(|char| char.is_control() && char != '\n') {
        return Err(invalid(field, "has control characters"));
    }
    Ok(text)
}

/// Exchanges of the gateway.
pub(super) fn evidence(all: Vec<String>) -> Result<Vec<String>, Status> {
    let id = |one: &String| {
        (1..=64).contains(&one.len())
            && one.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
    };
    if all.len() <= 100 && all.iter().all(id) {
        Ok(all)
    } else {
        Err(invalid("evidence", "is up to 100 ids of exchanges, as the gateway gives them"))
    }
}

/// A row of the list of injects.
pub(super) fn row(entry: &Entry) -> wire::Inject {
    wire::Inject {
        number: entry.number,
        planned: (entry.kind != Happening::Contingency).then(|| duration(entry.at.0)),
        kind: entry.kind.word().to_owned(),
        sender: entry.sender.clone(),
        receiver: entry.receiver.clone(),
        content: entry.content.clone(),
        expected_action: entry.expected.clone(),
        check: entry.check.as_ref().map(Check::text).unwrap_or_default(),
        objective: entry.objective.clone(),
        maximum_minutes: entry.maximum_minutes.unwrap_or_default(),
        evaluator_note: entry.note.clone(),
        about: entry.about.clone(),
        ..wire::Inject::default()
    }
}

/// A row that somebody sent.
pub(super) fn entry(row: wire::Inject) -> Result<Entry, Status> {
    let kind =
        Happening::parse(&row.kind).ok_or_else(|| invalid("kind", "is no kind of inject"))?;
    let check = match row.check.as_str() {
        "" => None,
        check => Some(Check::parse(check).ok_or_else(|| {
            invalid(
                "check",
                "is `asked:TEAM>AGENCY`, `decided:TEAM`, `stopped:TEAM` or `after:NUMBER`",
            )
        })?),
    };
    if (kind == Happening::Contingency) != matches!(check, Some(Check::After(_))) {
        return Err(invalid("check", "is `after:NUMBER` of contingencies, and of no other kind"));
    }
    let at = match kind {
        Happening::Contingency => Exercise(0),
        _ => Exercise(milliseconds("planned", row.planned.as_ref())?),
    };
    let entry = Entry {
        number: row.number,
        at,
        kind,
        sender: text("sender", row.sender)?,
        receiver: text("receiver", row.receiver)?,
        content: text("content", row.content)?,
        expected: text("expected_action", row.expected_action)?,
        check,
        objective: text("objective", row.objective)?,
        maximum_minutes: (row.maximum_minutes > 0).then_some(row.maximum_minutes),
        note: text("evaluator_note", row.evaluator_note)?,
        about: text("about", row.about)?,
    };
    entry.about_fits().map_err(|problem| invalid("about", problem))?;
    Ok(entry)
}
