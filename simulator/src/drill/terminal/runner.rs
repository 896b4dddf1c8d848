//! Does over the network what the model wants, and tells the model what came of it. Every effect is a task of its own; what
//! it brings is a message.

use std::time::Duration;

use portcullis::client::{Answer, Refused};
use portcullis_proto::drill::v1 as wire;
use portcullis_proto::handling::v1::Environment;
use portcullis_proto::query::v1 as query;
use query::query_service_client::QueryServiceClient;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tonic::transport::Channel;
use tonic::{Code, Request, Status};
use wire::drill_service_client::DrillServiceClient;

use super::message::{Call, Effect, Fetch, Message, Outcome};
use super::model::Model;
use super::request::arrived;

/// Largest message that is taken.
const MAX_BYTES: usize = 64 << 20;
/// Between two ticks.
const TICK: Duration = Duration::from_millis(250);
/// After which a drill that tells nothing, not even its clocks, counts as lost. It tells them once a second.
const SILENCE: Duration = Duration::from_secs(15);
/// Longest wait for an answer of the drill.
const LONGEST: Duration = Duration::from_secs(20);
/// Most release requests in one answer of the gateway.
const PAGE: u32 = 1_000;
/// Most messages between two drawings.
const BATCH: usize = 512;

/// Whom a desk talks to.
#[derive(Debug, Clone)]
pub struct Doors {
    /// The drill.
    pub drill: Channel,
    /// The gateway of the desk's agency, if there is one.
    pub gateway: Option<Channel>,
    /// How long an answer of the gateway may take.
    pub patience: Duration,
}

/// Runs a desk until it is left. `show` draws it.
///
/// # Errors
/// What `show` says, or a task that broke.
pub async fn run(
    (mut model, mut effects): (Model, Vec<Effect>),
    doors: &Doors,
    (tell, mut told): (UnboundedSender<Message>, UnboundedReceiver<Message>),
    mut show: impl FnMut(&Model) -> anyhow::Result<()>,
) -> anyhow::Result<Model> {
    let mut tasks = JoinSet::new();
    tasks.spawn(ticks(tell.clone()));
    loop {
        for effect in effects.drain(..) {
            match effect {
                Effect::Quit => return Ok(model),
                effect => drop(tasks.spawn(carry_out(effect, doors.clone(), tell.clone()))),
            }
        }
        show(&model)?;
        tokio::select! {
            message = told.recv() => {
                let Some(message) = message else { return Ok(model) };
                effects.extend(model.update(message));
            }
            Some(done) = tasks.join_next() => done?,
        }
        // What came meanwhile is shown at once.
        for _ in 0..BATCH {
            let Ok(message) = told.try_recv() else { break };
            effects.extend(model.update(message));
        }
    }
}

async fn ticks(tell: UnboundedSender<Message>) {
    let mut interval = tokio::time::interval(TICK);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        interval.tick().await;
        if tell.send(Message::Tick).is_err() {
            return;
        }
    }
}

async fn carry_out(effect: Effect, doors: Doors, tell: UnboundedSender<Message>) {
    let message = match effect {
        Effect::Connect { from_event, after } => {
            tokio::time::sleep(after).await;
            Message::Lost(watch(&doors, from_event, &tell).await)
        }
        Effect::Fetch(fetch) => match fetched(&doors, &fetch).await {
            Ok(message) => message,
            Err(status) => Message::Missed(fetch, said(&status)),
        },
        Effect::Call(call) => {
            let key = call.key().to_owned();
            Message::Called(key, called(&doors, call).await)
        }
        Effect::Explain(number, query) => {
            Message::Explained(number, explained(&doors, query).await)
        }
        Effect::Ask { number, request, record_type } => {
            let answer = Answer::empty(record_type.0);
            Message::Answered(number, asked(&doors, request, answer).await)
        }
        Effect::ListReleases => {
            Message::Releases(releases(&doors).await.map_err(|status| said(&status)))
        }
        Effect::Quit => Message::Stop,
    };
    // A desk that is being left hears nothing any more.
    let _ = tell.send(message);
}

fn drill(doors: &Doors) -> DrillServiceClient<Channel> {
    DrillServiceClient::new(doors.drill.clone()).max_decoding_message_size(MAX_BYTES)
}

fn request<T>(message: T, within: Duration) -> Request<T> {
    let mut request = Request::new(message);
    request.set_timeout(within);
    request
}

/// Waits for an answer at most so long, whatever the transport makes of its deadline.
async fn within<T>(
    patience: Duration,
    answer: impl Future<Output = Result<tonic::Response<T>, Status>>,
) -> Result<T, Status> {
    match timeout(patience, answer).await {
        Ok(answer) => answer.map(tonic::Response::into_inner),
        Err(_) => Err(Status::deadline_exceeded("no answer in time")),
    }
}

