//! What a desk is told, and what it wants done. Between the two stands the model alone: it knows neither terminal nor
//! network, so every key path can be tested by messages.

use std::sync::Arc;
use std::time::Duration;

use portcullis::client::{Answer, Refused};
use portcullis_core::label::RecordType;
use portcullis_proto::drill::v1 as wire;
use portcullis_proto::query::v1 as query;
use ratatui::crossterm::event::KeyEvent;

/// Something that a desk is told. Without `Debug`: answers hold record values.
pub enum Message {
    /// A key was pressed.
    Key(KeyEvent),
    /// A text was pasted.
    Paste(String),
    /// A quarter of a second went by.
    Tick,
    /// The drill is there, and from now on it tells what happens.
    Opened(Box<wire::GetDrillResponse>),
    /// It tells nothing any more; why.
    Lost(String),
    /// Something happened, or the clocks.
    News(Box<wire::WatchResponse>),
    /// The drill, asked for again.
    Drill(Box<wire::GetDrillResponse>),
    /// Matters of a team.
    Matters(String, Vec<wire::Matter>),
    /// The list of injects.
    Injects(Vec<wire::Inject>),
    /// Scores so far.
    Scores(Vec<wire::TeamScores>),
    /// Something asked for did not come; why.
    Missed(Fetch, String),
    /// What came of a call, by its key.
    Called(String, Outcome),
    /// What policy says to a question, by the question's number.
    Explained(u64, Result<Box<query::ExplainResponse>, Box<Refused>>),
    /// What a question brought, by its number.
    Answered(u64, Result<Box<Answer>, Box<Refused>>),
    /// Release requests that concern the desk's agency, or why they did not come.
    Releases(Result<Vec<query::Release>, String>),
    /// The terminal is gone, or the program is told to end.
    Stop,
}

/// What came of a call.
pub enum Outcome {
    /// It is done; what to say of it.
    Done(String),
    /// It was refused: made again it would be refused again.
    Refused(String),
    /// Nobody knows: it is made again under its key.
    Unsure(String),
}

/// Something that a desk wants done.
#[derive(Debug)]
pub enum Effect {
    /// Reach the drill and listen, after a while.
    Connect {
        /// First event that is not known yet.
        from_event: u64,
        /// How long to wait before.
        after: Duration,
    },
    /// Ask the drill for something.
    Fetch(Fetch),
    /// Let the drill, or the gateway, do something.
    Call(Call),
    /// Ask the gateway what its policy says to a question.
    Explain(u64, query::Query),
    /// Ask the gateway a question.
    Ask {
        /// The question's number.
        number: u64,
        /// What is asked.
        request: query::QueryRequest,
        /// Of which type the records are.
        record_type: Schema,
    },
    /// Ask the gateway for the release requests that concern the desk's agency.
    ListReleases,
    /// Leave.
    Quit,
}

/// A record type; its `Debug` is its name.
#[derive(Clone)]
pub struct Schema(pub Arc<RecordType>);

impl std::fmt::Debug for Schema {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0.name().as_str())
    }
}

/// What the drill can be asked for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fetch {
    /// What it is, and what the caller's team can still do.
    Drill,
    /// A team's matters; of the caller's own team where it is empty.
    Matters(String),
    /// The list of injects.
    Injects,
    /// Scores so far.
    Scores,
}

/// A call that changes something. Made again it changes nothing: each carries a key, or says which step it follows.
#[derive(Clone, PartialEq)]
pub enum Call {
    /// A decision.
    Decide(wire::DecideRequest),
    /// Further evidence.
    Cite(wire::CiteRequest),
    /// A matter goes to another team.
    HandOver(wire::HandOverRequest),
    /// Words.
    Send(wire::SendRequest),
    /// A command to the clock.
    Control(wire::ControlRequest),
    /// An inject, new or changed.
    PutInject(wire::PutInjectRequest),
    /// An inject is taken back.
    Withdraw(wire::WithdrawInjectRequest),
    /// A rating, or a note.
    Rate(wire::RateRequest),
    /// A request to an originator to show more, through the gateway.
    Release(query::RequestReleaseRequest),
    /// A step on a release request, through the gateway; its key is known to the desk alone.
    Step(String, query::ReleaseDecision),
}

/// What it is and its key; never what somebody typed.
impl std::fmt::Debug for Call {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.name(), self.key())
    }
}

impl Call {
    /// Its key.
    pub fn key(&self) -> &str {
        match self {
            Self::Decide(request) => &request.key,
            Self::Cite(request) => &request.key,
            Self::HandOver(request) => &request.key,
            Self::Send(request) => &request.key,
            Self::Control(request) => &request.key,
            Self::PutInject(request) => &request.key,
            Self::Withdraw(request) => &request.key,
            Self::Rate(request) => &request.key,
            Self::Release(request) => &request.idempotency_key,
            Self::Step(key, _) => key,
        }
    }

    /// Whether it goes to the gateway, and not to the drill.
    pub fn is_the_gateways(&self) -> bool {
        matches!(self, Self::Release(_) | Self::Step(..))
    }

    /// The same under another key.
    #[must_use]
    pub fn under(mut self, key: String) -> Self {
        let place = match &mut self {
            Self::Decide(request) => &mut request.key,
            Self::Cite(request) => &mut request.key,
            Self::HandOver(request) => &mut request.key,
            Self::Send(request) => &mut request.key,
            Self::Control(request) => &mut request.key,
            Self::PutInject(request) => &mut request.key,
            Self::Withdraw(request) => &mut request.key,
            Self::Rate(request) => &mut request.key,
            Self::Release(request) => &mut request.idempotency_key,
            Self::Step(key, _) => key,
        };
        *place = key;
        self
    }

    /// What it is, for the status line.
    pub fn name(&self) -> String {
        match self {
            Self::Decide(request) => format!("{} on matter {}", request.decision, request.matter),
            Self::Cite(request) => format!("evidence for matter {}", request.matter),
            Self::HandOver(request) => format!("matter {} to {}", request.matter, request.to),
            Self::Send(request) => format!("message to {}", request.to),
            Self::Control(request) => command(request.command.as_ref()),
            Self::PutInject(request) => match request.inject.as_ref().map_or(0, |one| one.number) {
                0 => "new inject".to_owned(),
                number => format!("inject {number}"),
            },
            Self::Withdraw(request) => format!("inject {} withdrawn", request.number),
            Self::Rate(request) => format!("rating of {}", request.team),
            Self::Release(_) => "request to show more".to_owned(),
            Self::Step(_, decision) => super::request::name(decision).to_owned(),
        }
    }
}

fn command(command: Option<&wire::control_request::Command>) -> String {
    use wire::control_request::Command;
    match command {
        Some(Command::Start(_)) => "start".to_owned(),
        Some(Command::Pause(_)) => "pause".to_owned(),
        Some(Command::Resume(_)) => "resume".to_owned(),
        Some(Command::Speed(speed)) => format!("speed x{speed}"),
        Some(Command::Jump(_)) => "jump to the next inject".to_owned(),
        Some(Command::Trigger(number)) => format!("trigger inject {number}"),
        Some(Command::Skip(number)) => format!("skip inject {number}"),
        Some(Command::PostponeAll(_)) => "postpone all".to_owned(),
        Some(Command::End(_)) => "end of the exercise".to_owned(),
        Some(Command::NoDuff(_)) => "NO-DUFF stop".to_owned(),
        None => "no command".to_owned(),
    }
}
