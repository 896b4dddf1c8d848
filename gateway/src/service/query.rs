//! Queries: from the wire to the broker and back. What is sent is built only from what the broker sealed.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::Stream;
use portcullis_core::id::RecordTypeName;
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

use super::asked::{
    missing, officer_of, parse, parse_filter, parse_references, parse_request, parse_wanted,
};
use super::door::parse_timeout;
use super::encode::{encode, encode_header, explained};
use super::outgoing::{Answers, Outgoing, PlanMessages};
use super::release::Steps;
use crate::audit::ExchangeId;
use crate::broker::{Answer, Broker, Header, Reply};
use crate::status::Refusal;
use crate::telemetry;

/// The method that [`QueryRoutes`] answers itself.
const QUERY: &str = "/portcullis.query.v1.QueryService/Query";

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
