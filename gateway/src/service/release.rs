//! Release requests: decode, call the broker, encode. Each of the two agencies sees a release as it may: the
//! requester its own reference, the originator its own record.

use std::pin::Pin;

use futures::Stream;
use portcullis_core::id::{AgencyId, Digest, Moment};
use portcullis_core::redact::{Level, Treatment};
use portcullis_core::release::{Ground, ReleaseId, State};
use portcullis_proto::digest::decision_digest;
use portcullis_proto::query::v1 as wire;
use portcullis_proto::query::v1::release_decision::Step;
use tokio::time::Instant;
use tonic::{Request, Response, Status};

use super::asked::{TEXT, fingerprint, missing, parse};
use super::query::Queries;
use crate::audit::{ExchangeId, LoggedStep, Requester, What};
use crate::broker::{Broker, Decided, Deciding};
use crate::releases::{Release, ReleaseRefusal};
use crate::status::Refusal;

/// Releases in an answer where the caller names no number, and the most there are.
const PAGE: (u32, u32) = (100, 1000);
/// Fields of one grant.
const FIELDS: usize = 1024;

/// Steps as they are taken.
pub type Steps = Pin<Box<dyn Stream<Item = Result<wire::WatchReleasesResponse, Status>> + Send>>;

impl Queries {
    pub(super) async fn request(
        &self,
        request: Request<wire::RequestReleaseRequest>,
    ) -> Result<Response<wire::RequestReleaseResponse>, Status> {
        let exchange = ExchangeId::begin(self.broker.clock.now())
            .ok_or_else(|| Refusal::Internal.into_status(""))?;
        let (peer, info) = super::caller(&self.broker, &request)?;
        let asked = request.into_inner();
        let requested = async {
            let query = asked.query.as_ref().ok_or_else(|| missing("query"))?;
            let due = asked.due.as_ref().map(|at| moment("due", at)).transpose()?;
            empty_but_named(query)?;
            let message = wire::QueryRequest {
                query: asked.query,
                idempotency_key: asked.idempotency_key,
                officer_token: asked.officer_token,
                ..wire::QueryRequest::default()
            };
            let (limits, begun) = (&self.broker.limits, Instant::now());
            let known = |name: &str| self.knows(name);
            let ask = parse(exchange, &peer, &info, message, limits, None, begun, &known)?;
            self.broker.request_release(ask, due).await
        };
        let release = requested.await.map_err(|refusal: Refusal| {
            tracing::info!(%exchange, reason = refusal.reason(), "a release request is refused");
            refusal.into_status(&exchange.to_string())
        })?;
        let release = Some(to_wire(&self.broker, &release, &peer.agency));
        Ok(Response::new(wire::RequestReleaseResponse { release }))
    }

    pub(super) async fn decide(
        &self,
        request: Request<wire::DecideReleaseRequest>,
    ) -> Result<Response<wire::DecideReleaseResponse>, Status> {
        let (peer, info) = super::caller(&self.broker, &request)?;
        let wire::DecideReleaseRequest { decision, officer_token } = request.into_inner();
        let decided = async {
            let decision = decision.ok_or_else(|| missing("decision"))?;
            let digest = Digest(decision_digest(&decision));
            let by = Requester {
                agency: peer.agency.clone(),
                system: peer.system.clone(),
                spiffe_id: peer.spiffe_id.to_string(),
                certificate: fingerprint(&info),
                officer: decision.officer,
            };
            if by.officer.len() > TEXT {
                return Err(too_long("decision.officer"));
            }
            let release = ReleaseId::parse(&decision.release_id)
                .ok_or(Refusal::Release(ReleaseRefusal::Unknown))?;
            let step = decision.step.ok_or_else(|| missing("decision.step"))?;
            let (decided, after_step) = (from_wire(step)?, decision.after_step);
            let deciding = Deciding { release, by, decided, after_step, digest, officer_token };
            self.broker.decide_release(deciding).await
        };
        let release = decided.await.map_err(|refusal: Refusal| {
            let by = peer.spiffe_id.to_string();
            tracing::info!(by, reason = refusal.reason(), "a step of a release is refused");
            refusal.into_status("")
        })?;
        let release = Some(to_wire(&self.broker, &release, &peer.agency));
        Ok(Response::new(wire::DecideReleaseResponse { release }))
    }

