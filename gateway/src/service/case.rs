//! Cases: decode, call [`Cases`], encode.

use std::sync::Arc;

use portcullis_core::id::Moment;
use portcullis_proto::case::v1 as wire;
use portcullis_proto::case::v1::case_service_server::CaseService;
use tonic::{Request, Response, Status};

use crate::broker::Broker;
use crate::cases::{CaseRefusal, Cases, OpenedCase, Opening};
use crate::record_types::Doer;
use crate::status::Refusal;

/// The service.
pub struct Casework {
    /// The gateway.
    pub broker: Arc<Broker>,
    /// Its cases.
    pub cases: Arc<Cases>,
}

impl Casework {
    fn doer<T>(&self, request: &Request<T>) -> Result<Doer, Status> {
        let (peer, info) = super::caller(&self.broker, request)?;
        Ok(Doer { certificate: super::asked::fingerprint(&info), peer })
    }

    fn told(
        &self,
        doer: &Doer,
        done: Result<OpenedCase, CaseRefusal>,
    ) -> Result<Option<wire::Case>, Status> {
        match done {
            Ok(case) => Ok(Some(to_wire(case, self.broker.clock.now()))),
            Err(refusal) => {
                let (by, reason) = (doer.peer.spiffe_id.to_string(), refusal.reason());
                tracing::warn!(by, reason, "an act on a case is refused");
                Err(Refusal::Case(refusal).into_status(""))
            }
        }
    }
}

#[tonic::async_trait]
impl CaseService for Casework {
    async fn open(
        &self,
        request: Request<wire::OpenRequest>,
    ) -> Result<Response<wire::OpenResponse>, Status> {
        let doer = self.doer(&request)?;
        let asked = request.into_inner();
        let opening = Opening {
            id: asked.id,
            title: asked.title,
            opens: asked.opens.map(|at| moment("opens", &at)).transpose()?,
            closes: asked.closes.map(|at| moment("closes", &at)).transpose()?,
            room: asked.room,
            template: asked.template,
            invite: asked.invite,
        };
        let done = self.cases.open_case(&self.broker, &doer, opening).await;
        Ok(Response::new(wire::OpenResponse { case: self.told(&doer, done)? }))
    }

    async fn invite(
        &self,
        request: Request<wire::InviteRequest>,
    ) -> Result<Response<wire::InviteResponse>, Status> {
        let doer = self.doer(&request)?;
        let wire::InviteRequest { id, agencies } = request.into_inner();
        let done = self.cases.invite(&self.broker, &doer, &id, &agencies).await;
        Ok(Response::new(wire::InviteResponse { case: self.told(&doer, done)? }))
    }

    async fn join(
        &self,
        request: Request<wire::JoinRequest>,
    ) -> Result<Response<wire::JoinResponse>, Status> {
        let doer = self.doer(&request)?;
        let done = self.cases.join(&self.broker, &doer, &request.into_inner().id).await;
        Ok(Response::new(wire::JoinResponse { case: self.told(&doer, done)? }))
    }

    async fn leave(
        &self,
        request: Request<wire::LeaveRequest>,
    ) -> Result<Response<wire::LeaveResponse>, Status> {
        let doer = self.doer(&request)?;
        let done = self.cases.leave(&self.broker, &doer, &request.into_inner().id).await;
        Ok(Response::new(wire::LeaveResponse { case: self.told(&doer, done)? }))
    }

    async fn close(
        &self,
        request: Request<wire::CloseRequest>,
    ) -> Result<Response<wire::CloseResponse>, Status> {
        let doer = self.doer(&request)?;
        let done = self.cases.close(&self.broker, &doer, &request.into_inner().id).await;
        Ok(Response::new(wire::CloseResponse { case: self.told(&doer, done)? }))
    }

    async fn list(
        &self,
        request: Request<wire::ListRequest>,
    ) -> Result<Response<wire::ListResponse>, Status> {
        let (peer, _) = super::caller(&self.broker, &request)?;
        let now = self.broker.clock.now();
        let cases = self.cases.list(&peer.agency).await;
        let cases = cases.into_iter().map(|case| to_wire(case, now)).collect();
        Ok(Response::new(wire::ListResponse { cases }))
    }
}

fn moment(field: &str, at: &prost_types::Timestamp) -> Result<Moment, Status> {
    moment_of(at).ok_or_else(|| {
        let text = "is not a time between 1970 and 9999";
        Refusal::invalid("TIME_MALFORMED", field, text).into_status("")
    })
}

/// A time between 1970 and 9999, to the millisecond; none for another.
pub(super) fn moment_of(at: &prost_types::Timestamp) -> Option<Moment> {
    let fits = (0..1_000_000_000).contains(&at.nanos) && (0..253_402_300_800).contains(&at.seconds);
    fits.then(|| Moment(at.seconds * 1000 + i64::from(at.nanos / 1_000_000)))
}

fn to_wire(case: OpenedCase, now: Moment) -> wire::Case {
    let open = case.row.opens <= now && !case.closed(now);
    let texts = |all: std::collections::BTreeSet<portcullis_core::id::AgencyId>| {
        all.into_iter().map(|one| one.to_string()).collect()
    };
    wire::Case {
        id: case.row.id,
        title: case.row.title,
        opened_by: case.opened_by.to_string(),
        members: texts(case.members),
        invited: texts(case.invited),
        opens: Some(case.row.opens.to_proto()),
        closes: case.closes.map(Moment::to_proto),
        open,
        room: case.row.room,
        template: case.row.template.lines().map(str::to_owned).collect(),
    }
}
