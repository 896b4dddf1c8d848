//! An answer, gathered from its stream. The order of the contract is checked: one header first, each plan
//! before the first record that uses it, one receipt last; whatever breaks off is kept and said to be cut.

use std::sync::Arc;

use futures::{Stream, StreamExt as _};
use portcullis_core::label::RecordType;
use portcullis_proto::query::v1 as wire;
use prost_reflect::DynamicMessage;
use tonic::Status;
use wire::query_response::Message;

use super::Refused;

/// What a query brought.
pub struct Answer {
    /// The type of its records.
    pub record_type: Arc<RecordType>,
    /// What it rests on; none where nothing came.
    pub header: Option<wire::Header>,
    /// In the order of their arrival.
    pub plans: Vec<wire::Plan>,
    /// In the order of the answer.
    pub records: Vec<Record>,
    /// One per source.
    pub statuses: Vec<wire::SourceStatus>,
    /// Proof that it stands in the log; none: the answer is incomplete.
    pub receipt: Option<wire::Receipt>,
    /// To go on behind the last batch.
    pub resume_token: Vec<u8>,
    /// Why it ended early.
    pub failure: Option<Refused>,
}

/// A record and its decoded payload.
pub struct Record {
    /// As released.
    pub released: wire::ReleasedRecord,
    /// Its fields.
    pub message: DynamicMessage,
}

impl Answer {
    /// An answer without anything in it yet.
    pub fn empty(record_type: Arc<RecordType>) -> Self {
        Self {
            record_type,
            header: None,
            plans: vec![],
            records: vec![],
            statuses: vec![],
            receipt: None,
            resume_token: vec![],
            failure: None,
        }
    }

    /// Takes everything out of a stream. Never fails: a failure is part of the answer, and what came before
    /// it stands.
    pub async fn gather(
        &mut self,
        stream: impl Stream<Item = Result<wire::QueryResponse, Status>>,
    ) {
        let mut stream = std::pin::pin!(stream);
        while let Some(next) = stream.next().await {
            let taken = match next {
                Ok(response) => self.take(response),
                Err(status) => Err(Box::new(Refused::of(&status))),
            };
            if let Err(refused) = taken {
                self.failure = Some(*refused);
                return;
            }
        }
        if self.receipt.is_none() {
            let text = "the answer ended without a receipt, so it is not all there is";
            self.failure = Some(Refused::by_client("ANSWER_INCOMPLETE", text));
        }
    }

    /// Is it all there, with its receipt, from every source?
    pub fn is_complete(&self) -> bool {
        self.failure.is_none()
    }

    /// The plan of a record.
    pub fn plan(&self, record: &Record) -> Option<&wire::Plan> {
        self.plan_by_index(record.released.plan)
    }

    fn plan_by_index(&self, index: u32) -> Option<&wire::Plan> {
        self.plans.iter().find(|plan| plan.index == index)
    }

    fn take(&mut self, response: wire::QueryResponse) -> Result<(), Box<Refused>> {
        let broken = |text: &str| Err(Box::new(Refused::by_client("ANSWER_MALFORMED", text)));
        if self.receipt.is_some() {
            return broken("something came after the receipt");
        }
        match (response.message, &self.header) {
            (Some(Message::Header(_)), Some(_)) => return broken("a second header came"),
            (Some(Message::Header(header)), None) => self.header = Some(header),
            (Some(_), None) => return broken("the answer does not begin with its header"),
            (Some(Message::Plan(plan)), _) => {
                if self.plan_by_index(plan.index).is_some() {
                    return broken("a plan came twice");
                }
                if plan.record_type != self.record_type.name().as_str() {
                    return broken("a plan is for another record type");
                }
                self.plans.push(plan);
            }
            (Some(Message::Batch(batch)), _) => {
                for released in batch.records {
                    if self.plan_by_index(released.plan).is_none() {
                        return broken("a record came before its plan");
                    }
                    let descriptor = self.record_type.descriptor().clone();
                    let Ok(message) = DynamicMessage::decode(descriptor, released.payload.clone())
                    else {
                        return broken("a record is not of its type");
                    };
                    self.records.push(Record { released, message });
                }
                self.resume_token = batch.resume_token.to_vec();
            }
            (Some(Message::SourceStatus(status)), _) => self.statuses.push(status),
            (Some(Message::Receipt(receipt)), _) => {
                if receipt.records_released != self.records.len() as u64 {
                    return broken("the receipt counts other records than those that came");
                }
                self.receipt = Some(receipt);
            }
            // A kind of message of a later version says nothing that we could show.
            (None, _) => {}
        }
        Ok(())
    }
}
