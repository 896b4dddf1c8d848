//! Calls that change something.

use portcullis_proto::drill::v1 as wire;
use prost_types::Duration;
use tonic::{Code, Status};
use wire::control_request::Command as Wanted;

use super::words::{entry, evidence, exercise, invalid, key, milliseconds, text};
use super::{Role, Service, Who, problem, refused, words};
use crate::drill::clock::{Command, Inject};
use crate::drill::event::{Decision, Rating, What};
use crate::drill::live::{By, Deed, Done};
use crate::drill::plot::MatterId;

/// A matter, by the number that people know it by.
fn matter(number: u32) -> Result<MatterId, Status> {
    let id = number.checked_sub(1).map(MatterId);
    id.ok_or_else(|| invalid("matter", "is counted from 1"))
}

impl Service {
    async fn act(
        &self,
        who: &Who,
        key: String,
        player: String,
        deed: Deed,
    ) -> Result<Done, Status> {
        let by = By { role: who.name.clone(), caller: who.caller.clone(), player, key };
        self.session.act(by, deed).await.map_err(|error| problem(&error))
    }

    fn team(&self, who: &Who) -> Result<(), Status> {
        if who.is_staff() {
            return who.only(&[]);
        }
        Ok(())
    }

    pub(super) async fn decided(
        &self,
        who: &Who,
        asked: wire::DecideRequest,
    ) -> Result<(u64, Option<Duration>), Status> {
        let team = match (who.role, asked.team.as_str()) {
            (Role::Player(_), "") => who.name.clone(),
            (Role::Player(_), team) if team == who.name => who.name.clone(),
            (Role::Trainer, "") => {
                return Err(invalid("team", "says for which team, as said by phone"));
            }
            (Role::Trainer, team) => team.to_owned(),
            _ => return Err(refused(Code::PermissionDenied, "ROLE", "only a team decides")),
        };
        let decision = Decision::parse(&asked.decision)
            .ok_or_else(|| invalid("decision", "is no decision's word"))?;
        let confidence = u8::try_from(asked.confidence).ok().filter(|sure| *sure <= 100);
        let confidence = confidence.ok_or_else(|| invalid("confidence", "is from 0 to 100"))?;
        let player = text("player", asked.player)?;
        if player.chars().count() > 64 {
            return Err(invalid("player", "has more than 64 characters"));
        }
        let deed = Deed::Decide {
            team,
            matter: matter(asked.matter)?,
            decision,
            confidence,
            reason: text("reason", asked.reason)?,
            evidence: evidence(asked.evidence)?,
        };
        let done = self.act(who, key(&asked.key)?, player, deed).await?;
        Ok((done.event, exercise(done.exercise)))
    }

    pub(super) async fn cited(&self, who: &Who, asked: wire::CiteRequest) -> Result<u64, Status> {
        self.team(who)?;
        let deed =
            Deed::Cite { matter: matter(asked.matter)?, evidence: evidence(asked.evidence)? };
        Ok(self.act(who, key(&asked.key)?, String::new(), deed).await?.event)
    }

    pub(super) async fn handed_over(
        &self,
        who: &Who,
        asked: wire::HandOverRequest,
    ) -> Result<u64, Status> {
        self.team(who)?;
        let text = text("text", asked.text)?;
        let deed = Deed::HandOver { matter: matter(asked.matter)?, to: asked.to, text };
        Ok(self.act(who, key(&asked.key)?, String::new(), deed).await?.event)
    }

    pub(super) async fn sent(&self, who: &Who, asked: wire::SendRequest) -> Result<u64, Status> {
        if who.role == Role::Observer {
            who.only(&[])?;
        }
        if asked.to == "ALL" {
            who.only(&[Role::Trainer])?;
        }
        let deed = Deed::Send { to: asked.to, text: text("text", asked.text)? };
        Ok(self.act(who, key(&asked.key)?, String::new(), deed).await?.event)
    }

    pub(super) async fn controlled(
        &self,
        who: &Who,
        asked: wire::ControlRequest,
    ) -> Result<wire::ControlResponse, Status> {
        who.only(&[Role::Trainer])?;
        let deed = match asked.command {
            None => return Err(invalid("command", "is missing")),
            Some(Wanted::NoDuff(words)) => Deed::NoDuff(text("no_duff", words)?),
            Some(Wanted::Start(_)) => Deed::Control(Command::Start),
            Some(Wanted::Pause(_)) => Deed::Control(Command::Pause),
            Some(Wanted::Resume(_)) => Deed::Control(Command::Resume),
            Some(Wanted::Speed(speed)) => Deed::Control(Command::Speed(speed)),
            Some(Wanted::Jump(_)) => Deed::Control(Command::Jump),
            Some(Wanted::Trigger(number)) => Deed::Control(Command::Trigger(Inject(number))),
            Some(Wanted::Skip(number)) => Deed::Control(Command::Skip(Inject(number))),
            Some(Wanted::PostponeAll(by)) => {
                Deed::Control(Command::PostponeAll(milliseconds("postpone_all", Some(&by))?))
            }
            Some(Wanted::End(_)) => Deed::Control(Command::End),
        };
        let done = self.act(who, key(&asked.key)?, String::new(), deed).await?;
        Ok(wire::ControlResponse { event: done.event, clock: Some(words::clock(&done.clocks)) })
    }

    pub(super) async fn planned(
        &self,
        who: &Who,
        asked: wire::PutInjectRequest,
    ) -> Result<wire::PutInjectResponse, Status> {
        who.only(&[Role::Trainer])?;
        let row = asked.inject.ok_or_else(|| invalid("inject", "is missing"))?;
        let deed = Deed::PutInject(Box::new(entry(row)?));
        let done = self.act(who, key(&asked.key)?, String::new(), deed).await?;
        let event = self.session.events_from(done.event).into_iter().next();
        let number = match event.as_deref().map(|event| &event.what) {
            Some(What::Planned { entry }) => entry.number,
            _ => 0,
        };
        Ok(wire::PutInjectResponse { event: done.event, number })
    }

    pub(super) async fn withdrawn(
        &self,
        who: &Who,
        asked: wire::WithdrawInjectRequest,
    ) -> Result<u64, Status> {
        who.only(&[Role::Trainer])?;
        let deed = Deed::Withdraw { inject: asked.number, reason: text("reason", asked.reason)? };
        Ok(self.act(who, key(&asked.key)?, String::new(), deed).await?.event)
    }

    pub(super) async fn rated(&self, who: &Who, asked: wire::RateRequest) -> Result<u64, Status> {
        who.only(&[Role::Trainer, Role::Evaluator])?;
        let rating = match asked.rating() {
            wire::Rating::Unspecified => None,
            wire::Rating::P => Some(Rating::P),
            wire::Rating::S => Some(Rating::S),
            wire::Rating::M => Some(Rating::M),
            wire::Rating::U => Some(Rating::U),
        };
        let (team, reason) = (asked.team, text("reason", asked.reason)?);
        let deed = match (asked.objective, rating) {
            (objective, None) if objective.is_empty() => Deed::Note { team, text: reason },
            (objective, Some(rating)) => Deed::Rate { team, objective, rating, reason },
            (_, None) => return Err(invalid("rating", "is missing for this objective")),
        };
        Ok(self.act(who, key(&asked.key)?, String::new(), deed).await?.event)
    }
}
