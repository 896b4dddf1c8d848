//! Agreements: decode, call [`Agreements`], encode. Who calls is the identity layer's word; whose act it is, the
//! statement's, and the two have to be one agency.

use std::pin::Pin;
use std::sync::Arc;

use futures::{Stream, StreamExt as _};
use portcullis_core::act::{Act, Life, Version};
use portcullis_core::id::{AgencyId, Moment};
use portcullis_core::policy::Take;
use portcullis_proto::agreement::v1 as wire;
use portcullis_proto::agreement::v1::agreement_service_server::AgreementService;
use tonic::{Request, Response, Status};

use crate::agreements::{AgreementRefusal, Agreements, Brings, phase};
use crate::broker::Broker;
use crate::identity::{PeerId, PeerInfo};
use crate::record_types::Doer;
use crate::status::Refusal;
use crate::store::ActRow;

/// The service.
pub struct Agreeing {
    /// The gateway.
    pub broker: Arc<Broker>,
    /// Its agreements.
    pub agreements: Arc<Agreements>,
}

/// Watchers' stream.
type Watched = Pin<Box<dyn Stream<Item = Result<wire::WatchResponse, Status>> + Send>>;

impl Agreeing {
    async fn act(&self, caller: Caller, brings: Brings<'_>) -> Result<wire::Agreement, Status> {
        let (peer, info) = caller?;
        let doer = Doer { certificate: super::asked::fingerprint(&info), peer: peer.clone() };
        let (act, wanted) = (brings.act, brings.agreement.unwrap_or_default().to_owned());
        let life = self.agreements.act(&self.broker, &doer, brings).await.map_err(|refusal| {
            tracing::warn!(
                by = doer.peer.spiffe_id.to_string(),
                agreement = ?wanted,
                act,
                reason = refusal.reason(),
                "a statement is refused"
            );
            refused(refusal)
        })?;
        let now = self.broker.clock.now();
        let version = life.current(now).ok_or_else(|| Refusal::Internal.into_status(""))?;
        Ok(to_wire(&life, version, &peer.agency, now))
    }
}

type Caller = Result<(Arc<PeerId>, PeerInfo), Status>;

fn refused(refusal: AgreementRefusal) -> Status {
    Refusal::Agreement(refusal).into_status("")
}

macro_rules! act {
    ($self:ident, $request:ident, $word:literal, $response:ident) => {{
        let caller = super::caller(&$self.broker, &$request);
        let asked = $request.into_inner();
        let brings = Brings {
            agreement: Some(&asked.agreement_id),
            act: $word,
            note: &asked.statement,
            text: None,
        };
        let agreement = Some($self.act(caller, brings).await?);
        Ok(Response::new(wire::$response { agreement }))
    }};
}

#[tonic::async_trait]
impl AgreementService for Agreeing {
    type WatchStream = Watched;

    async fn propose(
        &self,
        request: Request<wire::ProposeRequest>,
    ) -> Result<Response<wire::ProposeResponse>, Status> {
        let caller = super::caller(&self.broker, &request);
        let asked = request.into_inner();
        let brings = Brings {
            agreement: None,
            act: "sign",
            note: &asked.statement,
            text: Some(&asked.text),
        };
        let agreement = Some(self.act(caller, brings).await?);
        Ok(Response::new(wire::ProposeResponse { agreement }))
    }

    async fn sign(
        &self,
        request: Request<wire::SignRequest>,
    ) -> Result<Response<wire::SignResponse>, Status> {
        act!(self, request, "sign", SignResponse)
    }

    async fn accede(
        &self,
        request: Request<wire::AccedeRequest>,
    ) -> Result<Response<wire::AccedeResponse>, Status> {
        act!(self, request, "accede", AccedeResponse)
    }

    async fn consent(
        &self,
        request: Request<wire::ConsentRequest>,
    ) -> Result<Response<wire::ConsentResponse>, Status> {
        act!(self, request, "consent", ConsentResponse)
    }

    async fn withdraw(
        &self,
        request: Request<wire::WithdrawRequest>,
    ) -> Result<Response<wire::WithdrawResponse>, Status> {
        act!(self, request, "withdraw", WithdrawResponse)
    }

    async fn reserve(
        &self,
        request: Request<wire::ReserveRequest>,
    ) -> Result<Response<wire::ReserveResponse>, Status> {
        act!(self, request, "reserve", ReserveResponse)
    }

    async fn suspend(
        &self,
        request: Request<wire::SuspendRequest>,
    ) -> Result<Response<wire::SuspendResponse>, Status> {
        act!(self, request, "suspend", SuspendResponse)
    }

    async fn resume(
        &self,
        request: Request<wire::ResumeRequest>,
    ) -> Result<Response<wire::ResumeResponse>, Status> {
        act!(self, request, "resume", ResumeResponse)
    }

    async fn terminate(
        &self,
        request: Request<wire::TerminateRequest>,
    ) -> Result<Response<wire::TerminateResponse>, Status> {
        act!(self, request, "terminate", TerminateResponse)
    }

    async fn get(
        &self,
        request: Request<wire::GetRequest>,
    ) -> Result<Response<wire::GetResponse>, Status> {
        let (peer, _) = super::caller(&self.broker, &request)?;
        let wire::GetRequest { agreement_id, version } = request.into_inner();
        let life = self.agreements.get(&peer.agency, &agreement_id).await.map_err(refused)?;
        let now = self.broker.clock.now();
        let found = match version {
            0 => life.current(now),
            version => life.versions().get(&version),
        };
        let found = found
            .ok_or_else(|| refused(portcullis_core::act::ActRefusal::VersionUnknown.into()))?;
        Ok(Response::new(wire::GetResponse {
            agreement: Some(to_wire(&life, found, &peer.agency, now)),
            text: found.file.text.clone(),
        }))
    }

