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
}

impl Reader {
    fn new(team: &str, session: &Session) -> Self {
        let events = session.events_from(0);
        let known = events.iter().filter_map(|event| match &event.what {
            What::Asked { answer: Answered::Records { exchange, .. }, .. } => {
                Some(exchange.clone())
            }
            _ => None,
        });
        Self { team: team.to_owned(), open: BTreeMap::new(), known: known.collect() }
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
