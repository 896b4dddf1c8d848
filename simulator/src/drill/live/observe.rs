//! What people's teams asked. They ask the gateway by whatever program they like; that they asked, whom, and what came, is
//! read from the gateway's log, each agency's share with its own certificate. Nobody has to tell, and nobody can pretend.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use portcullis_proto::audit::v1 as audit;
use portcullis_proto::audit::v1::audit_service_client::AuditServiceClient;
use serde_json::Value;
use tonic::transport::Channel;

use super::Session;
use crate::drill::event::{Answered, What};

/// How often the log is asked for news.
const EVERY: Duration = Duration::from_millis(500);

/// How often it is asked for what came of a question that was answered a moment ago, and how long.
const SOON: Duration = Duration::from_millis(100);
/// See [`SOON`].
const PATIENCE: Duration = Duration::from_secs(5);

/// Watches the log for a team until the drill is over, from the first entry on that is the drill's.
pub async fn observe(session: Session, team: String, channel: Channel, mut from_index: u64) {
    let mut client = AuditServiceClient::new(channel);
    let mut reader = Reader::new(&team, &session);
    loop {
        let ask = audit::ListEntriesRequest { from_index, limit: 500, ..Default::default() };
        match client.list_entries(ask).await {
            Ok(listed) => {
                let listed = listed.into_inner();
                for entry in &listed.entries {
                    from_index = from_index.max(entry.index + 1);
                    for what in reader.read(entry) {
                        if !session.observed(&team, what).await {
                            return;
                        }
                    }
                }
                if listed.next_index > 0 {
                    from_index = listed.next_index;
                    continue;
                }
            }
            Err(status) => {
                tracing::warn!(code = ?status.code(), "the gateway's log cannot be read; again soon");
            }
        }
        tokio::time::sleep(EVERY).await;
        if session.is_over() {
            return;
        }
    }
}

/// What a team asked that the log of the drill does not have: between the last look and the end. For a session that takes
/// nothing more.
///
/// # Errors
/// When the gateway's log cannot be read.
pub async fn unheard(
    session: &Session,
    team: &str,
    channel: Channel,
    mut from_index: u64,
) -> Result<Vec<What>, tonic::Status> {
    let mut client = AuditServiceClient::new(channel);
    let mut reader = Reader::new(team, session);
    let mut unheard = vec![];
    let until = tokio::time::Instant::now() + PATIENCE;
    loop {
        let ask = audit::ListEntriesRequest { from_index, limit: 500, ..Default::default() };
        let listed = client.list_entries(ask).await?.into_inner();
        for entry in &listed.entries {
            from_index = from_index.max(entry.index + 1);
            unheard.extend(reader.read(entry));
        }
        if listed.next_index > 0 {
            from_index = listed.next_index;
        } else if reader.open.is_empty() || tokio::time::Instant::now() > until {
            return Ok(unheard);
        } else {
            // What came of a question is logged once it was answered.
            tokio::time::sleep(SOON).await;
        }
    }
}

/// An exchange that is under way: what is asked for, of whom, and how many records came of each.
#[derive(Default)]
struct Open {
    record_type: String,
    of: BTreeMap<String, u64>,
}

struct Reader {
    team: String,
    open: BTreeMap<String, Open>,
    known: BTreeSet<String>,
    /// Denials that were written down already: they come first, for the log's order stays.
    denials: usize,
}

impl Reader {
    fn new(team: &str, session: &Session) -> Self {
        let (mut known, mut denials) = (BTreeSet::new(), 0);
        for event in session.events_from(0) {
            match &event.what {
                What::Asked { answer: Answered::Records { exchange, .. }, .. } => {
                    known.insert(exchange.clone());
                }
                What::Asked { matter: None, of, answer: Answered::Refused { .. }, .. }
                    if event.by == team && of.is_empty() =>
                {
                    denials += 1;
                }
                _ => {}
            }
        }
        Self { team: team.to_owned(), open: BTreeMap::new(), known, denials }
    }

