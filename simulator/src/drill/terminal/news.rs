//! What happened, as a desk keeps it: the running list, and which of it belongs in somebody's inbox.

use portcullis_proto::drill::v1 as wire;

use super::text;

/// Whether somebody is of the exercise's control.
pub fn is_staff(by: &str) -> bool {
    matches!(by, "trainer" | "evaluator" | "observer" | "host")
}

/// Something that happened. Without `Debug`: it holds what people wrote.
#[derive(Clone)]
pub struct Happening {
    /// Number of the event.
    pub number: u64,
    /// When, seconds of exercise time.
    pub at: i64,
    /// Who.
    pub by: String,
    /// What, one word.
    pub kind: String,
    /// Team that it is about; empty: none.
    pub team: String,
    /// Matter that it is about; 0: none.
    pub matter: u32,
    /// Inject that it is about; 0: none.
    pub inject: u32,
    /// For people, one line.
    pub text: String,
    /// What an inject or a message says.
    pub content: String,
    /// It is in the inbox.
    pub mail: bool,
    /// It was not looked at yet.
    pub unread: bool,
}

impl Happening {
    /// From the wire, for somebody of a role; `own` is the team that the desk plays.
    pub fn of(told: wire::Happened, role: wire::Role, own: &str) -> Self {
        let mine = match role {
            wire::Role::Player => told.by == own,
            _ => is_staff(&told.by),
        };
        let mail = match role {
            wire::Role::Player => matches!(
                told.kind.as_str(),
                "inject"
                    | "message"
                    | "arrived"
                    | "withdrawn"
                    | "handed_over"
                    | "inspected"
                    | "no_duff"
            ),
            _ => told.kind == "message",
        };
        Self {
            number: told.number,
            at: text::seconds(told.exercise.as_ref()),
            by: told.by,
            kind: told.kind,
            team: told.team,
            matter: told.matter,
            inject: told.inject,
            text: told.text,
            content: told.content,
            mail,
            unread: mail && !mine,
        }
    }

    /// Does it change what is known of matters?
    pub fn touches_matters(&self) -> bool {
        self.matter != 0
            || matches!(
                self.kind.as_str(),
                "arrived" | "decided" | "inspected" | "handed_over" | "cited"
            )
    }

    /// Does it change the list of injects, or whether what they expect came?
    pub fn touches_injects(&self) -> bool {
        self.inject != 0
            || matches!(self.kind.as_str(), "inject" | "withdrawn" | "asked" | "decided" | "clock")
    }
}
