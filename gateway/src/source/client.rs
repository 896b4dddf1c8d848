//! The gateway's client to agency systems. Asking needs a permit and a durable intent; a peer gateway will
//! be one more kind of [`Source`].

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use futures::stream::{BoxStream, StreamExt as _};
use http::uri::PathAndQuery;
use portcullis_core::filter::Filter;
use portcullis_core::handling::Environment;
use portcullis_core::id::{AgencyId, Digest};
use portcullis_core::policy::Permit;
use portcullis_proto::source::v1 as wire;
use tonic::client::Grpc;
use tonic::transport::Channel;
use tonic::{Code, Request, Status};

use super::message::{Messages, Searching};
use super::{Found, SourceFailure};
use crate::audit::DurableIntent;
use crate::service::filter::to_wire;
use crate::telemetry;

/// The method.
const SEARCH: &str = "/portcullis.source.v1.SourceService/Search";

/// What is asked of one source.
pub struct Ask {
    /// Which records; tokens already replaced by the values behind them.
    pub filter: Option<Filter>,
    /// Only these records, ascending; none: all that match.
    pub only: Option<Vec<Bytes>>,
    /// Only records whose opaque id is greater.
    pub after: Bytes,
    /// Hint: hardly more will be needed.
    pub at_most: u32,
    /// Preferred size of a batch.
    pub batch_bytes: u32,
    /// SHA-256 of the requester's query.
    pub query_digest: Digest,
    /// When the answer is of no more use.
    pub deadline: tokio::time::Instant,
}

/// An agency's system that can be asked.
pub trait Source: Send + Sync {
    /// Streams what it finds. No permit, no fetch; no durable intent, no fetch.
    fn search(
        &self,
        permit: &Permit,
        intent: &DurableIntent,
        ask: Ask,
    ) -> BoxStream<'static, Result<Found, SourceFailure>>;
}

/// Every source that a gateway knows.
#[derive(Clone, Default)]
pub struct SourceSet(HashMap<AgencyId, Arc<dyn Source>>);

impl SourceSet {
    /// Adds a source.
    pub fn insert(&mut self, agency: AgencyId, source: Arc<dyn Source>) {
        self.0.insert(agency, source);
    }

    /// The source of an agency.
    pub fn of(&self, agency: &AgencyId) -> Option<Arc<dyn Source>> {
        self.0.get(agency).cloned()
    }
}

/// A source over gRPC.
pub struct GrpcSource {
    agency: AgencyId,
    environment: Environment,
    client: Grpc<Channel>,
}

impl GrpcSource {
    /// A source behind a channel that has been told whom to expect.
    pub fn new(
        agency: AgencyId,
        environment: Environment,
        channel: Channel,
        message_bytes: usize,
    ) -> Self {
        let client = Grpc::new(channel).max_decoding_message_size(message_bytes);
        Self { agency, environment, client }
    }
}

impl Source for GrpcSource {
    fn search(
        &self,
        permit: &Permit,
        intent: &DurableIntent,
        ask: Ask,
    ) -> BoxStream<'static, Result<Found, SourceFailure>> {
        let asked = permit.request();
        let message = wire::SearchRequest {
            exchange_id: intent.exchange().to_string(),
            record_type: asked.record_type.to_string(),
            filter: ask.filter.as_ref().map(to_wire),
            after: ask.after,
            batch_bytes: ask.batch_bytes,
            asker: Some(wire::Asker {
                agency: asked.requester.to_string(),
                system: asked.system.to_string(),
                purpose: asked.purpose as i32,
                case_id: asked.case.as_ref().map(ToString::to_string).unwrap_or_default(),
                agreement_id: permit.agreement_id().to_string(),
            }),
            query_digest: Bytes::copy_from_slice(&ask.query_digest.0),
            intent_leaf_hash: Bytes::copy_from_slice(&intent.leaf_hash().0),
            at_most: ask.at_most,
            only: ask.only.map(|opaque_ids| wire::OnlyThese { opaque_ids }),
        };
        let mut request = Request::new(message);
        // A little longer than we wait ourselves: the deadline is ours to tell.
        let left = ask.deadline.saturating_duration_since(tokio::time::Instant::now());
        request.set_timeout(left + std::time::Duration::from_secs(1));
        telemetry::inject(request.metadata_mut());
        let (agency, environment) = (self.agency.clone(), self.environment);
        let mut client = self.client.clone();
        let opened = async move {
            let ready =
                client.ready().await.map_err(|_| Status::unknown("the transport is not ready"));
            let opened = match ready {
                Ok(()) => {
                    client
                        .server_streaming(request, PathAndQuery::from_static(SEARCH), Searching)
                        .await
                }
                Err(status) => Err(status),
            };
            match opened {
                Ok(response) => {
                    let mut messages = Messages::of(agency, environment);
                    response
                        .into_inner()
                        .map(move |message| {
                            message
                                .map_err(|status| failure(&status))
                                .and_then(|message| messages.read(&message))
                        })
                        .boxed()
                }
                Err(status) => futures::stream::iter([Err(unopened(&status))]).boxed(),
            }
        };
        futures::stream::once(opened).flatten().boxed()
    }
}

/// What it means when a search cannot even be opened. A source that refuses our certificate ends the
/// connection after our part of the handshake: the call is lost with an error of the transport, and no word
/// of the source's.
fn unopened(status: &Status) -> SourceFailure {
    match (status.code(), std::error::Error::source(status)) {
        (Code::Cancelled | Code::Unknown, Some(_)) => SourceFailure::Unavailable,
        _ => failure(status),
    }
}

/// What a status of a source means; its text stays there.
fn failure(status: &Status) -> SourceFailure {
    match status.code() {
        Code::PermissionDenied | Code::Unauthenticated | Code::NotFound => SourceFailure::Refused,
        Code::DeadlineExceeded => SourceFailure::TimedOut,
        Code::Unavailable => SourceFailure::Unavailable,
        Code::OutOfRange | Code::ResourceExhausted => SourceFailure::TooMuch,
        Code::Internal | Code::InvalidArgument | Code::DataLoss | Code::Unimplemented => {
            SourceFailure::Misbehaved
        }
        _ => SourceFailure::CutOff,
    }
}
