//! The simulation cell: answers release requests for agencies that nobody plays. It knows what the agency knows, its own
//! record and the reason that was given, and grants what the reason accounts for: it has to name something that stands in
//! the record, as whoever has a matter that touches it can.

use std::collections::BTreeMap;
use std::time::Duration;

use portcullis::source::adapter::IdKey;
use portcullis_proto::query::v1 as wire;
use portcullis_proto::query::v1::query_service_client::QueryServiceClient;
use tonic::transport::Channel;

use super::live::Session;
use super::plot::Plot;
use crate::detect::records::{At, place};
use crate::table::{Kind, Table};

/// How often it looks.
const EVERY: Duration = Duration::from_secs(1);
/// Shortest text of a record that a reason can name: shorter ones stand in every other record too.
const TELLING: usize = 6;

/// An agency's records by the ids under which its source tells of them.
pub struct Index<'p> {
    plot: &'p Plot,
    agency: String,
    key: IdKey,
    known: BTreeMap<Table, BTreeMap<Vec<u8>, At>>,
}

impl<'p> Index<'p> {
    /// Of an agency, by its key.
    pub fn new(plot: &'p Plot, agency: &str, key: IdKey) -> Self {
        Self { plot, agency: agency.to_owned(), key, known: BTreeMap::new() }
    }

    /// The record behind an id.
    pub fn find(&mut self, record_type: &str, id: &[u8]) -> Option<At> {
        let table = *Table::ALL.iter().find(|table| table.record_type() == record_type)?;
        let (plot, key, agency) = (self.plot, &self.key, self.agency.as_str());
        let all = self.known.entry(table).or_insert_with(|| {
            let records = &plot.ground.records;
            let agency = records.word(agency);
            let mine = records.all(table).filter(|at| Some(records.agency(*at)) == agency);
            let place = place(table, "id");
            let named = mine.map(|at| {
                let number = records.text(at, place);
                (key.opaque(record_type, std::iter::once(number)).to_vec(), at)
            });
            named.collect()
        });
        all.get(id).copied()
    }

    /// Whether a reason names something that stands in a record.
    fn is_named(&self, at: At, reason: &str) -> bool {
        let records = &self.plot.ground.records;
        let columns = at.table.columns().iter();
        let texts = columns.filter(|column| matches!(column.kind, Kind::Word | Kind::Text));
        let reason = reason.to_lowercase();
        texts
            .map(|column| records.text(at, place(at.table, column.name)).to_lowercase())
            .any(|text| text.chars().count() >= TELLING && reason.contains(&text))
    }
}

/// What is answered to a request, by its reason and the record.
fn decision(index: &mut Index<'_>, release: &wire::Release) -> wire::release_decision::Step {
    use wire::release_decision::Step;
    let reason = release.steps.first().map_or("", |step| step.text.as_str());
    let record = index.find(&release.record_type, &release.record_id);
    if record.is_some_and(|at| index.is_named(at, reason)) {
        let fields = release.fields.iter();
        let fields =
            fields.map(|path| wire::ReleaseField { path: path.clone(), ..Default::default() });
        let remark = "the reason accounts for it".to_owned();
        Step::Grant(wire::ReleaseGrant { fields: fields.collect(), remark, until: None })
    } else {
        Step::Refusal(wire::ReleaseRefusal {
            ground: wire::RefusalGround::NotNecessary.into(),
            text: "the reason names nothing of what the record says".to_owned(),
        })
    }
}

/// Answers for an agency until the drill is over. `after`: the last release request that is not the drill's; empty where all
/// are.
pub async fn answer(session: Session, agency: String, key: IdKey, channel: Channel, after: String) {
    let mut client = QueryServiceClient::new(channel);
    let mut index = Index::new(&session.cast.plot, &agency, key);
    while !session.is_over() {
        let ask = wire::ListReleasesRequest {
            states: vec![wire::ReleaseState::Pending.into()],
            after: after.clone(),
            ..Default::default()
        };
        let listed = client.list_releases(ask).await;
        let pending = listed.map(|listed| listed.into_inner().releases).unwrap_or_default();
        for release in pending.iter().filter(|release| release.originator == agency) {
            let step = decision(&mut index, release);
            let decision = wire::ReleaseDecision {
                release_id: release.id.clone(),
                step: Some(step),
                officer: "simulation cell".to_owned(),
                after_step: 0,
            };
            let decided = wire::DecideReleaseRequest {
                decision: Some(decision),
                ..wire::DecideReleaseRequest::default()
            };
            if let Err(status) = client.decide_release(decided).await {
                tracing::warn!(code = ?status.code(), "a release was not decided; again soon");
            }
        }
        tokio::time::sleep(EVERY).await;
    }
}
