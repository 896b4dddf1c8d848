//! What the gateways' logs tell of a drill: read over the wire, each agency's share with its own certificate. What stood in
//! a log before the drill began is not the drill's.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use anyhow::Context as _;
use portcullis::source::adapter::IdKey;

use portcullis_proto::audit::v1 as audit;
use portcullis_proto::audit::v1::audit_service_client::AuditServiceClient;
use portcullis_proto::query::v1 as wire;
use portcullis_proto::query::v1::query_service_client::QueryServiceClient;
use serde_json::Value;

use super::{Agency, Host};
use crate::drill::event::{Event, What};
use crate::drill::join::Counted;
use crate::drill::plot::{Plot, Trace};
use crate::drill::simcell::Index;

/// What the logs tell of a drill.
#[derive(Debug, Default)]
pub struct Told {
    /// What happened, as the event log has it.
    pub what: Vec<What>,
    /// Entries behind it, by gateway.
    pub(super) counted: Vec<Counted>,
}

/// Exchanges that were begun, by their id: who asks, and for which record type.
type Intents = BTreeMap<String, (String, String)>;

/// Finds a plan by its hash, if the gateway is the drill's own and has applied it since it was started.
pub(super) type Plans = Arc<dyn Fn([u8; 32]) -> Option<What> + Send + Sync>;

/// Reads what the gateways' logs tell of a drill, as often as somebody wants to know.
#[derive(Clone)]
pub struct Gauge {
    pub(super) agencies: Arc<BTreeMap<String, Agency>>,
    pub(super) gateways: usize,
    pub(super) plans: Option<Plans>,
}

impl Told {
    /// What of it is not in the event log for another reason: a plan is written down once.
    pub fn fresh(&mut self, events: &[Event]) -> Vec<What> {
        let known: BTreeSet<&String> = events.iter().filter_map(plan_of).collect();
        let mut what = std::mem::take(&mut self.what);
        what.retain(|what| !matches!(what, What::Plan { plan, .. } if known.contains(plan)));
        what
    }
}

fn plan_of(event: &Event) -> Option<&String> {
    match &event.what {
        What::Plan { plan, .. } => Some(plan),
        _ => None,
    }
}

impl Host {
    /// What left the gateways and what was refused, who received records of cases, and which releases were decided on.
    ///
    /// # Errors
    /// When a log cannot be read, or contradicts itself.
    pub async fn told(&self, plot: &Plot) -> anyhow::Result<Told> {
        self.gauge().told(plot).await
    }
}

impl Gauge {
    /// What left the gateways and what was refused, who received records of cases, which releases were decided on, and
    /// what the plans behind it show, as far as that is known.
    ///
    /// # Errors
    /// When a log cannot be read, or contradicts itself.
    pub async fn told(&self, plot: &Plot) -> anyhow::Result<Told> {
        let mut told = Told { what: vec![], counted: vec![Counted::default(); self.gateways] };
        self.disclosures(&mut told).await?;
        self.received(plot, &mut told).await?;
        told.what.extend(self.releases(plot).await?);
        let hashes: BTreeSet<&String> = told.what.iter().filter_map(applied).collect();
        let plans: Vec<What> = hashes.into_iter().filter_map(|hash| self.plan(hash)).collect();
        told.what.splice(0..0, plans);
        Ok(told)
    }

    fn plan(&self, hash: &str) -> Option<What> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(hash, &mut bytes).ok()?;
        self.plans.as_ref()?(bytes)
    }

    /// The key from which an agency's source derives the ids that it tells.
    fn id_key(&self, agency: &str) -> anyhow::Result<IdKey> {
        let key = self.agencies.get(agency).and_then(|agency| agency.id_key.clone());
        key.with_context(|| format!("agency `{agency}` has no key of its records' ids"))
    }

    /// What the log tells each originator of what left it, and every requester of what it was refused.
    async fn disclosures(&self, told: &mut Told) -> anyhow::Result<()> {
        let mut all: BTreeMap<(usize, u64, &str), Vec<What>> = BTreeMap::new();
        for (id, agency) in self.agencies.iter() {
            let mut client = AuditServiceClient::new(agency.channel.clone());
            let mut intents = Intents::new();
            let mut from_index = agency.from_index;
            loop {
                let ask =
                    audit::ListEntriesRequest { from_index, limit: 1_000, ..Default::default() };
                let listed = client.list_entries(ask).await?.into_inner();
                for entry in &listed.entries {
                    if let Some(counted) = told.counted.get_mut(agency.gate) {
                        counted.add(entry.index, id, Some(&entry.leaf))?;
                    }
                    let what = read(entry, id, &mut intents)?;
                    all.entry((agency.gate, entry.index, id)).or_default().extend(what);
                }
                if listed.next_index == 0 {
                    break;
                }
                from_index = listed.next_index;
            }
        }
        told.what.extend(all.into_values().flatten());
        Ok(())
    }

    /// Who received records of cases, by the gateways' own index of recipients.
    async fn received(&self, plot: &Plot, told: &mut Told) -> anyhow::Result<()> {
        let mut seen = BTreeSet::new();
        for trace in plot.cases.iter().flat_map(|case| &case.traces) {
            if let Some(agency) = self.agencies.get(&trace.agency)
                && seen.insert(trace.at)
            {
                self.recipients(trace, agency, told).await?;
            }
        }
        Ok(())
    }

    async fn recipients(
        &self,
        trace: &Trace,
        agency: &Agency,
        told: &mut Told,
    ) -> anyhow::Result<()> {
        let key = self.id_key(&trace.agency)?;
        let record_type = trace.at.table.record_type();
        let id = key.opaque(record_type, std::iter::once(trace.record.as_str()));
        let mut client = AuditServiceClient::new(agency.channel.clone());
        let mut from_index = agency.from_index;
        loop {
            let ask = audit::ListRecipientsRequest {
                record_id: id.to_vec().into(),
                record_type: record_type.to_owned(),
                from_index,
                limit: 500,
                ..Default::default()
            };
            let listed = client.list_recipients(ask).await?.into_inner();
            for one in &listed.recipients {
                if let Some(counted) = told.counted.get_mut(agency.gate) {
                    counted.add(one.index, &trace.agency, None)?;
                }
                told.what.push(What::Received {
                    to: one.agency.clone(),
                    from: trace.agency.clone(),
                    table: trace.at.table.name().to_owned(),
                    record: trace.record.clone(),
                    plan: hex::encode(&one.plan_hash),
                });
            }
            if listed.next_index == 0 {
                return Ok(());
            }
            from_index = listed.next_index;
        }
    }

    /// Release requests on which agencies decided, in the order in which they were asked for.
    async fn releases(&self, plot: &Plot) -> anyhow::Result<Vec<What>> {
        let mut all = BTreeMap::new();
        for (id, agency) in self.agencies.iter() {
            let Some(key) = agency.id_key.clone() else { continue };
            let mut client = QueryServiceClient::new(agency.channel.clone());
            let mut index = Index::new(plot, id, key);
            let mut after = agency.after_release.clone();
            loop {
                let ask = wire::ListReleasesRequest { after, limit: 1_000, ..Default::default() };
                let listed = client.list_releases(ask).await?.into_inner();
                for release in listed.releases.iter().filter(|one| one.originator == *id) {
                    if let Some(what) = decided(release, plot, &mut index) {
                        all.insert(release.id.clone(), what);
                    }
                }
                if listed.next.is_empty() {
                    break;
                }
                after = listed.next;
            }
        }
        Ok(all.into_values().collect())
    }
}

