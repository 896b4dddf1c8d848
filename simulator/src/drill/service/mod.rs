//! `portcullis.drill.v1.DrillService`: how people take part in a drill. Who is calling is said by the certificate alone;
//! what each role may do and see is said here, and what the moment allows by [`super::live`].
//!
//! - `who.rs`: from certificate to role · `told.rs`: what each may see of an event · `words.rs`: the contract's words
//! - `deeds.rs`, `views.rs`: calls that change something, and calls that look

mod deeds;
mod told;
mod views;
mod who;
mod words;

use std::pin::Pin;
use std::sync::Arc;

use portcullis::identity::ServerLimits;
use portcullis_proto::drill::v1 as wire;
use portcullis_proto::drill::v1::drill_service_server::{DrillService, DrillServiceServer};
use tokio_stream::Stream;
use tonic::transport::Server;
use tonic::{Code, Request, Response, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use super::host::Doors;
use super::live::{Problem, Session};
pub use who::{Role, Who};

/// Largest request that is taken.
const REQUEST_BYTES: usize = 1 << 20;

/// The service of a drill.
#[derive(Clone)]
pub struct Service {
    session: Session,
    case: String,
    held: Arc<Vec<Vec<String>>>,
}

impl Service {
    /// Of a session whose teams name `case` to the gateway. `held`: record types that each team's agency can be asked for.
    pub fn new(session: Session, case: &str, held: Vec<Vec<String>>) -> Self {
        Self { session, case: case.to_owned(), held: Arc::new(held) }
    }

    /// Serves until the doors' stop.
    ///
    /// # Errors
    /// When the listener fails.
    pub async fn serve(self, doors: Doors) -> Result<(), tonic::transport::Error> {
        let Doors { incoming, layer, stop, .. } = doors;
        let service = DrillServiceServer::new(self).max_decoding_message_size(REQUEST_BYTES);
        ServerLimits::default()
            .apply(Server::builder())
            .layer(layer)
            .add_service(service)
            .serve_with_incoming_shutdown(incoming, stop.cancelled_owned())
            .await
    }
}

/// A refusal with its stable word.
fn refused(code: Code, word: &str, text: impl Into<String>) -> Status {
    let details = ErrorDetails::with_error_info(word, "portcullis", []);
    Status::with_error_details(code, text, details)
}

fn problem(problem: &Problem) -> Status {
    let code = match problem {
        Problem::KeyReused => Code::AlreadyExists,
        Problem::NoTeam(_) | Problem::NoInject(_) | Problem::NoObjective(_) => Code::NotFound,
        Problem::Refused(refusal) if refusal.word() == "MATTER_UNKNOWN" => Code::NotFound,
        _ => Code::FailedPrecondition,
    };
    refused(code, problem.word(), problem.to_string())
}

type Answer<T> = Result<Response<T>, Status>;
type Told = Pin<Box<dyn Stream<Item = Result<wire::WatchResponse, Status>> + Send>>;

#[tonic::async_trait]
impl DrillService for Service {
    type WatchStream = Told;

    async fn get_drill(
        &self,
        request: Request<wire::GetDrillRequest>,
    ) -> Answer<wire::GetDrillResponse> {
        let who = self.who(&request)?;
        Ok(Response::new(self.drill(&who).await?))
    }

    async fn watch(&self, request: Request<wire::WatchRequest>) -> Answer<Told> {
        let who = self.who(&request)?;
        Ok(Response::new(told::watch(self.session.clone(), who, request.into_inner().from_event)))
    }

    async fn list_matters(
        &self,
        request: Request<wire::ListMattersRequest>,
    ) -> Answer<wire::ListMattersResponse> {
        let who = self.who(&request)?;
        Ok(Response::new(self.matters(&who, request.into_inner()).await?))
    }

    async fn decide(&self, request: Request<wire::DecideRequest>) -> Answer<wire::DecideResponse> {
        let who = self.who(&request)?;
        let (event, exercise) = self.decided(&who, request.into_inner()).await?;
        Ok(Response::new(wire::DecideResponse { event, exercise }))
    }

    async fn cite(&self, request: Request<wire::CiteRequest>) -> Answer<wire::CiteResponse> {
        let who = self.who(&request)?;
        let event = self.cited(&who, request.into_inner()).await?;
        Ok(Response::new(wire::CiteResponse { event }))
    }

    async fn hand_over(
        &self,
        request: Request<wire::HandOverRequest>,
    ) -> Answer<wire::HandOverResponse> {
        let who = self.who(&request)?;
        let event = self.handed_over(&who, request.into_inner()).await?;
        Ok(Response::new(wire::HandOverResponse { event }))
    }

    async fn send(&self, request: Request<wire::SendRequest>) -> Answer<wire::SendResponse> {
        let who = self.who(&request)?;
        let event = self.sent(&who, request.into_inner()).await?;
        Ok(Response::new(wire::SendResponse { event }))
    }

    async fn control(
        &self,
        request: Request<wire::ControlRequest>,
    ) -> Answer<wire::ControlResponse> {
        let who = self.who(&request)?;
        Ok(Response::new(self.controlled(&who, request.into_inner()).await?))
    }

    async fn list_injects(
        &self,
        request: Request<wire::ListInjectsRequest>,
    ) -> Answer<wire::ListInjectsResponse> {
        let who = self.who(&request)?;
        Ok(Response::new(self.injects(&who).await?))
    }

    async fn put_inject(
        &self,
        request: Request<wire::PutInjectRequest>,
    ) -> Answer<wire::PutInjectResponse> {
        let who = self.who(&request)?;
        Ok(Response::new(self.planned(&who, request.into_inner()).await?))
    }

    async fn withdraw_inject(
        &self,
        request: Request<wire::WithdrawInjectRequest>,
    ) -> Answer<wire::WithdrawInjectResponse> {
        let who = self.who(&request)?;
        let event = self.withdrawn(&who, request.into_inner()).await?;
        Ok(Response::new(wire::WithdrawInjectResponse { event }))
    }

    async fn rate(&self, request: Request<wire::RateRequest>) -> Answer<wire::RateResponse> {
        let who = self.who(&request)?;
        let event = self.rated(&who, request.into_inner()).await?;
        Ok(Response::new(wire::RateResponse { event }))
    }

    async fn get_scores(
        &self,
        request: Request<wire::GetScoresRequest>,
    ) -> Answer<wire::GetScoresResponse> {
        let who = self.who(&request)?;
        Ok(Response::new(self.scores(&who).await?))
    }
}
