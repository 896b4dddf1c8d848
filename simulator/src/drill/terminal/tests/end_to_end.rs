//! One desk against a drill and a gateway that answer by a script, over TCP: it asks, decides, loses the connection and
//! goes on.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use portcullis_core::release::{Act, State};
use portcullis_proto::drill::v1 as wire;
use portcullis_proto::query::v1 as query;
use query::query_service_server::{QueryService, QueryServiceServer};
use ratatui::crossterm::event::KeyCode;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Code, Request, Response, Status};
use tonic_types::{ErrorDetails, StatusExt as _};
use wire::drill_service_server::{DrillService, DrillServiceServer};

use super::super::message::Message;
use super::super::model::Model;
use super::super::request::last_step;
use super::super::runner::{Doors, run};
use super::requests::{releases, step};
use super::{DECLARATION, answer_messages, at, clock, drawn, explained, matter, record_type, told};
use crate::drill::clock::Exercise;
use crate::drill::host::Host;
use crate::drill::play::tests::tutorial;

/// As the gateway names itself in its refusals.
const DOMAIN: &str = "portcullis";

/// What the servers know and were asked.
#[derive(Default)]
struct Script {
    events: Vec<wire::Happened>,
    decided: BTreeMap<String, wire::DecideRequest>,
    calls: usize,
    watched_from: Vec<u64>,
    asked: Vec<query::QueryRequest>,
    stopping: bool,
    told: wire::GetDrillResponse,
    releases: Vec<query::Release>,
    /// What is listed instead, where it is not what stands.
    listed: Option<Vec<query::Release>>,
    steps: Vec<query::ReleaseDecision>,
}

#[derive(Clone)]
struct Fake(Arc<Mutex<Script>>);

impl Fake {
    fn told(told: wire::GetDrillResponse) -> Self {
        Self(Arc::new(Mutex::new(Script { told, ..Script::default() })))
    }

    fn with<T>(&self, look: impl FnOnce(&mut Script) -> T) -> T {
        look(&mut self.0.lock().unwrap())
    }

    fn happens(&self, kind: &str, text: &str) {
        self.with(|script| {
            let number = script.events.len() as u64;
            let (kind, text) = (kind.to_owned(), text.to_owned());
            let by = "host".to_owned();
            script.events.push(wire::Happened {
                number,
                kind,
                text,
                by,
                exercise: at(600),
                ..Default::default()
            });
        });
    }
}

#[tonic::async_trait]
impl DrillService for Fake {
    type WatchStream = ReceiverStream<Result<wire::WatchResponse, Status>>;

    async fn get_drill(
        &self,
        _: Request<wire::GetDrillRequest>,
    ) -> Result<Response<wire::GetDrillResponse>, Status> {
        let (told, next_event) =
            self.with(|script| (script.told.clone(), script.events.len() as u64));
        Ok(Response::new(wire::GetDrillResponse { next_event, ..told }))
    }

