//! The load: so many queries in flight, one connection, for so long. Answers are counted, never decoded.

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use futures::StreamExt as _;
use http::uri::PathAndQuery;
use portcullis::client::{Profile, connect};
use portcullis_proto::query::v1::{Purpose, Query, QueryRequest};
use portcullis_proto::source::v1::SearchRequest;
use prost::Message as _;
use tokio::time::Instant;
use tonic::Request;
use tonic::transport::Channel;

use super::data::BATCH_BYTES;
use super::raw::{Raw, count};
use super::serve::SEARCH;
use super::world::{CASE, Plan};
use crate::record;

/// What is asked again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Load {
    /// Records of an answer.
    pub records: u32,
    /// Queries at once.
    pub in_flight: usize,
}

/// Whom the load goes to, and as what.
#[derive(Clone)]
pub struct Client {
    channel: Channel,
    path: &'static str,
    plan: Option<Plan>,
}

/// What one slice of a load came to.
#[derive(Clone, Default, Debug)]
pub struct Slice {
    /// How long it took.
    pub wall: Duration,
    /// How long each query took.
    pub latencies: Vec<Duration>,
    /// Bytes of all messages received.
    pub bytes: u64,
}

impl Client {
    /// Of a proxy: the source's own method.
    ///
    /// # Errors
    /// A profile that cannot be used.
    pub async fn searching(profile: &Path) -> anyhow::Result<Self> {
        let channel = connect(&Profile::load(profile)?).await?;
        Ok(Self { channel, path: SEARCH, plan: None })
    }

    /// Of the gateway, under a plan.
    ///
    /// # Errors
    /// A profile that cannot be used.
    pub async fn querying(profile: &Path, plan: Plan) -> anyhow::Result<Self> {
        let channel = connect(&Profile::load(profile)?).await?;
        Ok(Self { channel, path: "/portcullis.query.v1.QueryService/Query", plan: Some(plan) })
    }

    fn request(&self, records: u32) -> Bytes {
        let Some(plan) = self.plan else {
            let search = SearchRequest {
                exchange_id: "0123456789abcdef0123456789abcdef".into(),
                record_type: record::NAME.into(),
                batch_bytes: BATCH_BYTES as u32,
                at_most: records,
                query_digest: vec![7; 32].into(),
                intent_leaf_hash: vec![7; 32].into(),
                ..SearchRequest::default()
            };
            return search.encode_to_vec().into();
        };
        let query = Query {
            purpose: Purpose::Investigation.into(),
            case_id: CASE.into(),
            agreement_id: plan.agreement().into(),
            record_type: record::NAME.into(),
            fields: vec!["*".into()],
            limit: records,
            justification: "a benchmark".into(),
            ..Query::default()
        };
        QueryRequest { query: Some(query), ..QueryRequest::default() }.encode_to_vec().into()
    }

    /// Field of the batch in a message of an answer; of the records in a batch it is 1 for both.
    fn batch(&self) -> u64 {
        if self.plan.is_some() { 3 } else { 1 }
    }

    /// Asks once; bytes received.
    async fn ask(&self, request: Bytes, records: u32) -> anyhow::Result<u64> {
        let mut client = tonic::client::Grpc::new(self.channel.clone());
        client.ready().await.context("cannot connect")?;
        let path = PathAndQuery::from_static(self.path);
        let mut answer =
            client.server_streaming(Request::new(request), path, Raw).await?.into_inner();
        let (mut found, mut bytes) = (0, 0);
        while let Some(message) = answer.next().await {
            let message = message?;
            bytes += message.len() as u64;
            found += count(&message, self.batch(), 1);
        }
        anyhow::ensure!(found == records as usize, "{found} records instead of {records}");
        Ok(bytes)
    }

    /// Keeps a load up for a while.
    ///
    /// # Errors
    /// The first answer that is not complete.
    pub async fn run(&self, load: Load, time: Duration) -> anyhow::Result<Slice> {
        let (request, begun) = (self.request(load.records), Instant::now());
        let one = async || {
            let mut slice = Slice::default();
            while begun.elapsed() < time {
                let asked = Instant::now();
                slice.bytes += self.ask(request.clone(), load.records).await?;
                slice.latencies.push(asked.elapsed());
            }
            anyhow::Ok(slice)
        };
        let all = futures::future::try_join_all((0..load.in_flight).map(|_| one())).await?;
        let mut slice = Slice { wall: begun.elapsed(), ..Slice::default() };
        for part in all {
            slice.latencies.extend(part.latencies);
            slice.bytes += part.bytes;
        }
        Ok(slice)
    }
}
