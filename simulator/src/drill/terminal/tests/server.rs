//! A drill and a gateway that answer by a script, over TCP, and a desk that runs against them.

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
use super::requests::step;
use super::{answer_messages, at, clock, drawn, explained, matter};

/// As the gateway names itself in its refusals.
const DOMAIN: &str = "portcullis";

/// What the servers know and were asked.
#[derive(Default)]
pub(super) struct Script {
    pub events: Vec<wire::Happened>,
    pub decided: BTreeMap<String, wire::DecideRequest>,
    pub calls: usize,
    pub watched_from: Vec<u64>,
    pub asked: Vec<query::QueryRequest>,
    pub stopping: bool,
    pub told: wire::GetDrillResponse,
    pub releases: Vec<query::Release>,
    /// What is listed instead, where it is not what stands.
    pub listed: Option<Vec<query::Release>>,
    pub steps: Vec<query::ReleaseDecision>,
}

#[derive(Clone)]
pub(super) struct Fake(Arc<Mutex<Script>>);

impl Fake {
    pub fn told(told: wire::GetDrillResponse) -> Self {
        Self(Arc::new(Mutex::new(Script { told, ..Script::default() })))
    }

    pub fn with<T>(&self, look: impl FnOnce(&mut Script) -> T) -> T {
        look(&mut self.0.lock().unwrap())
    }

    pub fn happens(&self, kind: &str, text: &str) {
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
pub(super) struct Running {
    pub address: SocketAddr,
    pub stop: tokio::sync::oneshot::Sender<()>,
    pub served: tokio::task::JoinHandle<()>,
}

pub(super) fn serve(fake: &Fake, address: &str) -> Running {
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
pub(super) struct Seat {
    pub tell: UnboundedSender<Message>,
    pub screen: Arc<Mutex<String>>,
    pub left: tokio::task::JoinHandle<anyhow::Result<Model>>,
}

impl Seat {
    pub fn at(address: SocketAddr) -> Self {
        let channel = Endpoint::from_shared(format!("http://{address}")).unwrap().connect_lazy();
        Self::between(channel.clone(), channel)
    }

    pub fn between(drill: Channel, gateway: Channel) -> Self {
        let patience = Duration::from_secs(20);
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

    pub fn press(&self, codes: &[KeyCode]) {
        for code in codes {
            self.tell.send(Message::Key((*code).into())).unwrap();
        }
    }

    pub fn write(&self, text: &str) {
        self.press(&text.chars().map(KeyCode::Char).collect::<Vec<_>>());
    }

    pub async fn sees(&self, text: &str) {
        for _ in 0..2_000 {
            if self.screen.lock().unwrap().contains(text) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("`{text}` is not on the screen:\n{}", self.screen.lock().unwrap());
    }
}
