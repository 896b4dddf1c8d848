//! Tests of the whole room: the sample world, decisions, laws, slices, load errors.

mod brought;
mod closest;
mod decisions;
mod edges;
mod errors;
mod gauntlet;
mod grants;
mod laws;
mod plans;
mod presets;
mod samples;
mod slices;
mod standing;
mod upon;
mod why;

use std::sync::Arc;

use bytes::Bytes;

use super::*;
use crate::handling::{Environment, HandlingClass};
use crate::id::{AgencyId, AgreementId, CaseId, Moment, RecordTypeName, SystemId};
use crate::label::{LeafId, RecordType, Sensitivity};
use crate::redact::{FieldPlan, Plan};

pub(super) const DECLARATION: &str = "portcullis.record.v1.Declaration";
pub(super) const INSPECTION: &str = "portcullis.record.v1.Inspection";
pub(super) const PARTY: &str = "portcullis.record.v1.Party";
pub(super) const LICENCE: &str = "portcullis.record.v1.ExportLicence";

/// 2026-06-01T00:00:00Z.
pub(super) const NOW: Moment = Moment::from_seconds(1_780_272_000);
/// When CASE-1 closes: ten days later.
pub(super) const CLOSES: Moment = Moment::from_seconds(1_780_272_000 + 864_000);

pub(super) const SAMPLES: [(&str, &str); 5] = [
    (
        "maa-norvia-solmark.toml",
        include_str!("../../../../policies/agreements/maa-norvia-solmark.toml"),
    ),
    (
        "licence-verification.toml",
        include_str!("../../../../policies/agreements/licence-verification.toml"),
    ),
    ("joint-lantern.toml", include_str!("../../../../policies/agreements/joint-lantern.toml")),
    ("kcs-pcs.toml", include_str!("../../../../policies/agreements/kcs-pcs.toml")),
    ("kcs-internal.toml", include_str!("../../../../policies/agreements/kcs-internal.toml")),
];

pub(super) fn record_types() -> Vec<Arc<RecordType>> {
    let set = Bytes::from_static(portcullis_proto::DESCRIPTOR_SET);
    [DECLARATION, INSPECTION, PARTY, LICENCE]
        .into_iter()
        .map(|name| Arc::new(RecordType::register(&set, name).unwrap()))
        .collect()
}

pub(super) fn registry() -> Registry {
    let agency = |id: &str, country: &str, kind: &str, max_sensitivity| Agency {
        id: id.into(),
        name: id.to_owned(),
        country: country.to_owned(),
        kind: kind.to_owned(),
        max_sensitivity,
        systems: vec!["desk".into()],
    };
    let case = |id: &str, members: &[&str], closes, operation_scope| Case {
        id: id.into(),
        members: members.iter().map(AgencyId::new).collect(),
        opens: Moment::from_seconds(1_767_225_600),
        closes,
        operation_scope,
        template: None,
    };
    Registry {
        agencies: vec![
            agency("nv-customs", "XN", "customs", Sensitivity::Secret),
            agency("nv-licensing", "XN", "licensing", Sensitivity::Confidential),
            agency("sm-customs", "XS", "customs", Sensitivity::Confidential),
            agency("sm-police", "XS", "police", Sensitivity::Secret),
            agency("vl-fiu", "XV", "fiu", Sensitivity::Confidential),
            agency("kcs", "XK", "customs", Sensitivity::Secret),
            agency("pcs", "XP", "customs", Sensitivity::Confidential),
        ],
        cases: vec![
            case("CASE-1", &["sm-customs"], Some(CLOSES), false),
            case("CASE-2", &["vl-fiu"], None, false),
            case("OP-LANTERN", &["nv-customs", "sm-police", "vl-fiu"], None, true),
        ],
        environment: Environment::Exercise,
    }
}

pub(super) fn samples() -> Vec<AgreementFile> {
    SAMPLES.iter().map(|(name, text)| file(name, text)).collect()
}

pub(super) fn file(name: &str, text: &str) -> AgreementFile {
    AgreementFile { name: name.to_owned(), text: text.to_owned() }
}

pub(super) fn cedar_file(text: &str) -> PolicyFile {
    PolicyFile { name: "local.cedar".to_owned(), text: text.to_owned() }
}

pub(super) fn load(agreements: &[AgreementFile], policies: &[PolicyFile]) -> Arc<Snapshot> {
    match Snapshot::load(registry(), record_types(), agreements, policies) {
        Ok(snapshot) => snapshot,
        Err(errors) => {
            let all: Vec<_> = errors.iter().map(ToString::to_string).collect();
            panic!("{}", all.join("\n"))
        }
    }
}

pub(super) fn sample_world() -> Arc<Snapshot> {
    load(&samples(), &[])
}

pub(super) fn request(
    requester: &str,
    record_type: &str,
    purpose: Purpose,
    case: Option<&str>,
) -> Request {
    Request {
        requester: requester.into(),
        system: SystemId::new("desk"),
        officer: None,
        purpose,
        case: case.map(CaseId::new),
        agreement: None,
        record_type: RecordTypeName::new(record_type),
        sources: vec![],
    }
}

/// The same on behalf of a proven officer.
pub(super) fn by_officer(request: Request) -> Request {
    Request { officer: Some("o.rask".into()), ..request }
}

pub(super) fn under(agreement: &str, request: Request) -> Request {
    Request { agreement: Some(AgreementId::new(agreement)), ..request }
}

pub(super) fn permit(snapshot: &Arc<Snapshot>, request: &Request) -> Permit {
    snapshot.decide(request, NOW).permit().unwrap()
}

pub(super) fn denied(snapshot: &Arc<Snapshot>, request: &Request, now: Moment) -> Denial {
    snapshot.decide(request, now).permit().unwrap_err()
}

pub(super) fn class(originator: &str) -> HandlingClass {
    HandlingClass::ordinary(originator.into(), Environment::Exercise)
}

pub(super) fn field<'a>(plan: &'a Plan, path: &str) -> &'a FieldPlan {
    let leaf = plan.record_type().leaf_by_path(path).unwrap_or_else(|| panic!("no {path}"));
    plan.field(leaf.id).unwrap()
}

pub(super) fn treatment(plan: &Plan, path: &str) -> String {
    field(plan, path).treatment.to_string()
}
