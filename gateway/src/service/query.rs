//! Queries: from the wire to the broker and back. What is sent is built only from what the broker sealed.

use std::collections::HashSet;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::Stream;
use portcullis_core::filter::Filter;
use portcullis_core::handling::HandlingClass;
use portcullis_core::id::{AgencyId, AgreementId, CaseId, Digest, OfficerId, RecordTypeName};
use portcullis_core::policy::{Purpose, Request as Asked};
use portcullis_core::redact::{Plan, Treatment, presence_bits};
use portcullis_core::release::ReleaseId;
use portcullis_proto::audit::v1 as audit;
use portcullis_proto::digest::query_digest;
use portcullis_proto::query::v1 as wire;
use portcullis_proto::query::v1::query_response::Message;
use portcullis_proto::query::v1::query_service_server::{QueryService, QueryServiceServer};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tonic::body::Body;
use tonic::server::{NamedService, ServerStreamingService};
use tonic::{Request, Response, Status};
use tracing::Instrument as _;

use super::door::parse_timeout;
use super::filter::from_wire;
use super::outgoing::{Answers, Batch, Outgoing, PlanMessages};
use super::release::Steps;
use crate::audit::{ExchangeId, LogProof, Requester};
use crate::broker::{Answer, Ask, Broker, Completeness, Explanation, Header, Reply, Wanted};
use crate::config::Limits;
use crate::identity::{PeerId, PeerInfo};
use crate::officers::is_officer;
use crate::releases::ReleaseRefusal;
use crate::status::Refusal;
use crate::telemetry;

/// The method that [`QueryRoutes`] answers itself.
const QUERY: &str = "/portcullis.query.v1.QueryService/Query";
/// Longest text a query may bring: ids, justification, paths.
pub(super) const TEXT: usize = 4096;
/// Most paths in a field mask, and most sources named.
const NAMES: usize = 1024;
/// Most references quoted in one query.
const REFERENCES: usize = 256;

/// The service.
pub struct Queries {
    /// The gateway.
    pub broker: Arc<Broker>,
    /// Plans that were sent before.
    plans: PlanMessages,
}

#[tonic::async_trait]
impl QueryService for Queries {
    type QueryStream = futures::stream::Empty<Result<wire::QueryResponse, Status>>;
    type WatchReleasesStream = Steps;

    /// [`QueryRoutes`] answers this method before it comes here.
    async fn query(
        &self,
        _: Request<wire::QueryRequest>,
    ) -> Result<Response<Self::QueryStream>, Status> {
        Err(Refusal::Internal.into_status(""))
    }

    async fn explain(
        &self,
        request: Request<wire::ExplainRequest>,
    ) -> Result<Response<wire::ExplainResponse>, Status> {
        let span = tracing::info_span!("explain", otel.kind = "server");
        telemetry::adopt(&span, request.metadata());
        let (peer, _) = super::caller(&self.broker, &request)?;
        let wire::ExplainRequest { query, as_officer } = request.into_inner();
        let digest = query.as_ref().map(query_digest).unwrap_or_default();
        let explained = async {
            let query = query.ok_or_else(|| missing("query"))?;
            let mut asked = parse_request(&peer, &query, &|name: &str| self.knows(name))?;
            asked.officer = as_officer.then(|| officer_of(&query));
            let filter = query.filter.map(parse_filter).transpose()?;
            let fields = parse_wanted(query.fields)?;
            parse_references(query.references)?;
            let explanation = self.broker.explain(&asked, filter.as_ref(), &fields).await?;
            Ok(explained(explanation, digest))
        };
        let explained: Result<_, Refusal> = explained.instrument(span).await;
        explained.map(Response::new).map_err(|refusal| refusal.into_status(""))
    }

    async fn request_release(
        &self,
        request: Request<wire::RequestReleaseRequest>,
    ) -> Result<Response<wire::RequestReleaseResponse>, Status> {
        self.request(request).await
    }

    async fn decide_release(
        &self,
        request: Request<wire::DecideReleaseRequest>,
    ) -> Result<Response<wire::DecideReleaseResponse>, Status> {
        self.decide(request).await
    }

    async fn list_releases(
        &self,
        request: Request<wire::ListReleasesRequest>,
    ) -> Result<Response<wire::ListReleasesResponse>, Status> {
        self.list(&request)
    }

    async fn watch_releases(
        &self,
        request: Request<wire::WatchReleasesRequest>,
    ) -> Result<Response<Steps>, Status> {
        self.watch(&request)
    }
}

