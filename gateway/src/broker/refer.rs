//! Release requests under policy: what may be asked for, who decides, what a grant can show, and what a query that
//! names a grant rests on. Steps are taken by `releases`; values only ever leave by a query.

use std::sync::Arc;

use portcullis_core::handling::HandlingClass;
use portcullis_core::id::{AgencyId, Digest, Moment, OfficerId};
use portcullis_core::label::Leaf;
use portcullis_core::policy::{Permit, ReleaseTerms, Request, Snapshot};
use portcullis_core::redact::{Plan, PseudonymScope, Treatment};
use portcullis_core::release::ReleaseId;

use super::{Ask, Broker, Wanted};
use crate::audit::{ReleaseAsk, Requester, What};
use crate::officers::{Expected, Proof};
use crate::releases::{Granted, Release, ReleaseRefusal, Taking};
use crate::status::Refusal;

/// A decision on a release, as an agency brings it.
#[derive(Debug, Clone)]
pub struct Deciding {
    /// Which release.
    pub release: ReleaseId,
    /// Who decides; the officer as told.
    pub by: Requester,
    /// What is decided.
    pub decided: Decided,
    /// The last step that was looked at; 0: whichever.
    pub after_step: u32,
    /// SHA-256 of the decision.
    pub digest: Digest,
    /// The officer's token; empty: none.
    pub officer_token: String,
}

/// What is decided.
#[derive(Debug, Clone)]
pub enum Decided {
    /// Fields and how they are shown, a remark, and until when.
    Grant(Vec<(String, Treatment)>, String, Option<Moment>),
    /// Anything else.
    Other(What),
}

impl Broker {
    /// Asks an originator for a release.
    ///
    /// # Errors
    /// The reason for which it is refused, already logged where the log can be reached.
    pub async fn request_release(
        &self,
        mut ask: Ask,
        due: Option<Moment>,
    ) -> Result<Release, Refusal> {
        let now = self.clock.now();
        let before = self.releases.asked_before(ask.idempotency_key, ask.digest);
        match before.map_err(Refusal::Release) {
            Ok(Some(release)) => return Ok(release),
            Ok(None) => {}
            Err(refusal) => return Err(refusal),
        }
        let policy = self.policy.load_full();
        let asked = self
            .prove_officer(&mut ask, now)
            .map_err(Refusal::OfficerToken)
            .and_then(|()| self.referable(&policy, &ask, due, now));
        let asked = match asked {
            Ok(asked) => asked,
            Err(refusal) => return Err(self.deny(&policy, &ask, refusal).await),
        };
        let id = ReleaseId(ask.exchange.0);
        let requested =
            self.releases.request(id, ask.requester.clone(), asked, ask.officer.clone()).await;
        let requested = match requested {
            // Two attempts under one key came at once, and the other one was first.
            Err(ReleaseRefusal::IdempotencyKeyReused) => self
                .releases
                .asked_before(ask.idempotency_key, ask.digest)
                .and_then(|before| before.ok_or(ReleaseRefusal::IdempotencyKeyReused)),
            requested => requested,
        };
        match requested {
            Ok(release) => Ok(release),
            Err(refusal) => Err(self.deny(&policy, &ask, Refusal::Release(refusal)).await),
        }
    }

