//! The filter of a search, bound to the record type. Whether the requester may use its fields was the
//! gateway's question; here every field may be used.

use std::sync::Arc;

use portcullis_core::filter::{BoundFilter, Filter};
use portcullis_core::label::RecordType;
use portcullis_proto::query::v1 as query;

use super::refusal::SourceRefusal;
use crate::service::filter;

/// Which records a search is for.
pub struct Selector(Option<(Filter, BoundFilter)>);

impl Selector {
    /// Binds a filter; none selects everything.
    ///
    /// # Errors
    /// The filter is malformed or does not fit the record type.
    pub fn bind(
        filter: Option<query::Filter>,
        record_type: &Arc<RecordType>,
    ) -> Result<Self, SourceRefusal> {
        let Some(filter) = filter else { return Ok(Self(None)) };
        let filter = filter::from_wire(filter).map_err(|error| SourceRefusal::FilterRefused {
            word: error.word(),
            text: error.to_string(),
        })?;
        let bound = filter.bind(record_type, &|_| true).map_err(|error| {
            SourceRefusal::FilterRefused { word: error.word(), text: error.to_string() }
        })?;
        Ok(Self(Some((filter, bound))))
    }

    /// The filter as a tree; none: everything is wanted.
    pub fn filter(&self) -> Option<&Filter> {
        self.0.as_ref().map(|(filter, _)| filter)
    }

    /// Does a record match?
    ///
    /// # Errors
    /// The record is not a serialization of its type.
    pub fn matches(&self, payload: &[u8]) -> Result<bool, SourceRefusal> {
        let Some((_, filter)) = &self.0 else { return Ok(true) };
        filter.matches(payload).map_err(|_| SourceRefusal::Unreadable)
    }
}
