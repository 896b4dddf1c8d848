//! Reading the log over gRPC: every caller sees its own share, the entries to which its agency is a party.

use std::sync::Arc;

use bytes::Bytes;
use portcullis_core::id::AgencyId;
use portcullis_proto::audit::v1 as wire;
use portcullis_proto::audit::v1::audit_service_server::AuditService;
use tonic::{Request, Response, Status};

use super::encode::encode_proof;
use crate::audit::{CommitError, EntryKind, ExchangeId, Filter, ListedEntry};
use crate::broker::Broker;
use crate::status::Refusal;

/// Entries in an answer where the caller names no number, and the most there are.
const PAGE: (u32, u32) = (100, 1000);
/// About the largest answer; clients take 4 MiB by default.
const PAGE_BYTES: usize = 1024 * 1024;

/// The service.
pub struct Audits {
    /// The gateway.
    pub broker: Arc<Broker>,
}

#[tonic::async_trait]
impl AuditService for Audits {
    async fn get_checkpoint(
        &self,
        request: Request<wire::GetCheckpointRequest>,
    ) -> Result<Response<wire::GetCheckpointResponse>, Status> {
        super::caller(&self.broker, &request)?;
        let checkpoint = self.broker.audit.checkpoint().await.note;
        Ok(Response::new(wire::GetCheckpointResponse { checkpoint }))
    }

    async fn list_entries(
        &self,
        request: Request<wire::ListEntriesRequest>,
    ) -> Result<Response<wire::ListEntriesResponse>, Status> {
        let (peer, _) = super::caller(&self.broker, &request)?;
        let asked = request.into_inner();
        let limit = match asked.limit {
            0 => PAGE.0,
            limit if limit <= PAGE.1 => limit,
            _ => {
                let text = format!("at most {}", PAGE.1);
                let refusal = Refusal::invalid("LIMIT_TOO_LARGE", "limit", text);
                return Err(refusal.into_status(""));
            }
        };
        let exchange = match asked.exchange_id.as_str() {
            "" => None,
            text => Some(ExchangeId::parse(text).ok_or_else(|| {
                let text = "is not an exchange id";
                Refusal::invalid("EXCHANGE_ID_MALFORMED", "exchange_id", text).into_status("")
            })?),
        };
        let filter =
            Filter { party: Some(peer.agency.clone()), exchange, from: asked.from_index, limit };
        let listed = self.broker.audit.list(&filter).await.map_err(|e| refused(&e))?;
        let full = listed.len() >= limit as usize;
        let mut next_index = listed.last().filter(|_| full).map_or(0, |entry| entry.index + 1);
        let (mut entries, mut bytes) = (Vec::with_capacity(listed.len()), 0);
        for entry in listed {
            let index = entry.index;
            let entry = self.entry(entry, &peer.agency).await?;
            bytes += entry.leaf.len() + entry.body_json.len();
            if bytes > PAGE_BYTES && !entries.is_empty() {
                next_index = index;
                break;
            }
            entries.push(entry);
        }
        Ok(Response::new(wire::ListEntriesResponse { entries, next_index }))
    }

    async fn get_inclusion_proof(
        &self,
        request: Request<wire::GetInclusionProofRequest>,
    ) -> Result<Response<wire::GetInclusionProofResponse>, Status> {
        let (peer, _) = super::caller(&self.broker, &request)?;
        let asked = request.get_ref();
        let filter = Filter {
            party: Some(peer.agency.clone()),
            exchange: None,
            from: asked.index,
            limit: 1,
        };
        // An entry of others and one that does not exist look alike.
        let mine = self.broker.audit.list(&filter).await.map_err(|error| refused(&error))?;
        if mine.first().is_none_or(|entry| entry.index != asked.index) {
            return Err(refused(&CommitError::NotInLog));
        }
        let size = (asked.tree_size != 0).then_some(asked.tree_size);
        let proof = self.broker.audit.inclusion(asked.index, size).await;
        let proof = encode_proof(proof.map_err(|error| refused(&error))?);
        Ok(Response::new(wire::GetInclusionProofResponse { proof: Some(proof) }))
    }

    async fn get_consistency_proof(
        &self,
        request: Request<wire::GetConsistencyProofRequest>,
    ) -> Result<Response<wire::GetConsistencyProofResponse>, Status> {
        super::caller(&self.broker, &request)?;
        let asked = request.get_ref();
        let new = (asked.new_size != 0).then_some(asked.new_size);
        let (path, checkpoint) = self
            .broker
            .audit
            .consistency(asked.old_size, new)
            .await
            .map_err(|error| refused(&error))?;
        Ok(Response::new(wire::GetConsistencyProofResponse {
            path: path.iter().map(|hash| Bytes::copy_from_slice(&hash.0)).collect(),
            checkpoint: checkpoint.note,
        }))
    }

    async fn list_recipients(
        &self,
        request: Request<wire::ListRecipientsRequest>,
    ) -> Result<Response<wire::ListRecipientsResponse>, Status> {
        let (peer, _) = super::caller(&self.broker, &request)?;
        let ask = super::recipients::ask(&peer.agency, request.into_inner());
        let ask = ask.map_err(|refusal| refusal.into_status(""))?;
        let answer = self.broker.recipients(ask).await.map_err(|error| refused(&error))?;
        Ok(Response::new(super::recipients::answer(answer)))
    }
}

impl Audits {
    async fn entry(&self, entry: ListedEntry, agency: &AgencyId) -> Result<wire::Entry, Status> {
        let parts = self.broker.audit.open_share(&entry, agency).await;
        let parts = parts.map_err(|error| refused(&error))?;
        let kind = match entry.facts.kind() {
            EntryKind::Intent => wire::EntryKind::Intent,
            EntryKind::Disclosure => wire::EntryKind::Disclosure,
            EntryKind::Outcome => wire::EntryKind::Outcome,
            EntryKind::Denial => wire::EntryKind::Denial,
            EntryKind::Release => wire::EntryKind::Release,
        };
        let body: Vec<_> = parts.iter().map(|opened| opened.part.to_json()).collect();
        Ok(wire::Entry {
            index: entry.index,
            kind: kind.into(),
            time_unix_millis: entry.facts.at.0,
            exchange_id: entry.facts.exchange.to_string(),
            leaf: entry.leaf.into(),
            body_json: if body.is_empty() {
                String::new()
            } else {
                serde_json::Value::Array(body).to_string()
            },
        })
    }
}

fn refused(error: &CommitError) -> Status {
    match error {
        CommitError::NotInLog => {
            let text = "the log has no such entry of yours, or no checkpoint of that size";
            Refusal::invalid("NOT_IN_LOG", "index", text).into_status("")
        }
        _ => Refusal::LogUnavailable.into_status(""),
    }
}
