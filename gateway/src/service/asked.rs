//! What comes: from the contract's messages to the broker's own types, or which field makes no sense. What a name is
//! worth only policy can tell: here are the limits of a request.

use std::collections::HashSet;

use portcullis_core::filter::Filter;
use portcullis_core::id::{AgencyId, AgreementId, CaseId, Digest, OfficerId, RecordTypeName};
use portcullis_core::policy::{Purpose, Request as Asked};
use portcullis_core::release::ReleaseId;
use portcullis_proto::digest::query_digest;
use portcullis_proto::query::v1 as wire;
use tokio::time::Instant;

use super::filter::from_wire;
use crate::audit::{ExchangeId, Requester};
use crate::broker::{Ask, Wanted};
use crate::config::Limits;
use crate::identity::{PeerId, PeerInfo};
use crate::officers::is_officer;
use crate::releases::ReleaseRefusal;
use crate::status::Refusal;

/// Longest text a query may bring: ids, justification, paths.
pub(super) const TEXT: usize = 4096;
/// Most paths in a field mask, and most sources named.
const NAMES: usize = 1024;
/// Most references quoted in one query.
const REFERENCES: usize = 256;

/// SHA-256 of the caller's certificate.
pub(super) fn fingerprint(info: &PeerInfo) -> Digest {
    let mut digest = [0; 32];
    // INVARIANT: the identity layer wrote 64 hex digits; were it not so, zeros match no certificate.
    let _ = hex::decode_to_slice(&info.fingerprint, &mut digest);
    Digest(digest)
}

/// The officer as whom a query is explained: the one it names, where that can be one.
pub(super) fn officer_of(query: &wire::Query) -> OfficerId {
    let named = is_officer(&query.officer);
    OfficerId::new(if named { query.officer.as_str() } else { "officer" })
}

pub(super) fn missing(field: &str) -> Refusal {
    Refusal::invalid("FIELD_MISSING", field, format!("`{field}` is missing"))
}

pub(super) fn parse_request(
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

pub(super) fn parse_filter(filter: wire::Filter) -> Result<Filter, Refusal> {
    from_wire(filter)
        .map_err(|error| Refusal::invalid(error.word(), "query.filter", error.to_string()))
}

pub(super) fn parse_wanted(fields: Vec<String>) -> Result<Wanted, Refusal> {
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
pub(super) fn parse_references(references: Vec<String>) -> Result<Vec<String>, Refusal> {
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