    pub(super) fn list(
        &self,
        request: &Request<wire::ListReleasesRequest>,
    ) -> Result<Response<wire::ListReleasesResponse>, Status> {
        let (peer, _) = super::caller(&self.broker, request)?;
        let asked = request.get_ref();
        let limit = match asked.limit {
            0 => PAGE.0,
            limit if limit <= PAGE.1 => limit,
            _ => {
                let text = format!("at most {}", PAGE.1);
                return Err(Refusal::invalid("LIMIT_TOO_LARGE", "limit", text).into_status(""));
            }
        };
        let after = match asked.after.as_str() {
            "" => None,
            text => Some(ReleaseId::parse(text).ok_or_else(|| {
                Refusal::invalid("RELEASE_ID_MALFORMED", "after", "is no id").into_status("")
            })?),
        };
        let states: Vec<State> = asked
            .states
            .iter()
            .map(|number| State::from_number(*number))
            .collect::<Option<_>>()
            .ok_or_else(|| {
                let text = "a state is not known";
                Refusal::invalid("STATE_UNKNOWN", "states", text).into_status("")
            })?;
        let now = self.broker.clock.now();
        let passes = |release: &Release| {
            (states.is_empty() || states.contains(&release.state))
                && (!asked.overdue || release.overdue(now))
        };
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let (found, next) = self.broker.releases.list(&peer.agency, after, limit, passes);
        let of = |release: &Release| to_wire(&self.broker, release, &peer.agency);
        Ok(Response::new(wire::ListReleasesResponse {
            releases: found.iter().map(of).collect(),
            next: next.map(|id| id.to_string()).unwrap_or_default(),
        }))
    }

    pub(super) fn watch(
        &self,
        request: &Request<wire::WatchReleasesRequest>,
    ) -> Result<Response<Steps>, Status> {
        let (peer, _) = super::caller(&self.broker, request)?;
        let (broker, agency) = (self.broker.clone(), peer.agency.clone());
        let changed = broker.releases.changed();
        let begin = (request.get_ref().after_position, changed);
        let steps = futures::stream::unfold(begin, move |(after, mut changed)| {
            let (broker, agency) = (broker.clone(), agency.clone());
            async move {
                let position = after.checked_add(1)?;
                loop {
                    // Seen before it is looked: what comes in between wakes.
                    changed.borrow_and_update();
                    if let Some((step, release)) = broker.releases.at(&agency, position) {
                        let release = Some(to_wire(&broker, &release, &agency));
                        let told = wire::WatchReleasesResponse { position, step, release };
                        return Some((Ok(told), (position, changed)));
                    }
                    // The stream ends with the gateway: the watcher comes back behind its last position.
                    let stop = broker.releases.stop();
                    stop.run_until_cancelled(changed.changed()).await?.ok()?;
                }
            }
        });
        Ok(Response::new(Box::pin(steps)))
    }
}

/// What a release request has no use for would be dropped in silence.
fn empty_but_named(query: &wire::Query) -> Result<(), Refusal> {
    let text = "has no place in a release request";
    let stray = [
        ("query.filter", query.filter.is_some()),
        ("query.sources", !query.sources.is_empty()),
        ("query.limit", query.limit != 0),
        ("query.deadline", query.deadline.is_some()),
        ("query.release_id", !query.release_id.is_empty()),
    ];
    if let Some((field, _)) = stray.into_iter().find(|(_, there)| *there) {
        return Err(Refusal::invalid("FIELD_OUT_OF_PLACE", field, text));
    }
    if query.justification.trim().is_empty() {
        let text = "the originator is told why it is asked: a reason is needed";
        return Err(Refusal::invalid("REASON_MISSING", "query.justification", text));
    }
    Ok(())
}

fn too_long(field: &str) -> Refusal {
    Refusal::invalid("TEXT_TOO_LONG", field, format!("takes at most {TEXT} bytes"))
}

fn from_wire(step: Step) -> Result<Decided, Refusal> {
    let words = |field: &str, text: String, needed: bool| {
        if text.len() > TEXT {
            return Err(too_long(field));
        }
        if needed && text.trim().is_empty() { Err(missing(field)) } else { Ok(text) }
    };
    Ok(Decided::Other(match step {
        Step::Grant(grant) => {
            let remark = words("decision.grant.remark", grant.remark, false)?;
            let until = grant.until.as_ref().map(|at| moment("decision.grant.until", at));
            return Ok(Decided::Grant(granted(&grant.fields)?, remark, until.transpose()?));
        }
        Step::Refusal(refusal) => {
            let field = "decision.refusal.ground";
            let ground = Ground::from_number(refusal.ground).ok_or_else(|| missing(field))?;
            let field = "decision.refusal.text";
            let text = words(field, refusal.text, ground == Ground::Other)?;
            What::Refuse { ground, text }
        }
        Step::Question(text) => What::AskBack(words("decision.question", text, true)?),
        Step::Answer(text) => What::Answer(words("decision.answer", text, true)?),
        Step::Withdrawal(text) => What::Withdraw(words("decision.withdrawal", text, false)?),
        Step::Revocation(text) => What::Revoke(words("decision.revocation", text, true)?),
    }))
}