/// Listens until nothing is heard any more; says why.
async fn watch(doors: &Doors, from_event: u64, tell: &UnboundedSender<Message>) -> String {
    match watched(doors, from_event, tell).await {
        Ok(()) => "the drill ended the connection".to_owned(),
        Err(status) if status.code() == Code::Unimplemented => {
            "there is no drill at this address: is the profile the gateway's?".to_owned()
        }
        Err(status) => said(&status),
    }
}

async fn watched(
    doors: &Doors,
    from_event: u64,
    tell: &UnboundedSender<Message>,
) -> Result<(), Status> {
    let mut client = drill(doors);
    let get = client.get_drill(request(wire::GetDrillRequest {}, LONGEST));
    let told = within(LONGEST, get).await?;
    // A drill that was begun anew counts from the beginning.
    let from_event = if told.next_event < from_event { 0 } else { from_event };
    let watch = client.watch(Request::new(wire::WatchRequest { from_event }));
    let mut stream = within(LONGEST, watch).await?;
    let _ = tell.send(Message::Opened(Box::new(told)));
    loop {
        match timeout(SILENCE, stream.message()).await {
            Ok(Ok(Some(news))) => {
                if tell.send(Message::News(Box::new(news))).is_err() {
                    return Ok(());
                }
            }
            Ok(Ok(None)) => return Ok(()),
            Ok(Err(status)) => return Err(status),
            Err(_) => return Err(Status::unavailable("nothing was heard for a while")),
        }
    }
}

async fn fetched(doors: &Doors, fetch: &Fetch) -> Result<Message, Status> {
    let mut client = drill(doors);
    Ok(match fetch {
        Fetch::Drill => {
            let get = client.get_drill(request(wire::GetDrillRequest {}, LONGEST));
            Message::Drill(Box::new(within(LONGEST, get).await?))
        }
        Fetch::Matters(team) => {
            let ask = wire::ListMattersRequest { team: team.clone(), open_only: false };
            let listed = within(LONGEST, client.list_matters(request(ask, LONGEST))).await?;
            Message::Matters(team.clone(), listed.matters)
        }
        Fetch::Injects => {
            let list = client.list_injects(request(wire::ListInjectsRequest {}, LONGEST));
            Message::Injects(within(LONGEST, list).await?.injects)
        }
        Fetch::Scores => {
            let get = client.get_scores(request(wire::GetScoresRequest {}, LONGEST));
            Message::Scores(within(LONGEST, get).await?.teams)
        }
    })
}

async fn called(doors: &Doors, call: Call) -> Outcome {
    let mut client = drill(doors);
    macro_rules! done {
        ($call:ident, $message:ident) => {
            outcome(within(LONGEST, client.$call(request($message, LONGEST))).await)
        };
    }
    match call {
        Call::Decide(message) => done!(decide, message),
        Call::Cite(message) => done!(cite, message),
        Call::HandOver(message) => done!(hand_over, message),
        Call::Send(message) => done!(send, message),
        Call::Control(message) => done!(control, message),
        Call::PutInject(message) => done!(put_inject, message),
        Call::Withdraw(message) => done!(withdraw_inject, message),
        Call::Rate(message) => done!(rate, message),
        Call::Release(message) => {
            let Some(mut client) = gateway(doors) else {
                return Outcome::Refused("there is no gateway to ask".to_owned());
            };
            let ask = client.request_release(request(message, doors.patience));
            match within(doors.patience, ask).await {
                Ok(answer) => {
                    let id = answer.release.map(|release| release.id).unwrap_or_default();
                    Outcome::Done(format!(", {id}; the screen Requests says how it stands"))
                }
                Err(status) => failed(&status),
            }
        }
        Call::Step(_, decision) => step(doors, decision).await,
    }
}

/// Takes a step on a release request. Refused, it may be because it was taken before and nobody heard of it.
async fn step(doors: &Doors, decision: query::ReleaseDecision) -> Outcome {
    let Some(mut client) = gateway(doors) else {
        return Outcome::Refused("there is no gateway to ask".to_owned());
    };
    let ask = query::DecideReleaseRequest {
        decision: Some(decision.clone()),
        officer_token: String::new(),
    };
    let decide = client.decide_release(request(ask, doors.patience));
    let status = match within(doors.patience, decide).await {
        Ok(_) => return Outcome::Done(String::new()),
        Err(status) => status,
    };
    // A step that follows another one than was looked at is aborted, and would be each time.
    let changed = status.code() == Code::Aborted && Refused::of(&status).by_gateway;
    if !changed && matches!(failed(&status), Outcome::Unsure(_)) {
        return failed(&status);
    }
    match releases(doors).await {
        Ok(all)
            if all.iter().any(|one| one.id == decision.release_id && arrived(one, &decision)) =>
        {
            Outcome::Done(String::new())
        }
        Ok(_) => Outcome::Refused(said(&status)),
        Err(_) => Outcome::Unsure(said(&status)),
    }
}