    async fn list(
        &self,
        request: Request<wire::ListRequest>,
    ) -> Result<Response<wire::ListResponse>, Status> {
        let (peer, _) = super::caller(&self.broker, &request)?;
        let now = self.broker.clock.now();
        let lives = self.agreements.list(&peer.agency).await;
        let agreements = lives
            .iter()
            .flat_map(|life| life.versions().values().map(move |version| (life, version)))
            .map(|(life, version)| to_wire(life, version, &peer.agency, now))
            .collect();
        Ok(Response::new(wire::ListResponse { agreements }))
    }

    async fn watch(
        &self,
        request: Request<wire::WatchRequest>,
    ) -> Result<Response<Watched>, Status> {
        let (peer, _) = super::caller(&self.broker, &request)?;
        let state = Watching {
            agreements: self.agreements.clone(),
            agency: peer.agency.clone(),
            told: self.agreements.told(),
            after: request.get_ref().after,
        };
        let batches = futures::stream::unfold(Some(state), |state| async {
            let mut state = state?;
            match state.next().await {
                Ok(rows) => Some((Ok(rows), Some(state))),
                Err(refusal) => Some((Err(refusal), None)),
            }
        });
        let each = batches.flat_map(|rows| {
            let all: Vec<Result<wire::WatchResponse, Status>> = match rows {
                Ok(rows) => rows.into_iter().map(|row| Ok(told(row))).collect(),
                Err(refusal) => vec![Err(refused(refusal))],
            };
            futures::stream::iter(all)
        });
        Ok(Response::new(Box::pin(each)))
    }
}

/// What a watcher has seen.
struct Watching {
    agreements: Arc<Agreements>,
    agency: AgencyId,
    told: tokio::sync::watch::Receiver<i64>,
    after: i64,
}

impl Watching {
    /// The statements behind the last ones; waits until there are some.
    async fn next(&mut self) -> Result<Vec<ActRow>, AgreementRefusal> {
        loop {
            self.told.mark_unchanged();
            let (rows, last) = self.agreements.acts(&self.agency, self.after).await?;
            self.after = last;
            if !rows.is_empty() {
                return Ok(rows);
            }
            // The gateway goes away: so does the watch.
            if self.told.changed().await.is_err() {
                return Err(AgreementRefusal::StoreUnavailable);
            }
        }
    }
}

fn told(row: ActRow) -> wire::WatchResponse {
    wire::WatchResponse {
        place: row.seq,
        agreement_id: row.agreement,
        version: row.version,
        agency: row.agency,
        act: row.act,
        at: Some(row.at.to_proto()),
        statement: row.note,
    }
}

fn to_wire(life: &Life, version: &Version, caller: &AgencyId, now: Moment) -> wire::Agreement {
    let agreement = &version.agreement;
    let standing = version.standing(now);
    let suspended_by = match &standing.phase {
        portcullis_core::policy::Phase::Suspended(by) => by.as_slice(),
        _ => &[],
    };
    let followed = life.current(now).is_some_and(|one| one.agreement.version > agreement.version);
    let phase = match phase(version, now) {
        "PROPOSED" if followed => wire::Phase::Ended,
        "PROPOSED" => wire::Phase::Proposed,
        _ if followed => wire::Phase::Ended,
        "SIGNED" => wire::Phase::Signed,
        "IN_FORCE" => wire::Phase::InForce,
        "SUSPENDED" => wire::Phase::Suspended,
        _ => wire::Phase::Ended,
    };
    let mut parties: Vec<wire::Party> = agreement
        .parties
        .iter()
        .chain(&standing.joined)
        .map(|agency| wire::Party {
            agency: agency.to_string(),
            signed_at: version.signed().get(agency).map(|at| at.to_proto()),
            acceded: standing.joined.contains(agency),
            left_at: standing.left.get(agency).map(|at| at.to_proto()),
            suspends: suspended_by.contains(agency),
        })
        .collect();
    parties.sort_by(|one, two| one.agency.cmp(&two.agency));
    let texts = |all: &mut dyn Iterator<Item = &AgencyId>| all.map(ToString::to_string).collect();
    wire::Agreement {
        id: agreement.id.to_string(),
        version: agreement.version,
        title: agreement.title.clone(),
        phase: phase.into(),
        by_operator: version.by_operator,
        valid_from: Some(agreement.valid_from.to_proto()),
        valid_until: Some(agreement.valid_until.to_proto()),
        ends: standing.ends.map(Moment::to_proto),
        parties,
        open_to: texts(&mut agreement.open_to.iter()),
        asking: texts(&mut version.asking()),
        reservations: standing.reservations.iter().map(reservation).collect(),
        text_sha256: bytes::Bytes::copy_from_slice(&agreement.digest.0),
        schemas: version
            .schemas
            .iter()
            .map(|(name, hash)| wire::Schema {
                record_type: name.to_string(),
                hash: bytes::Bytes::copy_from_slice(&hash.0),
            })
            .collect(),
        next_serial: life.next_serial(caller),
    }
}

fn reservation(one: &portcullis_core::policy::Reservation) -> String {
    let line: (Option<usize>, Take) = (one.flow, one.takes.clone());
    format!("{}: {}", one.agency, Act::take_line(&line))
}