fn granted(fields: &[wire::ReleaseField]) -> Result<Vec<(String, Treatment)>, Refusal> {
    let at = "decision.grant.fields";
    if fields.is_empty() {
        return Err(missing(at));
    }
    if fields.len() > FIELDS {
        return Err(Refusal::invalid("TOO_MANY_NAMES", at, format!("at most {FIELDS} fields")));
    }
    let mut seen = std::collections::HashSet::new();
    let mut read = |field: &wire::ReleaseField| {
        if field.path.len() > TEXT {
            return Err(too_long(at));
        }
        if !seen.insert(field.path.clone()) {
            let text = "a field stands there twice";
            return Err(Refusal::invalid("FIELD_REPEATED", at, text));
        }
        let unknown = || Refusal::invalid("TREATMENT_UNKNOWN", at, "the treatment is not known");
        let generalised = field.treatment == wire::Treatment::Generalise as i32;
        if !generalised && !field.level.is_empty() {
            return Err(unknown());
        }
        let treatment = match wire::Treatment::try_from(field.treatment).map_err(|_| unknown())? {
            wire::Treatment::Unspecified | wire::Treatment::Clear => Treatment::Clear,
            wire::Treatment::Generalise => {
                Treatment::Generalise(Level::from_word(&field.level).ok_or_else(unknown)?)
            }
            wire::Treatment::Mask => Treatment::Mask,
            wire::Treatment::Pseudonymise => Treatment::Pseudonymise,
            wire::Treatment::Presence => Treatment::Presence,
            wire::Treatment::Withhold => return Err(unknown()),
        };
        Ok((field.path.clone(), treatment))
    };
    fields.iter().map(&mut read).collect()
}

fn moment(field: &str, at: &prost_types::Timestamp) -> Result<Moment, Refusal> {
    super::case::moment_of(at).ok_or_else(|| {
        Refusal::invalid("TIME_MALFORMED", field, "is not a time between 1970 and 9999")
    })
}

fn to_wire(broker: &Broker, release: &Release, reader: &AgencyId) -> wire::Release {
    let (ask, requester) = (&release.ask, &release.requester.agency);
    let (mine, theirs) = (requester == reader, ask.originator == *reader);
    let record_id = theirs.then(|| broker.record_of(release)).flatten().unwrap_or_default();
    let granted = release.granted.as_ref();
    wire::Release {
        id: release.id.to_string(),
        state: release.state as i32,
        overdue: release.overdue(broker.clock.now()),
        requester: requester.to_string(),
        originator: ask.originator.to_string(),
        purpose: ask.purpose as i32,
        case_id: ask.case.as_ref().map(ToString::to_string).unwrap_or_default(),
        agreement_id: ask.agreement.to_string(),
        agreement_version: ask.agreement_version,
        record_type: ask.record_type.to_string(),
        reference: if mine { ask.reference.clone() } else { String::new() },
        record_id: record_id.into(),
        fields: ask.fields.clone(),
        granted: granted.map(|granted| fields_of(&granted.grant.fields)).unwrap_or_default(),
        requested_at: release.steps.first().map(|logged| logged.step.at.to_proto()),
        due: Some(ask.due.to_proto()),
        lapses_at: Some(ask.lapses_at.to_proto()),
        usable_until: granted.map(|granted| granted.grant.until.to_proto()),
        steps: release.steps.iter().map(step_to_wire).collect(),
    }
}

fn fields_of(fields: &std::collections::BTreeMap<String, Treatment>) -> Vec<wire::ReleaseField> {
    let of = |(path, treatment): (&String, &Treatment)| {
        let (treatment, level) = super::encode::treatment_to_wire(*treatment);
        let (treatment, level) = (treatment.into(), level.to_owned());
        wire::ReleaseField { path: path.clone(), treatment, level }
    };
    fields.iter().map(of).collect()
}

fn step_to_wire(logged: &LoggedStep) -> wire::ReleaseStep {
    let step = &logged.step;
    let ground = match &step.what {
        What::Refuse { ground, .. } => *ground as i32,
        _ => 0,
    };
    let by = step.by.as_ref();
    wire::ReleaseStep {
        number: step.number,
        act: step.what.act() as i32,
        at: Some(step.at.to_proto()),
        agency: by.map(|by| by.agency.to_string()).unwrap_or_default(),
        officer: by.map(|by| by.officer.clone()).unwrap_or_default(),
        officer_proven: logged.proven.is_some(),
        text: step.what.text().to_owned(),
        ground,
        leaf_hash: bytes::Bytes::copy_from_slice(&logged.leaf_hash.0),
    }
}
