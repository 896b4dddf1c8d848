//! Release requests: looks at the gateway, which of them is picked, and the use of a grant.

use portcullis_proto::query::v1 as wire;

use super::{Effect, Model, Screen};
use crate::drill::terminal::exchange::Came;
use crate::drill::terminal::question::record_type;
use crate::drill::terminal::request::Request;

impl Model {
    /// Release requests as they are listed: what the team is asked, then what it asked.
    pub fn release_requests(&self) -> Vec<&Request> {
        let mut all = self.requests.asked_of(self.team());
        all.extend(self.requests.asked_by(self.team()));
        all
    }

    /// The release request that is picked.
    pub fn picked_request(&self) -> Option<&Request> {
        let number = self.pick().filter(|_| self.screen == Screen::Requests)?;
        self.requests.numbered(number)
    }

    /// The matter for which a record was asked that a request is about; 0: none that is known here.
    pub fn matter_behind(&self, release: &wire::Release) -> u32 {
        let is_in = |came: &Came| match came {
            Came::Answer(answer) => {
                answer.records.iter().any(|one| one.released.reference == release.reference)
            }
            Came::Nothing | Came::Refused(_) => false,
        };
        let found = self
            .exchanges
            .iter()
            .find(|one| !release.reference.is_empty() && one.matter != 0 && is_in(&one.came));
        found.map_or(0, |one| one.matter)
    }

    /// A quarter of a second went by. After the end nobody decides any more.
    pub(super) fn requests_tick(&mut self) {
        if self.clock.state() != portcullis_proto::drill::v1::State::Ended {
            self.requests.tick();
        }
    }

    /// A look at the gateway, where one is to be taken: for players alone.
    pub(super) fn look(&mut self) -> Option<Effect> {
        let player = self.role() == portcullis_proto::drill::v1::Role::Player;
        (player && self.gateway && self.requests.look()).then_some(Effect::ListReleases)
    }

    pub(super) fn listed_releases(&mut self, came: Result<Vec<wire::Release>, String>) {
        match came {
            Ok(listed) => {
                let own = self.team().to_owned();
                if let Some(news) = self.requests.take(listed, &own) {
                    self.notice = format!("new: {news}");
                }
            }
            Err(why) => self.requests.missed(why),
        }
    }

    /// What is picked was looked at.
    pub(super) fn read_request(&mut self) {
        if let Some(number) = self.picked_request().map(|one| one.number) {
            self.requests.read(number);
        }
    }

    pub(super) fn next_request(&mut self) {
        if let Some(number) = self.requests.next_new(self.team()) {
            self.picked.insert(Screen::Requests, number);
            self.depth.insert(Screen::Requests, 1);
            self.scroll = 0;
            self.requests.read(number);
        }
    }

    /// Asks for what was granted and nothing more. The answer stands with the others, and can be cited.
    pub(super) fn use_grant(&mut self) -> Vec<Effect> {
        let Some(release) = self.picked_request().map(|one| &one.release) else { return vec![] };
        let Some(known) = record_type(&release.record_type) else {
            self.notice = "this record type is not known here".to_owned();
            return vec![];
        };
        let reason = release.steps.first().map(|step| step.text.clone()).unwrap_or_default();
        let query = wire::Query {
            purpose: release.purpose,
            case_id: release.case_id.clone(),
            agreement_id: release.agreement_id.clone(),
            record_type: release.record_type.clone(),
            fields: release.granted.iter().map(|field| field.path.clone()).collect(),
            sources: vec![release.originator.clone()],
            justification: reason,
            release_id: release.id.clone(),
            ..wire::Query::default()
        };
        let matter = self.matter_behind(release);
        self.put(matter, query, known)
    }
}