/// The service as it is listened on: its answers are written by [`Answers`], everything else by what was
/// generated.
#[derive(Clone)]
pub struct QueryRoutes {
    queries: Arc<Queries>,
    generated: QueryServiceServer<Queries>,
    request_bytes: usize,
}

impl QueryRoutes {
    /// The service of a gateway that takes requests up to this size.
    pub fn new(broker: Arc<Broker>, request_bytes: usize) -> Self {
        let queries = Arc::new(Queries { broker, plans: PlanMessages::default() });
        let generated =
            QueryServiceServer::from_arc(queries.clone()).max_decoding_message_size(request_bytes);
        Self { queries, generated, request_bytes }
    }
}

impl NamedService for QueryRoutes {
    const NAME: &'static str = QueryServiceServer::<Queries>::NAME;
}

impl tower::Service<http::Request<Body>> for QueryRoutes {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        if request.uri().path() != QUERY {
            return Box::pin(self.generated.call(request));
        }
        let (method, limit) = (Asking(self.queries.clone()), self.request_bytes);
        Box::pin(async move {
            let mut grpc =
                tonic::server::Grpc::new(Answers).apply_max_message_size_config(Some(limit), None);
            Ok(grpc.server_streaming(method, request).await)
        })
    }
}

struct Asking(Arc<Queries>);

impl ServerStreamingService<wire::QueryRequest> for Asking {
    type Response = Outgoing;
    type ResponseStream = Replies;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Replies>, Status>> + Send>>;

    fn call(&mut self, request: Request<wire::QueryRequest>) -> Self::Future {
        let queries = self.0.clone();
        Box::pin(async move {
            let now = queries.broker.clock.now();
            let exchange =
                ExchangeId::begin(now).ok_or_else(|| Refusal::Internal.into_status(""))?;
            let span = tracing::info_span!("query", %exchange, otel.kind = "server");
            telemetry::adopt(&span, request.metadata());
            queries.answer(exchange, request).instrument(span).await
        })
    }
}

impl Queries {
    pub(super) fn knows(&self, record_type: &str) -> bool {
        self.broker.policy.load().record_type(&RecordTypeName::new(record_type)).is_some()
    }

    async fn answer(
        self: &Arc<Self>,
        exchange: ExchangeId,
        request: Request<wire::QueryRequest>,
    ) -> Result<Response<Replies>, Status> {
        let begun = Instant::now();
        let (peer, info) = super::caller(&self.broker, &request)?;
        let timeout = request
            .metadata()
            .get("grpc-timeout")
            .and_then(|value| parse_timeout(value.as_bytes()));
        let known = |name: &str| self.knows(name);
        let limits = &self.broker.limits;
        let asked =
            parse(exchange, &peer, &info, request.into_inner(), limits, timeout, begun, &known);
        let answer = match asked {
            Ok(ask) => self.broker.query(ask).await,
            Err(refusal) => Err(refusal),
        };
        let answer = answer.map_err(|refusal| {
            tracing::info!(%exchange, reason = refusal.reason(), "refused");
            self.broker.metrics.query(refusal.reason());
            refusal.into_status(&exchange.to_string())
        })?;
        self.broker.metrics.decision_seconds.observe(begun.elapsed().as_secs_f64());
        Ok(Response::new(Replies::of(answer, self.clone(), begun)))
    }
}

/// SHA-256 of the caller's certificate.
pub(super) fn fingerprint(info: &PeerInfo) -> Digest {
    let mut digest = [0; 32];
    // INVARIANT: the identity layer wrote 64 hex digits; were it not so, zeros match no certificate.
    let _ = hex::decode_to_slice(&info.fingerprint, &mut digest);
    Digest(digest)
}

/// The officer as whom a query is explained: the one it names, where that can be one.
fn officer_of(query: &wire::Query) -> OfficerId {
    let named = is_officer(&query.officer);
    OfficerId::new(if named { query.officer.as_str() } else { "officer" })
}

pub(super) fn missing(field: &str) -> Refusal {
    Refusal::invalid("FIELD_MISSING", field, format!("`{field}` is missing"))
}

