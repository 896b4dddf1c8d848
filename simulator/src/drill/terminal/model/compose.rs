//! From a form that was filled in to the call that it makes.

use portcullis_proto::drill::v1 as wire;
use portcullis_proto::query::v1 as query;
use wire::control_request::Command;

use super::{Call, Task};
use crate::drill::scenario::msel::parse_time;
use crate::drill::terminal::form::Form;

/// What is wrong with a form: the field, and why.
type Wrong = (&'static str, String);

/// The call that a form makes, without its key.
pub(super) fn compose(form: &Form, task: &Task) -> Result<Call, Wrong> {
    let needed = |name: &'static str| match form.value(name) {
        text if text.is_empty() => Err((name, format!("{name} is missing"))),
        text => Ok(text),
    };
    let number = |name: &'static str, from: u32, to: u32| {
        let wrong = || (name, format!("a whole number from {from} to {to}"));
        let number: u32 = form.value(name).parse().map_err(|_| wrong())?;
        if (from..=to).contains(&number) { Ok(number) } else { Err(wrong()) }
    };
    let duration = |name: &'static str| {
        let at = parse_time(&form.value(name)).ok_or((name, "a time as H:MM:SS".to_owned()))?;
        let (seconds, nanos) = (at.0 / 1_000, at.0 % 1_000 * 1_000_000);
        let fits = |_| (name, "too long".to_owned());
        Ok::<_, Wrong>(prost_types::Duration {
            seconds: i64::try_from(seconds).map_err(fits)?,
            nanos: i32::try_from(nanos).map_err(fits)?,
        })
    };
    let key = String::new();
    let control = |command| {
        Call::Control(wire::ControlRequest { key: String::new(), command: Some(command) })
    };
    Ok(match task {
        Task::Decide { matter, team } => Call::Decide(wire::DecideRequest {
            key,
            matter: *matter,
            decision: needed("decision")?,
            confidence: number("confidence 0-100", 0, 100)?,
            reason: needed("reason")?,
            evidence: form.ticked("evidence"),
            team: team.clone(),
            player: form.value("who decides"),
        }),
        Task::Cite => {
            let matter =
                needed("matter").map_err(|_| ("matter", "nothing was decided yet".to_owned()))?;
            let evidence = form.ticked("evidence");
            if evidence.is_empty() {
                return Err(("evidence", "tick what is to be cited".to_owned()));
            }
            Call::Cite(wire::CiteRequest { key, matter: matter.parse().unwrap_or(0), evidence })
        }
        Task::HandOver { matter } => Call::HandOver(wire::HandOverRequest {
            key,
            matter: *matter,
            to: needed("to")?,
            text: form.value("text"),
        }),
        Task::Send => {
            Call::Send(wire::SendRequest { key, to: needed("to")?, text: needed("text")? })
        }
        Task::Speed => control(Command::Speed(number("speed", 1, 3_600)?)),
        Task::Postpone => control(Command::PostponeAll(duration("by H:MM:SS")?)),
        Task::NoDuff => control(Command::NoDuff(needed("words")?)),
        Task::Inject { number: inject } => Call::PutInject(wire::PutInjectRequest {
            key,
            inject: Some(wire::Inject {
                number: *inject,
                planned: match form.value("planned H:MM:SS").as_str() {
                    "" => None,
                    _ => Some(duration("planned H:MM:SS")?),
                },
                kind: needed("kind")?,
                sender: form.value("sender"),
                receiver: needed("receiver")?,
                content: needed("content")?,
                expected_action: form.value("expected action"),
                check: form.value("check"),
                objective: form.value("objective"),
                maximum_minutes: number("maximum minutes", 0, 100_000)?,
                evaluator_note: form.value("evaluator's note"),
                ..wire::Inject::default()
            }),
        }),
        Task::Withdraw { number } => Call::Withdraw(wire::WithdrawInjectRequest {
            key,
            number: *number,
            reason: needed("reason")?,
        }),
        Task::Rate => {
            let rating = match form.value("rating").as_str() {
                "P" => wire::Rating::P,
                "S" => wire::Rating::S,
                "M" => wire::Rating::M,
                "U" => wire::Rating::U,
                _ => wire::Rating::Unspecified,
            };
            let objective = form.value("objective");
            if objective.is_empty() && rating != wire::Rating::Unspecified {
                return Err(("objective", "a rating is of an objective".to_owned()));
            }
            Call::Rate(wire::RateRequest {
                key,
                team: needed("team")?,
                objective,
                rating: rating.into(),
                reason: needed("reason")?,
            })
        }
        Task::Step { release, act, after } => {
            Call::Step(key, super::steps::decision(form, release, *act, *after)?)
        }
        Task::Release { query, .. } => {
            let query = query::Query { justification: needed("reason")?, ..(**query).clone() };
            Call::Release(query::RequestReleaseRequest {
                query: Some(query),
                ..query::RequestReleaseRequest::default()
            })
        }
    })
}
