//! Registration of record types: decode, call [`RecordTypes`](crate::record_types::RecordTypes), encode. A
//! refused schema is told with everything that is wrong with it, to the agency and in the operator's log.

use portcullis_core::label::LintError;
use portcullis_proto::directory::v1 as wire;
use tonic::{Request, Response, Status};

use super::directory::Directory;
use crate::identity::PeerInfo;
use crate::record_types::{Doer, Registered, Registration, RegistrationRefusal};
use crate::status::Refusal;

/// Most problems that one response or the log carries; the first ones say enough.
const PROBLEMS: usize = 100;

pub(super) async fn register(
    directory: &Directory,
    request: Request<wire::RegisterRecordTypeRequest>,
) -> Result<Response<wire::RegisterRecordTypeResponse>, Status> {
    let doer = doer(&request)?;
    let wire::RegisterRecordTypeRequest { name, descriptor_set } = request.into_inner();
    let done = directory.types.register(&directory.broker, &doer, &name, descriptor_set).await;
    let response = match done.map_err(|refusal| refused(&doer, &name, refusal))? {
        Registered::Done { registration, created } => wire::RegisterRecordTypeResponse {
            problems: vec![],
            registration: Some(to_wire(registration)),
            created,
        },
        Registered::Refused(problems) => {
            for problem in problems.iter().take(PROBLEMS) {
                tracing::warn!(
                    agency = doer.peer.agency.as_str(),
                    rule = problem.rule.word(),
                    "a record type is refused: {problem}"
                );
            }
            let problems = problems.into_iter().take(PROBLEMS).map(problem).collect();
            wire::RegisterRecordTypeResponse { problems, registration: None, created: false }
        }
    };
    Ok(Response::new(response))
}

pub(super) async fn withdraw(
    directory: &Directory,
    request: Request<wire::WithdrawRecordTypeRequest>,
) -> Result<Response<wire::WithdrawRecordTypeResponse>, Status> {
    let doer = doer(&request)?;
    let name = request.into_inner().name;
    let done = directory.types.withdraw(&directory.broker, &doer, &name).await;
    let registration = done.map_err(|refusal| refused(&doer, &name, refusal))?;
    let registration = Some(to_wire(registration));
    Ok(Response::new(wire::WithdrawRecordTypeResponse { registration }))
}

pub(super) async fn list(
    directory: &Directory,
    request: Request<wire::ListRegistrationsRequest>,
) -> Result<Response<wire::ListRegistrationsResponse>, Status> {
    let doer = doer(&request)?;
    let listed = directory.types.list(&directory.broker, &doer.peer).await;
    let registrations = listed.map_err(|refusal| refused(&doer, "", refusal))?;
    let registrations = registrations.into_iter().map(to_wire).collect();
    Ok(Response::new(wire::ListRegistrationsResponse { registrations }))
}

/// The identity layer says who; whether this system may is the registrar's list, not that of systems that ask.
fn doer<T>(request: &Request<T>) -> Result<Doer, Status> {
    let extensions = request.extensions();
    let (Some(peer), Some(info)) =
        (extensions.get::<std::sync::Arc<crate::identity::PeerId>>(), extensions.get::<PeerInfo>())
    else {
        return Err(Refusal::Internal.into_status(""));
    };
    Ok(Doer { peer: peer.clone(), certificate: super::asked::fingerprint(info) })
}

fn refused(doer: &Doer, name: &str, refusal: RegistrationRefusal) -> Status {
    tracing::warn!(
        by = doer.peer.spiffe_id.to_string(),
        record_type = ?name,
        reason = refusal.reason(),
        "a record type is refused: {refusal}"
    );
    Refusal::Registration(refusal).into_status("")
}

fn to_wire(registration: Registration) -> wire::Registration {
    let Registration { name, agency, schema_hash, last, named } = registration;
    wire::Registration {
        name,
        agency: agency.to_string(),
        schema_hash: bytes::Bytes::copy_from_slice(&schema_hash.0),
        in_use: last.in_use,
        changed_at: Some(prost_types::Timestamp { seconds: last.at.seconds(), nanos: 0 }),
        changed_by: last.spiffe_id,
        named_by_agreement: named,
    }
}

fn problem(error: LintError) -> wire::SchemaProblem {
    let LintError { file, line, message, field, rule, detail } = error;
    wire::SchemaProblem { file, line, message, field, rule: rule.word().to_owned(), detail }
}