fn parse_request(
    peer: &PeerId,
    query: &wire::Query,
    known: &dyn Fn(&str) -> bool,
) -> Result<Asked, Refusal> {
    let too_long = [
        ("query.case_id", &query.case_id),
        ("query.agreement_id", &query.agreement_id),
        ("query.record_type", &query.record_type),
        ("query.justification", &query.justification),
        ("query.officer", &query.officer),
    ];
    if let Some((field, _)) = too_long.iter().find(|(_, text)| text.len() > TEXT) {
        return Err(Refusal::invalid(
            "TEXT_TOO_LONG",
            *field,
            format!("takes at most {TEXT} bytes"),
        ));
    }
    let purpose = Purpose::from_number(query.purpose).ok_or_else(|| {
        let text = "the purpose is missing or not known";
        Refusal::invalid("PURPOSE_UNKNOWN", "query.purpose", text)
    })?;
    if query.record_type.is_empty() {
        return Err(missing("query.record_type"));
    }
    // Schemas are no secret; that a type is not known here is told as such.
    if !known(&query.record_type) {
        let text = format!("`{}` is not a record type of this exchange", query.record_type);
        return Err(Refusal::invalid("RECORD_TYPE_UNKNOWN", "query.record_type", text));
    }
    if query.sources.len() > NAMES || query.fields.len() > NAMES {
        let text = format!("at most {NAMES} names");
        return Err(Refusal::invalid("TOO_MANY_NAMES", "query.fields", text));
    }
    let mut sources: Vec<AgencyId> = query.sources.iter().map(AgencyId::new).collect();
    sources.sort();
    if sources.windows(2).any(|pair| matches!(pair, [one, two] if one == two)) {
        let text = "an agency stands there twice";
        return Err(Refusal::invalid("SOURCE_REPEATED", "query.sources", text));
    }
    let optional = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    Ok(Asked {
        requester: peer.agency.clone(),
        system: peer.system.clone(),
        officer: None,
        purpose,
        case: optional(&query.case_id).map(CaseId::new),
        agreement: optional(&query.agreement_id).map(AgreementId::new),
        record_type: RecordTypeName::new(&query.record_type),
        sources,
    })
}

#[expect(clippy::too_many_arguments, reason = "everything a request brings, in one place")]
pub(super) fn parse(
    exchange: ExchangeId,
    peer: &PeerId,
    info: &PeerInfo,
    message: wire::QueryRequest,
    limits: &Limits,
    timeout: Option<std::time::Duration>,
    begun: Instant,
    known: &dyn Fn(&str) -> bool,
) -> Result<Ask, Refusal> {
    let query = message.query.ok_or_else(|| missing("query"))?;
    if message.idempotency_key.len() > 128 {
        let text = "takes at most 128 bytes";
        return Err(Refusal::invalid("TEXT_TOO_LONG", "idempotency_key", text));
    }
    let digest = Digest(query_digest(&query));
    let unusable = || Refusal::Release(ReleaseRefusal::NotUsable);
    let release = (!query.release_id.is_empty())
        .then(|| ReleaseId::parse(&query.release_id).ok_or_else(unusable))
        .transpose()?;
    let request = parse_request(peer, &query, known)?;
    if query.limit > limits.max_limit {
        let text = format!("at most {}", limits.max_limit);
        return Err(Refusal::invalid("LIMIT_TOO_LARGE", "query.limit", text));
    }
    let own = query.deadline.map(duration).transpose()?;
    let allowed = [Some(limits.query()), timeout, own].into_iter().flatten().min();
    let filter = query.filter.map(parse_filter).transpose()?;
    let key = &message.idempotency_key;
    Ok(Ask {
        exchange,
        requester: Requester {
            agency: peer.agency.clone(),
            system: peer.system.clone(),
            spiffe_id: peer.spiffe_id.to_string(),
            certificate: fingerprint(info),
            officer: query.officer,
        },
        // The key is the requester's own: two agencies that choose the same one do not meet.
        idempotency_key: (!key.is_empty())
            .then(|| Digest::of(format!("{}\0{key}", peer.spiffe_id).as_bytes())),
        request,
        digest,
        filter,
        wanted: parse_wanted(query.fields)?,
        references: parse_references(query.references)?,
        release,
        limit: u64::from(if query.limit == 0 { limits.default_limit } else { query.limit }),
        justification: query.justification,
        officer_token: message.officer_token,
        officer: None,
        deadline: begun + allowed.unwrap_or_else(|| limits.query()),
        resume_token: message.resume_token,
    })
}

fn parse_filter(filter: wire::Filter) -> Result<Filter, Refusal> {
    from_wire(filter)
        .map_err(|error| Refusal::invalid(error.word(), "query.filter", error.to_string()))
}

fn parse_wanted(fields: Vec<String>) -> Result<Wanted, Refusal> {
    match fields.as_slice() {
        [] => Ok(Wanted::Minimum),
        [star] if star == "*" => Ok(Wanted::All),
        // A star among names would hide what is meant; an empty or over-long name means nothing.
        names => match names.iter().find(|n| n.is_empty() || n.contains('*') || n.len() > TEXT) {
            Some(name) => Err(Refusal::FieldNotUsable { path: name.clone() }),
            None => Ok(Wanted::Paths(fields)),
        },
    }
}

