//! Record types as the gateway tells them, so that types of foreign sources work as those of the contract do.

use std::sync::Arc;

use portcullis_core::label::RecordType;
use portcullis_proto::directory::v1::directory_service_client::DirectoryServiceClient;
use portcullis_proto::directory::v1::{ListRecordTypesRequest, ListRecordTypesResponse};
use tonic::transport::Channel;
use tonic::{Request, Status};

use super::UsageError;

/// Package of the contract's own record types.
const OWN: &str = "portcullis.record.v1.";
/// Largest answer that is taken: descriptor sets are large.
const MAX_BYTES: usize = 64 << 20;

/// Why there is no record type.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// The gateway refused or was not reached.
    #[error(transparent)]
    Status(Box<Status>),
    /// The name stands for no type, or for several.
    #[error(transparent)]
    Usage(#[from] UsageError),
    /// What the gateway sent is no record type.
    #[error("the gateway's schema of `{0}` cannot be used: {1}")]
    Unusable(String, String),
}

/// Finds a record type by its full name, or by the last part of it.
///
/// # Errors
/// See [`SchemaError`].
pub async fn fetch(
    channel: Channel,
    name: &str,
    timeout: std::time::Duration,
) -> Result<Arc<RecordType>, SchemaError> {
    let mut client = DirectoryServiceClient::new(channel).max_decoding_message_size(MAX_BYTES);
    let mut ask = Request::new(ListRecordTypesRequest { name: full_name(name) });
    ask.set_timeout(timeout);
    let mut listed = match client.list_record_types(ask).await {
        Ok(response) => response.into_inner(),
        // A name that is not there and a directory without it must end in the same helpful answer.
        Err(status) if status.code() == tonic::Code::NotFound => ListRecordTypesResponse::default(),
        Err(status) => return Err(SchemaError::Status(Box::new(status))),
    };
    if listed.record_types.is_empty() {
        let mut all = Request::new(ListRecordTypesRequest::default());
        all.set_timeout(timeout);
        let response = client.list_record_types(all).await;
        listed = response.map_err(|status| SchemaError::Status(Box::new(status)))?.into_inner();
    }
    choose(&listed, name)
}

fn full_name(name: &str) -> String {
    if name.contains('.') { name.to_owned() } else { format!("{OWN}{name}") }
}

fn choose(listed: &ListRecordTypesResponse, name: &str) -> Result<Arc<RecordType>, SchemaError> {
    let full = full_name(name);
    let last = |full: &str| full.rsplit('.').next().unwrap_or_default().to_owned();
    let exact = listed.record_types.iter().filter(|found| found.name == full);
    let short = listed.record_types.iter().filter(|found| last(&found.name) == name);
    let mut found: Vec<_> = exact.collect();
    if found.is_empty() {
        found = short.collect();
    }
    match found.as_slice() {
        [one] => {
            RecordType::register(&one.descriptor_set, &one.name).map(Arc::new).map_err(|errors| {
                let first = errors.first().map(ToString::to_string).unwrap_or_default();
                SchemaError::Unusable(one.name.clone(), first)
            })
        }
        [] if listed.record_types.is_empty() => {
            let text = format!("no record type `{name}`: none is under your agreements");
            Err(UsageError(text).into())
        }
        [] => {
            let names: Vec<&str> =
                listed.record_types.iter().map(|found| found.name.as_str()).collect();
            let text = format!("no record type `{name}`; there are: {}", names.join(", "));
            Err(UsageError(text).into())
        }
        several => {
            let names: Vec<&str> = several.iter().map(|found| found.name.as_str()).collect();
            let text = format!("`{name}` is one of {}: write which", names.join(", "));
            Err(UsageError(text).into())
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use portcullis_proto::directory::v1 as wire;

    use super::*;

    fn listed(names: &[&str]) -> ListRecordTypesResponse {
        let record_types = names.iter().map(|name| wire::RecordType {
            name: (*name).to_owned(),
            descriptor_set: Bytes::from_static(portcullis_proto::DESCRIPTOR_SET),
            ..Default::default()
        });
        ListRecordTypesResponse { record_types: record_types.collect() }
    }

    #[test]
    fn short_names_stand_for_the_contracts_types_first() {
        let own = "portcullis.record.v1.Party";
        let choice = |names: &[&str], name: &str| {
            choose(&listed(names), name)
                .map(|found| found.name().to_string())
                .map_err(|error| error.to_string())
        };
        assert_eq!(choice(&["a.Party", own], "Party").as_deref(), Ok(own));
        assert_eq!(choice(&[own], own).as_deref(), Ok(own));
        let error = choice(&["a.Ship", "b.Ship"], "Ship").unwrap_err();
        assert_eq!(error, "`Ship` is one of a.Ship, b.Ship: write which");
        let error = choice(&[own], "Person").unwrap_err();
        assert_eq!(error, format!("no record type `Person`; there are: {own}"));
        let error = choice(&["a.Ship"], "Ship").unwrap_err();
        assert!(error.contains("cannot be used"), "{error}");
    }
}