/// Every release request that concerns the desk's agency.
async fn releases(doors: &Doors) -> Result<Vec<query::Release>, Status> {
    let mut client = gateway(doors).ok_or_else(|| Status::unavailable("there is no gateway"))?;
    let (mut all, mut after) = (vec![], String::new());
    loop {
        let ask = query::ListReleasesRequest { after, limit: PAGE, ..Default::default() };
        let list = client.list_releases(request(ask, doors.patience));
        let listed = within(doors.patience, list).await?;
        all.extend(listed.releases);
        after = listed.next;
        if after.is_empty() {
            return Ok(all);
        }
    }
}

fn outcome<T>(answer: Result<T, Status>) -> Outcome {
    match answer {
        Ok(_) => Outcome::Done(String::new()),
        Err(status) => failed(&status),
    }
}

fn failed(status: &Status) -> Outcome {
    match status.code() {
        Code::Unavailable
        | Code::DeadlineExceeded
        | Code::Cancelled
        | Code::Unknown
        | Code::Aborted
        | Code::Internal
        | Code::DataLoss => Outcome::Unsure(said(status)),
        _ => Outcome::Refused(said(status)),
    }
}

/// A status in one line: the reason where one was given, what is wrong, and what would help.
fn said(status: &Status) -> String {
    let refused = Refused::of(status);
    let mut text = refused.message.clone();
    if refused.by_gateway {
        text = format!("{}: {text}", refused.reason);
    }
    for (field, why) in refused.fields.iter().filter(|(_, why)| *why != refused.message) {
        text.push_str(&format!("; {field}: {why}"));
    }
    if !refused.remedy.is_empty() {
        text.push_str(&format!("; remedy: {}", refused.remedy));
    }
    if text.is_empty() { status.code().description().to_owned() } else { text }
}

fn gateway(doors: &Doors) -> Option<QueryServiceClient<Channel>> {
    let channel = doors.gateway.clone()?;
    Some(QueryServiceClient::new(channel).max_decoding_message_size(MAX_BYTES))
}

fn nobody() -> Box<Refused> {
    Box::new(Refused::by_client("NO_GATEWAY", "there is no gateway to ask"))
}

async fn explained(
    doors: &Doors,
    query: query::Query,
) -> Result<Box<query::ExplainResponse>, Box<Refused>> {
    let mut client = gateway(doors).ok_or_else(nobody)?;
    let ask = query::ExplainRequest { query: Some(query), as_officer: false };
    let answer = within(doors.patience, client.explain(request(ask, doors.patience))).await;
    answer.map(Box::new).map_err(|status| Box::new(Refused::of(&status)))
}

async fn asked(
    doors: &Doors,
    ask: query::QueryRequest,
    mut answer: Answer,
) -> Result<Box<Answer>, Box<Refused>> {
    let mut client = gateway(doors).ok_or_else(nobody)?;
    let deadline = tokio::time::Instant::now() + doors.patience;
    let stream = within(doors.patience, client.query(request(ask, doors.patience))).await;
    let stream = stream.map_err(|status| Box::new(Refused::of(&status)))?;
    if tokio::time::timeout_at(deadline, answer.gather(stream)).await.is_err() {
        let text = "the gateway took longer than the profile's timeout";
        answer.failure = Some(Refused::by_client("TIMED_OUT", text));
    }
    if let Some(header) = &answer.header {
        of_an_exercise(header)?;
    }
    match (&answer.header, answer.failure.take()) {
        (None, Some(failure)) => Err(Box::new(failure)),
        (_, failure) => {
            answer.failure = failure;
            Ok(Box::new(answer))
        }
    }
}

/// Exercise and production never mix: nothing is shown of an answer that is not an exercise's.
fn of_an_exercise(header: &query::Header) -> Result<(), Box<Refused>> {
    if header.environment() == Environment::Exercise {
        return Ok(());
    }
    let text = "this gateway is not an exercise's: nothing of its answer is shown";
    let mut refused = Refused::by_client("NOT_AN_EXERCISE", text);
    // It arrived and was answered: asking again under the same key would help nobody.
    refused.by_gateway = true;
    Err(Box::new(refused))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_shown_of_an_answer_of_production() {
        let header = |environment: Environment| query::Header {
            environment: environment.into(),
            ..query::Header::default()
        };
        assert!(of_an_exercise(&header(Environment::Exercise)).is_ok());
        for other in [Environment::Production, Environment::Unspecified] {
            let refused = of_an_exercise(&header(other)).unwrap_err();
            assert_eq!((refused.reason.as_str(), refused.by_gateway), ("NOT_AN_EXERCISE", true));
        }
    }

    #[test]
    fn what_may_have_arrived_is_told_from_what_was_refused() {
        for code in [Code::Unavailable, Code::Unknown, Code::DeadlineExceeded, Code::Internal] {
            assert!(matches!(failed(&Status::new(code, "x")), Outcome::Unsure(_)), "{code:?}");
        }
        for code in [Code::PermissionDenied, Code::InvalidArgument, Code::FailedPrecondition] {
            assert!(matches!(failed(&Status::new(code, "x")), Outcome::Refused(_)), "{code:?}");
        }
    }
}