/// The plan under which something was disclosed.
fn applied(what: &What) -> Option<&String> {
    match what {
        What::Disclosed { plan, .. } | What::Received { plan, .. } => Some(plan),
        _ => None,
    }
}

/// A release request as its originator decided on it.
fn decided(release: &wire::Release, plot: &Plot, index: &mut Index<'_>) -> Option<What> {
    let granted = match release.state() {
        wire::ReleaseState::Granted | wire::ReleaseState::Revoked => true,
        wire::ReleaseState::Refused => false,
        _ => return None,
    };
    let record = index.find(&release.record_type, &release.record_id);
    let trace = |at| plot.cases.iter().flat_map(|case| &case.traces).find(|one| one.at == at);
    let trace = record.and_then(trace);
    Some(What::Release {
        id: release.id.clone(),
        to: release.requester.clone(),
        from: release.originator.clone(),
        table: record.map(|at| at.table.name().to_owned()).unwrap_or_default(),
        record: trace.map(|trace| trace.record.clone()).unwrap_or_default(),
        fields: release.fields.clone(),
        granted,
    })
}

/// What an entry says to one of its parties. Disclosures are told by their originator alone, refusals by who was refused,
/// so that nothing is counted twice. An exchange that was begun before the drill is not the drill's.
fn read(entry: &audit::Entry, agency: &str, intents: &mut Intents) -> anyhow::Result<Vec<What>> {
    if entry.body_json.is_empty() {
        return Ok(vec![]);
    }
    let parts: Vec<Value> = serde_json::from_str(&entry.body_json)?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let at = |part: &'_ Value, path: &str| part.pointer(path).cloned().unwrap_or_default();
    let mut told = vec![];
    for part in &parts {
        match part["part"].as_str() {
            Some("intent") => {
                let asked = (text(&at(part, "/requester/agency")), text(&part["record_type"]));
                intents.insert(entry.exchange_id.clone(), asked);
            }
            Some("share") if part["originator"] == agency => {
                let Some((to, record_type)) = intents.get(&entry.exchange_id).cloned() else {
                    continue;
                };
                let mut by_plan: BTreeMap<String, u64> = BTreeMap::new();
                for record in part["records"].as_array().into_iter().flatten() {
                    *by_plan.entry(text(&record["plan_hash"])).or_default() += 1;
                }
                told.extend(by_plan.into_iter().map(|(plan, records)| What::Disclosed {
                    entry: entry.index,
                    exchange: entry.exchange_id.clone(),
                    to: to.clone(),
                    from: agency.to_owned(),
                    record_type: record_type.clone(),
                    plan,
                    records,
                }));
            }
            Some("denial") if at(part, "/requester/agency") == agency => {
                let reason = text(&part["reason"]);
                told.push(What::Refused { entry: entry.index, to: agency.to_owned(), reason });
            }
            _ => {}
        }
    }
    Ok(told)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exchange_that_was_begun_before_the_drill_is_not_the_drills() {
        let entry = |index: u64, exchange: &str, body: Value| audit::Entry {
            index,
            exchange_id: exchange.to_owned(),
            body_json: body.to_string(),
            ..audit::Entry::default()
        };
        let intent = serde_json::json!([
            {"part": "intent", "requester": {"agency": "b"}, "record_type": "T"}
        ]);
        let share = serde_json::json!([
            {"part": "share", "originator": "a", "records": [{"plan_hash": "p"}, {"plan_hash": "p"}]}
        ]);
        let mut intents = Intents::new();
        let mut told = |entry: audit::Entry| read(&entry, "a", &mut intents).unwrap();
        assert_eq!(told(entry(7, "x", share.clone())), []);
        assert_eq!(told(entry(8, "y", intent)), []);
        let found = told(entry(9, "y", share));
        let [What::Disclosed { to, records, entry, .. }] = found.as_slice() else {
            panic!("{found:?}")
        };
        assert_eq!((to.as_str(), *records, *entry), ("b", 2, 9));
    }
}