    /// What is asked for, where policy lets it be asked.
    fn referable(
        &self,
        policy: &Arc<Snapshot>,
        ask: &Ask,
        due: Option<Moment>,
        now: Moment,
    ) -> Result<ReleaseAsk, Refusal> {
        let permit = policy.decide(&ask.request, now).permit().map_err(Refusal::Denied)?;
        let scope = permit.scope();
        let [reference] = ask.references.as_slice() else {
            let text = "a release is asked for one record: exactly one reference";
            return Err(Refusal::invalid("REFERENCE_NOT_USABLE", "query.references", text));
        };
        // A reference that was made up and one of another scope look alike.
        let opened = self.pseudonyms.opening(&scope);
        let opened = opened.open_reference(permit.sources(), reference);
        let (originator, _) = opened.map_err(|_| {
            let text = "it is no reference of an earlier answer in this case or agreement";
            Refusal::invalid("REFERENCE_NOT_USABLE", "query.references", text)
        })?;
        let originator = originator.clone();
        let not_here = || Refusal::Release(ReleaseRefusal::NotAskable("*".to_owned()));
        let class = HandlingClass::ordinary(originator.clone(), self.environment);
        let plan = permit.plan(&class, now).map_err(|_| not_here())?;
        let terms = terms(&permit, &originator).ok_or_else(not_here)?;
        let fields = askable(&ask.wanted, &plan)?;
        let lapses_at = now.days_later(terms.answer_within_days).min(permit.valid_until());
        let due = due.unwrap_or(lapses_at);
        if due <= now || due > lapses_at {
            let until = crate::status::rfc3339(lapses_at);
            let text = format!("lies between now and {until}, when the request lapses");
            return Err(Refusal::invalid("DUE_NOT_POSSIBLE", "due", text));
        }
        Ok(ReleaseAsk {
            originator,
            purpose: ask.request.purpose,
            case: ask.request.case.clone(),
            agreement: permit.agreement_id().clone(),
            agreement_version: permit.agreement_version(),
            record_type: ask.request.record_type.clone(),
            schema_hash: permit.record_type().hash(),
            reference: reference.clone(),
            scope: scope.0.to_string(),
            fields,
            reason: ask.justification.clone(),
            due,
            lapses_at,
            grant_holds_days: terms.grant_holds_days,
            query_digest: ask.digest,
            policy_hash: permit.policy_hash(),
            idempotency_key: ask.idempotency_key,
        })
    }

    /// Takes a step that an agency decided on.
    ///
    /// # Errors
    /// The reason for which it is refused; then nothing has changed.
    pub async fn decide_release(&self, deciding: Deciding) -> Result<Release, Refusal> {
        let now = self.clock.now();
        let agency = &deciding.by.agency;
        let release = self.releases.find(deciding.release, agency);
        let release = release.ok_or(Refusal::Release(ReleaseRefusal::Unknown))?;
        let proof = self.prove_decider(&deciding, &release, now)?;
        let policy = self.policy.load_full();
        let flow_needs_officer = policy.agreement(&release.ask.agreement).is_some_and(|one| {
            one.flows.iter().any(|flow| {
                flow.officer_required
                    && flow.from == release.ask.originator
                    && flow.to.contains(&release.requester.agency)
                    && flow.record_types.contains(&release.ask.record_type)
                    && flow.purposes.contains(&release.ask.purpose)
            })
        });
        if flow_needs_officer && proof.is_none() {
            return Err(Refusal::Release(ReleaseRefusal::OfficerRequired));
        }
        let what = match deciding.decided {
            Decided::Other(what) => what,
            Decided::Grant(..) if release.ask.originator != *agency => {
                return Err(Refusal::Release(ReleaseRefusal::NotYours));
            }
            Decided::Grant(fields, remark, until) => {
                self.grant(&policy, &release, fields, remark, until, now)?
            }
        };
        let mut by = deciding.by;
        if let Some(proof) = &proof {
            by.officer = proof.officer.to_string();
        }
        let after_step = deciding.after_step;
        let taking = Taking { release: release.id, by, what, proof, after_step };
        self.releases.take(taking).await.map_err(Refusal::Release)
    }

    fn prove_decider(
        &self,
        deciding: &Deciding,
        release: &Release,
        now: Moment,
    ) -> Result<Option<Proof>, Refusal> {
        if deciding.officer_token.is_empty() {
            return Ok(None);
        }
        let expected = Expected {
            agency: &deciding.by.agency,
            officer: &deciding.by.officer,
            case: release.ask.case.as_ref(),
            query_digest: deciding.digest,
        };
        let proof = self.officers.prove(&deciding.officer_token, &expected, now);
        proof.map(Some).map_err(Refusal::OfficerToken)
    }

