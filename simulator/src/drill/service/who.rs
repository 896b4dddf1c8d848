//! Who is calling, by the certificate.

use std::sync::Arc;

use portcullis::identity::PeerId;
use tonic::{Code, Request, Status};

use super::{Service, refused};
use crate::drill::host::CONTROL;

/// What somebody is in a drill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Runs it.
    Trainer,
    /// Rates it.
    Evaluator,
    /// Looks on.
    Observer,
    /// Plays the team at this place.
    Player(usize),
}

/// A caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Who {
    /// What they are.
    pub role: Role,
    /// As the event log has it: a team's agency, `trainer`, `evaluator`, `observer`.
    pub name: String,
    /// Agency and system.
    pub caller: String,
}

impl Who {
    /// Whether they see everything.
    pub fn is_staff(&self) -> bool {
        !matches!(self.role, Role::Player(_))
    }

    /// Only for these.
    pub(super) fn only(&self, allowed: &[Role]) -> Result<(), Status> {
        if allowed.contains(&self.role) {
            Ok(())
        } else {
            Err(refused(Code::PermissionDenied, "ROLE", "this is not for the caller's role"))
        }
    }
}

impl Service {
    pub(super) fn who<T>(&self, request: &Request<T>) -> Result<Who, Status> {
        let unknown = || refused(Code::Unauthenticated, "NO_CLIENT_CERTIFICATE", "who is calling?");
        let peer = request.extensions().get::<Arc<PeerId>>().ok_or_else(unknown)?;
        let (agency, system) = (peer.agency.as_str(), peer.system.as_str());
        let role = match (agency, system) {
            (CONTROL, "trainer") => Some(Role::Trainer),
            (CONTROL, "evaluator") => Some(Role::Evaluator),
            (CONTROL, "observer") => Some(Role::Observer),
            // What serves records does not play.
            (_, "source") => None,
            (agency, _) => {
                let teams = &self.session.cast.scenario.teams;
                teams.iter().position(|team| team.agency == agency).map(Role::Player)
            }
        };
        let role = role.ok_or_else(|| {
            refused(Code::PermissionDenied, "NO_PART", "the caller has no part in this drill")
        })?;
        let name = if agency == CONTROL { system } else { agency };
        Ok(Who { role, name: name.to_owned(), caller: format!("{agency}/{system}") })
    }
}