/// What a reference is worth only the broker can tell: here are only the limits of a request.
fn parse_references(references: Vec<String>) -> Result<Vec<String>, Refusal> {
    let refused = |reason, text: String| Err(Refusal::invalid(reason, "query.references", text));
    if references.len() > REFERENCES {
        return refused("TOO_MANY_REFERENCES", format!("at most {REFERENCES} references"));
    }
    if references.iter().any(|reference| reference.len() > TEXT) {
        return refused("TEXT_TOO_LONG", format!("takes at most {TEXT} bytes"));
    }
    let mut seen = HashSet::new();
    if !references.iter().all(|reference| seen.insert(reference)) {
        return refused("REFERENCE_REPEATED", "a reference stands there twice".to_owned());
    }
    Ok(references)
}

fn duration(deadline: prost_types::Duration) -> Result<std::time::Duration, Refusal> {
    let invalid =
        || Refusal::invalid("DEADLINE_MALFORMED", "query.deadline", "must be a positive duration");
    let duration = std::time::Duration::try_from(deadline).map_err(|_| invalid())?;
    if duration.is_zero() { Err(invalid()) } else { Ok(duration) }
}

/// The stream of an answer. Dropping it cancels the query.
pub struct Replies {
    header: Option<Header>,
    replies: mpsc::Receiver<Reply>,
    queries: Arc<Queries>,
    begun: Instant,
    /// The receipt, or the failure that stands for it, is out.
    ended: bool,
}

impl Replies {
    fn of(answer: Answer, queries: Arc<Queries>, begun: Instant) -> Self {
        Self { header: Some(answer.header), replies: answer.replies, queries, begun, ended: false }
    }
}

impl Stream for Replies {
    type Item = Result<Outgoing, Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(header) = self.header.take() {
            return Poll::Ready(Some(Ok(Message::Header(encode_header(header)).into())));
        }
        let reply = std::task::ready!(self.replies.poll_recv(cx));
        let Some(reply) = reply else {
            // An answer without receipt must not look like one that ended well.
            let cut = !std::mem::replace(&mut self.ended, true);
            return Poll::Ready(cut.then(|| Err(Refusal::AnswerCut.into_status(""))));
        };
        if matches!(reply, Reply::Receipt(_)) {
            self.ended = true;
            let seconds = self.begun.elapsed().as_secs_f64();
            self.queries.broker.metrics.query_seconds.observe(seconds);
        }
        Poll::Ready(Some(Ok(encode(reply, &self.queries.plans))))
    }
}

fn encode_header(header: Header) -> wire::Header {
    wire::Header {
        exchange_id: header.exchange.to_string(),
        query_digest: bytes_of(header.query_digest),
        agreement_id: header.agreement.to_string(),
        agreement_version: header.agreement_version,
        policy_hash: bytes_of(header.policy_hash),
        permitted_use: words(&header.permitted_use),
        delete_by: header.delete_by.map(|at| at.to_proto()),
        sources: header.sources.iter().map(ToString::to_string).collect(),
        environment: header.environment as i32,
        intent_leaf_hash: bytes_of(header.intent_leaf_hash),
    }
}

fn words(purposes: &[Purpose]) -> Vec<String> {
    purposes.iter().map(|purpose| purpose.word().to_owned()).collect()
}

fn bytes_of(digest: Digest) -> Bytes {
    Bytes::copy_from_slice(&digest.0)
}

fn encode(reply: Reply, plans: &PlanMessages) -> Outgoing {
    let message = match reply {
        Reply::Plan { index, plan, class } => {
            let write = || Message::Plan(encode_plan(index, &plan, &class));
            return plans.get(index, &plan, &class, write);
        }
        Reply::Batch { sealed, plans, permitted_use, resume } => {
            return Outgoing::Batch(Batch { sealed, plans, permitted_use, resume });
        }
        Reply::Source(end) => {
            let (completeness, reason) = match end.completeness {
                Completeness::Complete => (wire::Completeness::Complete, ""),
                Completeness::Limited(cut) => (wire::Completeness::Limited, cut.word()),
                Completeness::Incomplete(failure) => {
                    (wire::Completeness::Incomplete, failure.word())
                }
                Completeness::NotAsked => (wire::Completeness::NotAsked, ""),
            };
            Message::SourceStatus(wire::SourceStatus {
                agency: end.agency.to_string(),
                completeness: completeness.into(),
                reason: reason.to_owned(),
                records_released: end.released,
                data_as_of: end.data_as_of.map(|at| at.to_proto()),
            })
        }
        Reply::Receipt(receipt) => Message::Receipt(wire::Receipt {
            exchange_id: receipt.exchange.to_string(),
            query_digest: bytes_of(receipt.query_digest),
            records_released: receipt.released,
            cut_reason: receipt.cut.map_or("", |cut| cut.word()).to_owned(),
            proof: Some(encode_proof(receipt.proof)),
        }),
    };
    message.into()
}