    /// A grant that policy lets the originator give: the requester could still ask, each field was asked for, and
    /// nothing but the agreement's ladder kept it lower.
    fn grant(
        &self,
        policy: &Arc<Snapshot>,
        release: &Release,
        mut fields: Vec<(String, Treatment)>,
        remark: String,
        until: Option<Moment>,
        now: Moment,
    ) -> Result<What, Refusal> {
        let refuse = |refusal| Err(Refusal::Release(refusal));
        let ask = &release.ask;
        if let Some((path, _)) = fields.iter().find(|(path, _)| !ask.fields.contains(path)) {
            return refuse(ReleaseRefusal::NotAsked(path.clone()));
        }
        fields.sort_by(|one, two| one.0.cmp(&two.0));
        let permit = policy.decide(&request_of(release), now).permit();
        let Ok(permit) = permit else { return refuse(ReleaseRefusal::Ended) };
        let class = HandlingClass::ordinary(ask.originator.clone(), self.environment);
        let not = permit.grantable(&class, &fields, now);
        let Ok(not) = not else { return refuse(ReleaseRefusal::Ended) };
        if let Some((path, rules)) = not.into_iter().next() {
            return refuse(ReleaseRefusal::NotGrantable { path, rules });
        }
        let most = now.days_later(ask.grant_holds_days).min(permit.valid_until());
        let until = until.map_or(most, |until| until.min(most));
        if until <= now {
            let text = "a grant ends later than now";
            return Err(Refusal::invalid("UNTIL_NOT_POSSIBLE", "decision.grant.until", text));
        }
        Ok(What::Grant { fields, remark, until, policy_hash: permit.policy_hash() })
    }

    /// Where a query names a release: what was granted, and the query cut to its one record.
    pub(super) fn rest_on_grant(
        &self,
        ask: &mut Ask,
        now: Moment,
    ) -> Result<Option<Granted>, Refusal> {
        let Some(id) = ask.release else { return Ok(None) };
        let alone =
            ask.references.is_empty() && ask.filter.is_none() && ask.resume_token.is_empty();
        if !alone {
            let text = "a query that names a release names neither references nor a filter";
            return Err(Refusal::invalid("RELEASE_STANDS_ALONE", "query.release_id", text));
        }
        let unusable = || Refusal::Release(ReleaseRefusal::NotUsable);
        let granted = self.releases.granted(id, &ask.request.requester, now);
        let granted = granted.ok_or_else(unusable)?;
        let grant = &granted.grant;
        let sources = &ask.request.sources;
        let agreement = ask.request.agreement.as_ref();
        let fits = (sources.is_empty() || *sources == [grant.source.clone()])
            && agreement.is_none_or(|one| *one == grant.agreement);
        if !fits {
            return Err(unusable());
        }
        ask.request.sources = vec![grant.source.clone()];
        ask.request.agreement = Some(grant.agreement.clone());
        ask.references = vec![granted.reference.clone()];
        Ok(Some(granted))
    }

    /// The record of a release as its source names it; none when the key behind the reference is gone.
    pub fn record_of(&self, release: &Release) -> Option<Vec<u8>> {
        let scope = PseudonymScope(Arc::from(release.ask.scope.as_str()));
        let key = self.pseudonyms.opening(&scope);
        let originators = [&release.ask.originator];
        key.open_reference(originators, &release.ask.reference).ok().map(|(_, id)| id)
    }
}

/// The query that the requester could ask now.
fn request_of(release: &Release) -> Request {
    let officer = release.asked_by_officer().then(|| OfficerId::new(&release.requester.officer));
    Request {
        requester: release.requester.agency.clone(),
        system: release.requester.system.clone(),
        officer,
        purpose: release.ask.purpose,
        case: release.ask.case.clone(),
        agreement: Some(release.ask.agreement.clone()),
        record_type: release.ask.record_type.clone(),
        sources: vec![release.ask.originator.clone()],
    }
}

fn terms(permit: &Permit, originator: &AgencyId) -> Option<ReleaseTerms> {
    permit.flows().find(|flow| flow.from == *originator)?.release
}

/// The leaves that are asked for: of a message those that asking can help, of a field that field.
fn askable(wanted: &Wanted, plan: &Plan) -> Result<Vec<String>, Refusal> {
    let Wanted::Paths(paths) = wanted else {
        let text = "a release is asked for fields by name";
        return Err(Refusal::invalid("FIELDS_NOT_NAMED", "query.fields", text));
    };
    let helps = |leaf: &&Leaf| plan.field(leaf.id).is_some_and(|field| field.ask.is_some());
    let mut fields = vec![];
    for path in paths {
        let below = plan.record_type().leaves_under(path);
        if plan.record_type().leaves_under(path).next().is_none() {
            return Err(Refusal::FieldNotUsable { path: path.clone() });
        }
        let before = fields.len();
        fields.extend(below.filter(helps).map(|leaf| leaf.path.clone()));
        if fields.len() == before {
            return Err(Refusal::Release(ReleaseRefusal::NotAskable(path.clone())));
        }
    }
    fields.sort_unstable();
    fields.dedup();
    Ok(fields)
}