    async fn watch(
        &self,
        request: Request<wire::WatchRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let mut next = request.into_inner().from_event;
        self.with(|script| script.watched_from.push(next));
        let (send, receive) = tokio::sync::mpsc::channel(16);
        let fake = self.clone();
        tokio::spawn(async move {
            loop {
                let (events, stopping) = fake.with(|script| {
                    let known = usize::try_from(next).unwrap().min(script.events.len());
                    (script.events[known..].to_vec(), script.stopping)
                });
                if stopping {
                    return;
                }
                next += events.len() as u64;
                let clock = wire::watch_response::News::Clock(clock(wire::State::Running, 600));
                let news = events.into_iter().map(wire::watch_response::News::Event);
                for one in news.chain([clock]) {
                    if send.send(Ok(wire::WatchResponse { news: Some(one) })).await.is_err() {
                        return;
                    }
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
        Ok(Response::new(ReceiverStream::new(receive)))
    }

    async fn list_matters(
        &self,
        _: Request<wire::ListMattersRequest>,
    ) -> Result<Response<wire::ListMattersResponse>, Status> {
        let decision =
            self.with(|script| script.decided.values().next().map(|one| one.decision.clone()));
        let matters = vec![matter(1, 1_900, &decision.unwrap_or_default())];
        Ok(Response::new(wire::ListMattersResponse { matters }))
    }

    async fn decide(
        &self,
        request: Request<wire::DecideRequest>,
    ) -> Result<Response<wire::DecideResponse>, Status> {
        let request = request.into_inner();
        let first = self.with(|script| {
            script.calls += 1;
            let before = script.decided.insert(request.key.clone(), request);
            before.is_none()
        });
        if first {
            self.happens("decided", "hold on matter 1");
            // It is done, and the caller does not hear of it.
            return Err(Status::unavailable("connection reset"));
        }
        Ok(Response::new(wire::DecideResponse::default()))
    }

    async fn control(
        &self,
        _: Request<wire::ControlRequest>,
    ) -> Result<Response<wire::ControlResponse>, Status> {
        Err(Status::permission_denied("trainers only"))
    }

    async fn list_injects(
        &self,
        _: Request<wire::ListInjectsRequest>,
    ) -> Result<Response<wire::ListInjectsResponse>, Status> {
        let injects = vec![super::inject(3, Some(900), None)];
        Ok(Response::new(wire::ListInjectsResponse { injects }))
    }

    async fn cite(
        &self,
        _: Request<wire::CiteRequest>,
    ) -> Result<Response<wire::CiteResponse>, Status> {
        Err(Status::unimplemented("not in this script"))
    }

    async fn hand_over(
        &self,
        _: Request<wire::HandOverRequest>,
    ) -> Result<Response<wire::HandOverResponse>, Status> {
        Err(Status::unimplemented("not in this script"))
    }

    async fn send(
        &self,
        _: Request<wire::SendRequest>,
    ) -> Result<Response<wire::SendResponse>, Status> {
        Err(Status::unimplemented("not in this script"))
    }

    async fn put_inject(
        &self,
        _: Request<wire::PutInjectRequest>,
    ) -> Result<Response<wire::PutInjectResponse>, Status> {
        Err(Status::unimplemented("not in this script"))
    }

    async fn withdraw_inject(
        &self,
        _: Request<wire::WithdrawInjectRequest>,
    ) -> Result<Response<wire::WithdrawInjectResponse>, Status> {
        Err(Status::unimplemented("not in this script"))
    }

    async fn rate(
        &self,
        _: Request<wire::RateRequest>,
    ) -> Result<Response<wire::RateResponse>, Status> {
        Err(Status::unimplemented("not in this script"))
    }

    async fn get_scores(
        &self,
        _: Request<wire::GetScoresRequest>,
    ) -> Result<Response<wire::GetScoresResponse>, Status> {
        Err(Status::unimplemented("not in this script"))
    }
}

#[tonic::async_trait]
impl QueryService for Fake {
    type QueryStream = tokio_stream::Iter<std::vec::IntoIter<Result<query::QueryResponse, Status>>>;
    type WatchReleasesStream = ReceiverStream<Result<query::WatchReleasesResponse, Status>>;

    async fn query(
        &self,
        request: Request<query::QueryRequest>,
    ) -> Result<Response<Self::QueryStream>, Status> {
        self.with(|script| script.asked.push(request.into_inner()));
        let messages: Vec<_> = answer_messages(1).into_iter().map(Ok).collect();
        Ok(Response::new(tokio_stream::iter(messages)))
    }

    async fn explain(
        &self,
        _: Request<query::ExplainRequest>,
    ) -> Result<Response<query::ExplainResponse>, Status> {
        Ok(Response::new(explained(true)))
    }

    async fn request_release(
        &self,
        _: Request<query::RequestReleaseRequest>,
    ) -> Result<Response<query::RequestReleaseResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn decide_release(
        &self,
        request: Request<query::DecideReleaseRequest>,
    ) -> Result<Response<query::DecideReleaseResponse>, Status> {
        let decision = request.into_inner().decision.unwrap();
        let mut script = self.0.lock().unwrap();
        script.steps.push(decision.clone());
        let release = script.releases.iter_mut().find(|one| one.id == decision.release_id).unwrap();
        if decision.after_step != last_step(release) {
            let details = ErrorDetails::with_error_info("RELEASE_CHANGED", DOMAIN, HashMap::new());
            let text = "a later step was taken: look at it first";
            return Err(Status::with_error_details(Code::Aborted, text, details));
        }
        let Some(query::release_decision::Step::Question(text)) = &decision.step else {
            return Err(Status::unimplemented("not in this script"));
        };
        let mut taken = step(decision.after_step + 1, Act::AskBack, "nv-customs", text);
        taken.officer = decision.officer;
        release.steps.push(taken);
        release.state = State::AskedBack as i32;
        // It is done, and the caller does not hear of it.
        Err(Status::unavailable("connection reset"))
    }

    async fn list_releases(
        &self,
        _: Request<query::ListReleasesRequest>,
    ) -> Result<Response<query::ListReleasesResponse>, Status> {
        let releases =
            self.with(|script| script.listed.clone().unwrap_or_else(|| script.releases.clone()));
        Ok(Response::new(query::ListReleasesResponse { releases, next: String::new() }))
    }

    async fn watch_releases(
        &self,
        _: Request<query::WatchReleasesRequest>,
    ) -> Result<Response<Self::WatchReleasesStream>, Status> {
        Err(Status::unimplemented(""))
    }
}

/// A server that can be stopped.
struct Running {
    address: SocketAddr,
    stop: tokio::sync::oneshot::Sender<()>,
    served: tokio::task::JoinHandle<()>,
}

fn serve(fake: &Fake, address: &str) -> Running {
    let incoming = TcpIncoming::bind(address.parse().unwrap()).unwrap();
    let address = incoming.local_addr().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let router = Server::builder()
        .add_service(DrillServiceServer::new(fake.clone()))
        .add_service(QueryServiceServer::new(fake.clone()));
    let served = tokio::spawn(async move {
        let stopped = async { drop(stopped.await) };
        router.serve_with_incoming_shutdown(incoming, stopped).await.unwrap();
    });
    Running { address, stop, served }
}

/// A desk that runs, and what is on its screen.
struct Seat {
    tell: UnboundedSender<Message>,
    screen: Arc<Mutex<String>>,
    left: tokio::task::JoinHandle<anyhow::Result<Model>>,
}

impl Seat {
    fn at(address: SocketAddr) -> Self {
        let channel = Endpoint::from_shared(format!("http://{address}")).unwrap().connect_lazy();
        Self::between(channel.clone(), channel)
    }

    fn between(drill: Channel, gateway: Channel) -> Self {
        let patience = Duration::from_secs(5);
        let doors = Doors { drill, gateway: Some(gateway), patience };
        let (tell, told) = unbounded_channel();
        let screen = Arc::new(Mutex::new(String::new()));
        let (shown, told) = (screen.clone(), (tell.clone(), told));
        let left = tokio::spawn(async move {
            let show = move |model: &Model| {
                *shown.lock().unwrap() = drawn(model, 100, 30).join("\n");
                Ok(())
            };
            run(Model::new("seat", true), &doors, told, show).await
        });
        Self { tell, screen, left }
    }

    fn press(&self, codes: &[KeyCode]) {
        for code in codes {
            self.tell.send(Message::Key((*code).into())).unwrap();
        }
    }

    fn write(&self, text: &str) {
        self.press(&text.chars().map(KeyCode::Char).collect::<Vec<_>>());
    }

    async fn sees(&self, text: &str) {
        for _ in 0..1_000 {
            if self.screen.lock().unwrap().contains(text) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("`{text}` is not on the screen:\n{}", self.screen.lock().unwrap());
    }
}

const TAB: KeyCode = KeyCode::Tab;

#[tokio::test(flavor = "multi_thread")]
async fn a_player_asks_decides_loses_the_connection_and_goes_on() {
    let fake = Fake::told(told(wire::Role::Player));
    fake.happens("inject", "A tip about bearings");
    let running = serve(&fake, "127.0.0.1:0");
    let seat = Seat::at(running.address);
    seat.sees("1 of 1 matters open").await;
    seat.sees("(1 new)").await;
    seat.press(&[KeyCode::Char('a')]);
    seat.sees("policy: ALLOWED under AGR-1").await;
    seat.press(&[TAB, TAB, TAB, TAB, TAB, TAB, KeyCode::Char(' '), KeyCode::Enter]);
    seat.sees("X-0001").await;
    let asked = fake.with(|script| script.asked.clone());
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].query.as_ref().unwrap().fields, ["id"]);

    // The decision arrives, the answer to it does not: it is sent again, and counts once.
    seat.press(&[KeyCode::Char('1'), KeyCode::Char('d'), KeyCode::Char('h'), TAB, TAB]);
    seat.write("came back within days");
    seat.press(&[TAB, TAB, KeyCode::Char(' '), KeyCode::Enter]);
    seat.sees("not known whether it arrived").await;
    seat.sees("done: hold on matter 1").await;
    let (calls, decided) = fake.with(|script| (script.calls, script.decided.clone()));
    assert_eq!((calls, decided.len()), (2, 1));
    let decision = decided.values().next().unwrap();
    assert_eq!(
        (decision.decision.as_str(), decision.evidence.as_slice()),
        ("hold", &["X-0001".to_owned()][..])
    );

    // The server goes away while somebody types, and comes back.
    seat.press(&[KeyCode::Char('m'), TAB]);
    seat.write("How long");
    fake.with(|script| script.stopping = true);
    running.stop.send(()).unwrap();
    running.served.await.unwrap();
    seat.sees("CONNECTION LOST").await;
    seat.write(" may we hold");
    fake.with(|script| script.stopping = false);
    fake.happens("inject", "Another tip");
    let running = serve(&fake, &running.address.to_string());
    seat.sees("How long may we hold").await;
    seat.sees("new: Another tip").await;
    let watched = fake.with(|script| script.watched_from.clone());
    assert_eq!(watched, [0, 2], "it goes on behind the tip and the decision");
    seat.press(&[KeyCode::Esc, KeyCode::Char('2')]);
    seat.sees("A tip about bearings").await;

    seat.press(&[KeyCode::Char('q'), KeyCode::Char('y')]);
    let model = seat.left.await.unwrap().unwrap();
    assert!(model.outbox.is_empty());
    assert_eq!(model.news.len(), 3, "each event once");
    fake.with(|script| script.stopping = true);
    running.stop.send(()).unwrap();
    running.served.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trainer_sees_the_plan_and_why_a_command_was_refused() {
    let fake = Fake::told(told(wire::Role::Trainer));
    let running = serve(&fake, "127.0.0.1:0");
    let seat = Seat::at(running.address);
    seat.sees("next: inject 3 in 0:05:00").await;
    seat.press(&[KeyCode::Char('p')]);
    seat.sees("refused: pause: trainers only").await;
    seat.tell.send(Message::Stop).unwrap();
    seat.left.await.unwrap().unwrap();
    fake.with(|script| script.stopping = true);
    running.stop.send(()).unwrap();
    running.served.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_whose_answer_was_lost_is_taken_once() {
    let fake = Fake::told(told(wire::Role::Player));
    fake.with(|script| script.releases = releases());
    let running = serve(&fake, "127.0.0.1:0");
    let seat = Seat::at(running.address);
    seat.sees("5 Requests (3 wait)").await;
    seat.press(&[KeyCode::Char('5'), KeyCode::Char('b')]);
    seat.write("which two declarations?");
    seat.press(&[KeyCode::Enter, KeyCode::Enter]);
    seat.sees("not known whether it arrived").await;
    seat.sees("done: question back").await;
    seat.sees("ASKED BACK").await;
    let (steps, release) = fake.with(|script| (script.steps.clone(), script.releases[2].clone()));
    assert_eq!((steps.len(), last_step(&release)), (2, 2), "sent twice, taken once");
    assert_eq!((steps[0].clone(), steps[0].after_step), (steps[1].clone(), 1));
    // A later step of somebody else is another matter.
    seat.sees("5 Requests (2 wait)").await;
    seat.press(&[KeyCode::Home, KeyCode::Char('b')]);
    seat.write("which case?");
    seat.press(&[KeyCode::Enter]);
    seat.sees("Enter once more sends it").await;
    fake.with(|script| {
        script.listed = Some(script.releases.clone());
        let release = &mut script.releases[3];
        release.steps.push(step(2, Act::Withdraw, "jp-licence", "settled"));
        release.state = State::Withdrawn as i32;
    });
    seat.press(&[KeyCode::Enter]);
    seat.sees("RELEASE_CHANGED: a later step was taken").await;
    seat.sees("which case?").await;
    seat.tell.send(Message::Stop).unwrap();
    let model = seat.left.await.unwrap().unwrap();
    assert!(model.outbox.is_empty());
    fake.with(|script| script.stopping = true);
    running.stop.send(()).unwrap();
    running.served.await.unwrap();
}

/// What a drill tells a player of the tutorial's team.
fn tutorial_told(host: &Host, team: &str) -> wire::GetDrillResponse {
    let (scenario, _) = tutorial();
    let teams = scenario.teams.iter().map(|one| wire::Team {
        agency: one.agency.clone(),
        name: one.agency.clone(),
        record_types: host.holds(&one.agency),
        ..wire::Team::default()
    });
    let (teams, team) = (teams.collect(), team.to_owned());
    wire::GetDrillResponse { teams, team, ..told(wire::Role::Player) }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_team_asks_for_another_team_grants_at_its_desk_through_a_gateway() {
    let (scenario, plot) = tutorial();
    let folder = tempfile::tempdir().unwrap();
    let host = Host::start(scenario, plot, folder.path()).await.unwrap();
    host.now().set_all(plot.story.world(Exercise(600_000))).await.unwrap();
    let mut desks = vec![];
    for team in ["nv-customs", "vl-customs"] {
        let fake = Fake::told(tutorial_told(&host, team));
        let running = serve(&fake, "127.0.0.1:0");
        let drill = Endpoint::from_shared(format!("http://{}", running.address)).unwrap();
        let seat = Seat::between(drill.connect_lazy(), host.channels()[team].clone());
        seat.sees(team).await;
        desks.push((fake, running, seat));
    }
    let (norvia, velland) = (&desks[0].2, &desks[1].2);

    // Norvia asks, and sees a token where Velland's importer stands.
    norvia.press(&[KeyCode::Char('a')]);
    let chosen = tutorial_told(&host, "nv-customs").teams;
    let others = chosen.iter().filter(|team| team.agency != "nv-customs");
    for _ in others.take_while(|team| team.agency != "vl-customs") {
        norvia.press(&[KeyCode::Right]);
    }
    norvia.press(&[TAB, TAB, TAB, TAB]);
    norvia.write("items.hs_code prefix '84'");
    norvia.press(&[TAB]);
    norvia.write("goods of our case");
    norvia.press(&[TAB]);
    let declaration = record_type(DECLARATION).unwrap();
    let leaf = declaration.leaves().iter().position(|leaf| leaf.path == "importer.id").unwrap();
    norvia.press(&vec![KeyCode::Down; leaf]);
    norvia.press(&[KeyCode::Char(' ')]);
    norvia.sees("policy: ALLOWED under customs-assistance").await;
    norvia.press(&[KeyCode::Enter]);
    norvia.sees("connected  vl-customs: ").await;
    norvia.press(&[KeyCode::Enter, KeyCode::Enter]);
    norvia.sees("pseudonymise").await;
    norvia.press(&[KeyCode::Char('r')]);
    norvia.sees("Ask vl-customs to show importer.id").await;
    norvia.write("the same importer stands in our case");
    norvia.press(&[KeyCode::Enter]);
    norvia.sees("done: request to show more").await;

    // Velland asks back, Norvia answers, Velland grants.
    velland.sees("5 Requests (1 waits)").await;
    velland.press(&[KeyCode::Char('5'), KeyCode::Enter]);
    velland.sees("reason      the same importer stands in our case").await;
    velland.press(&[KeyCode::Char('b')]);
    velland.write("which case?");
    velland.press(&[KeyCode::Enter, KeyCode::Enter]);
    velland.sees("done: question back").await;
    norvia.press(&[KeyCode::Char('5')]);
    norvia.sees("ASKED BACK").await;
    norvia.press(&[KeyCode::Char('a')]);
    norvia.sees("“which case?”").await;
    norvia.write("the bearings of March");
    norvia.press(&[KeyCode::Enter, KeyCode::Enter]);
    norvia.sees("done: answer").await;
    velland.sees("ANSWER by nv-customs: the bearings of March").await;
    velland.press(&[KeyCode::Char('g'), KeyCode::Char(' '), TAB]);
    velland.write("for this case alone");
    velland.press(&[KeyCode::Enter]);
    velland.sees("nv-customs will see in clear, of this one record: importer.id.").await;
    velland.press(&[KeyCode::Enter]);
    velland.sees("GRANT by vl-customs: for this case alone").await;

    // Norvia uses it, and sees the one record's field as it is.
    norvia.sees("GRANTED").await;
    norvia.press(&[KeyCode::Char('a'), KeyCode::Enter]);
    norvia.sees("Declaration of vl-customs: 1 record;").await;
    norvia.press(&[KeyCode::Enter]);
    norvia.sees("GRANTED_BY_ORIGINATOR").await;

    // Velland takes it back; asked again, the gateway refuses.
    velland.press(&[KeyCode::Char('v')]);
    velland.write("given by mistake");
    velland.press(&[KeyCode::Enter, KeyCode::Enter]);
    velland.sees("asks us: REVOKED").await;
    norvia.press(&[KeyCode::Char('5')]);
    norvia.sees("REVOKED").await;
    for (fake, running, seat) in desks {
        seat.tell.send(Message::Stop).unwrap();
        seat.left.await.unwrap().unwrap();
        fake.with(|script| script.stopping = true);
        running.stop.send(()).unwrap();
        running.served.await.unwrap();
    }
    host.end().await.unwrap();
}