    fn read(&mut self, entry: &audit::Entry) -> Vec<What> {
        let Ok(parts) = serde_json::from_str::<Vec<Value>>(&entry.body_json) else { return vec![] };
        let text =
            |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
        let exchange = &entry.exchange_id;
        let mut told = vec![];
        for part in &parts {
            let mine = text(part.pointer("/requester/agency")) == self.team;
            match part.get("part").and_then(Value::as_str) {
                Some("intent") if mine => {
                    let name = text(part.get("record_type"));
                    let sources = part.get("sources").and_then(Value::as_array);
                    let of = sources.into_iter().flatten().map(|one| (text(Some(one)), 0));
                    let record_type = name.rsplit('.').next().unwrap_or_default().to_owned();
                    self.open.insert(exchange.clone(), Open { record_type, of: of.collect() });
                }
                Some("source") => {
                    let count = part.get("records_released").and_then(Value::as_u64);
                    if let Some(open) = self.open.get_mut(exchange) {
                        open.of.insert(text(part.get("agency")), count.unwrap_or_default());
                    }
                }
                Some("denial") if mine && self.denials > 0 => self.denials -= 1,
                Some("denial") if mine => told.push(What::Asked {
                    matter: None,
                    of: String::new(),
                    record_type: String::new(),
                    answer: Answered::Refused { reason: text(part.get("reason")) },
                }),
                _ => {}
            }
        }
        let ended =
            parts.iter().any(|part| part.get("part").and_then(Value::as_str) == Some("ended"));
        if ended
            && let Some(open) = self.open.remove(exchange)
            && self.known.insert(exchange.clone())
        {
            told.extend(open.of.into_iter().map(|(of, count)| What::Asked {
                matter: None,
                of,
                record_type: open.record_type.clone(),
                answer: Answered::Records { count, exchange: exchange.clone() },
            }));
        }
        told
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use super::super::{Cast, Clocks, Player};
    use super::*;
    use crate::drill::clock::Exercise;
    use crate::drill::play::State;
    use crate::drill::plot::Plot;
    use crate::drill::scenario::Scenario;

    /// A host that was killed reads the log from the beginning again when it comes back.
    #[test]
    fn what_was_written_down_already_is_not_told_again_denials_neither() {
        let scenario = Scenario::read(Path::new("tutorial")).unwrap();
        let plot = Plot::new(&scenario, None).unwrap();
        let players = vec![Player::People; scenario.teams.len()];
        let cast = Arc::new(Cast { scenario, plot, players });
        let state = State::new(&cast.scenario, &cast.plot, BTreeSet::new());
        let (session, _inbox) = Session::new(cast.clone(), Clocks::of(&state));
        let entry = |exchange: &str, body: Value| audit::Entry {
            exchange_id: exchange.to_owned(),
            body_json: body.to_string(),
            ..audit::Entry::default()
        };
        let asks = serde_json::json!({"agency": "nv-customs"});
        let denial = |exchange, reason| {
            entry(
                exchange,
                serde_json::json!([{"part": "denial", "requester": asks, "reason": reason}]),
            )
        };
        let answered = |exchange| {
            entry(
                exchange,
                serde_json::json!([
                    {"part": "intent", "requester": asks, "record_type": "p.Declaration", "sources": ["vl-customs"]},
                    {"part": "source", "agency": "vl-customs", "records_released": 2},
                    {"part": "ended"}
                ]),
            )
        };
        let log = [denial("a", "CASE"), answered("b"), denial("c", "PURPOSE"), answered("d")];
        let told = |session: &Session, log: &[audit::Entry]| -> Vec<What> {
            let mut reader = Reader::new("nv-customs", session);
            log.iter().flat_map(|entry| reader.read(entry)).collect()
        };
        let [first, rest] = [&log[..2], &log[2..]].map(|part| told(&session, part));
        assert_eq!((first.len(), rest.len()), (2, 2));
        let events: Vec<_> =
            first.into_iter().map(|what| state.event(Exercise(9), "nv-customs", what)).collect();
        session.tell(&events);
        assert_eq!(told(&session, &log), rest);
        // Another team's are its own.
        assert!(Reader::new("vl-customs", &session).read(&log[0]).is_empty());
    }
}