/// A proof as the contract writes it.
pub(super) fn encode_proof(proof: LogProof) -> audit::LogProof {
    audit::LogProof {
        index: proof.index,
        leaf: proof.leaf.into(),
        path: proof.path.into_iter().map(bytes_of).collect(),
        checkpoint: proof.checkpoint,
    }
}

/// A treatment as the contract writes it, and its level.
pub(crate) fn treatment_to_wire(treatment: Treatment) -> (wire::Treatment, &'static str) {
    match treatment {
        Treatment::Clear => (wire::Treatment::Clear, ""),
        Treatment::Generalise(level) => (wire::Treatment::Generalise, level.word()),
        Treatment::Mask => (wire::Treatment::Mask, ""),
        Treatment::Pseudonymise => (wire::Treatment::Pseudonymise, ""),
        Treatment::Presence => (wire::Treatment::Presence, ""),
        Treatment::Withhold => (wire::Treatment::Withhold, ""),
    }
}

fn encode_plan(index: u32, plan: &Plan, class: &HandlingClass) -> wire::Plan {
    let bits: std::collections::HashMap<_, _> = presence_bits(plan).into_iter().collect();
    let fields = plan
        .record_type()
        .leaves()
        .iter()
        .zip(plan.fields())
        .map(|(leaf, field)| {
            let (treatment, level) = treatment_to_wire(field.treatment);
            wire::FieldPlan {
                path: leaf.path.clone(),
                treatment: treatment.into(),
                level: level.to_owned(),
                rule: field.rule.to_string(),
                reason: field.reason.word().to_owned(),
                ask: field.ask.as_ref().map(ToString::to_string).unwrap_or_default(),
                usable_in_filter: field.usable,
                presence_bit: bits.get(&leaf.id).map_or(0, |bit| bit + 1),
            }
        })
        .collect();
    wire::Plan {
        index,
        record_type: plan.record_type().name().to_string(),
        originator: plan.originator().to_string(),
        plan_hash: bytes_of(plan.hash()),
        fields,
        valid_until: plan.valid_until().map(|at| at.to_proto()),
        pseudonym_scope: plan.scope().0.to_string(),
        releasable_to: class.releasable_to.iter().map(ToString::to_string).collect(),
        tlp: class.tlp.map_or(0, |tlp| tlp as i32),
        handling_code: class.handling_code.to_string(),
    }
}

fn explained(explanation: Explanation, digest: [u8; 32]) -> wire::ExplainResponse {
    let when = explanation.decision.as_ref().err().and_then(|denial| denial.when);
    let (allowed, reason, text, remedy, agreement_id) = match explanation.decision {
        Ok(agreement) => (true, "", String::new(), String::new(), agreement.to_string()),
        Err(denial) => {
            (false, denial.reason.word(), denial.explanation, denial.remedy, String::new())
        }
    };
    let plans = explanation
        .plans
        .iter()
        .zip(0..)
        .map(|((agency, plan), index)| {
            let environment = portcullis_core::handling::Environment::Exercise;
            // Ordinary handling: nothing of the class is shown but what the plan says itself.
            encode_plan(index, plan, &HandlingClass::ordinary(agency.clone(), environment))
        })
        .collect();
    wire::ExplainResponse {
        allowed,
        reason: reason.to_owned(),
        explanation: text,
        remedy,
        agreement_id,
        query_digest: Bytes::copy_from_slice(&digest),
        plans,
        budgets: explanation
            .budgets
            .into_iter()
            .map(|budget| wire::BudgetStatus {
                name: budget.name.to_owned(),
                limit: budget.limit,
                used: budget.used,
                refills_at: budget.refills_at.map(|at| at.to_proto()),
            })
            .collect(),
        rules: explanation.rules.iter().map(ToString::to_string).collect(),
        rule_texts: explanation
            .why
            .into_iter()
            .map(|text| wire::RuleText {
                rule: text.rule.to_string(),
                reason: text.reason.to_owned(),
                because: text.because,
                remedy: text.remedy,
            })
            .collect(),
        when: when.map(|at| at.to_proto()),
    }
}
