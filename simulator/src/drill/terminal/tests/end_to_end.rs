//! One desk against a drill and a gateway that answer by a script, over TCP: it asks, decides, loses the connection and
//! goes on.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use portcullis_proto::drill::v1 as wire;
use portcullis_proto::query::v1 as query;
use query::query_service_server::{QueryService, QueryServiceServer};
use ratatui::crossterm::event::KeyCode;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Endpoint, Server};
use tonic::{Request, Response, Status};
use wire::drill_service_server::{DrillService, DrillServiceServer};

use super::super::message::Message;
use super::super::model::Model;
use super::super::runner::{Doors, run};
use super::{answer_messages, at, clock, drawn, explained, matter, told};

/// What the servers know and were asked.
#[derive(Default)]
struct Script {
    events: Vec<wire::Happened>,
    decided: BTreeMap<String, wire::DecideRequest>,
    calls: usize,
    watched_from: Vec<u64>,
    asked: Vec<query::QueryRequest>,
    stopping: bool,
    role: wire::Role,
}

#[derive(Clone)]
struct Fake(Arc<Mutex<Script>>);

impl Fake {
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
        let (role, next_event) = self.with(|script| (script.role, script.events.len() as u64));
        Ok(Response::new(wire::GetDrillResponse { next_event, ..told(role) }))
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
        _: Request<query::DecideReleaseRequest>,
    ) -> Result<Response<query::DecideReleaseResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn list_releases(
        &self,
        _: Request<query::ListReleasesRequest>,
    ) -> Result<Response<query::ListReleasesResponse>, Status> {
        Err(Status::unimplemented(""))
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
        let patience = Duration::from_secs(5);
        let doors = Doors { drill: channel.clone(), gateway: Some(channel), patience };
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
    let fake = Fake(Arc::new(Mutex::new(Script { role: wire::Role::Player, ..Script::default() })));
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
    let fake =
        Fake(Arc::new(Mutex::new(Script { role: wire::Role::Trainer, ..Script::default() })));
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
