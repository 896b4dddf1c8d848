//! Questions to partners, over the wire: a team's own certificate, the gateway's contract, and nothing of its inside.

use std::collections::BTreeMap;
use std::sync::Arc;

use portcullis_proto::handling::v1::Environment;
use portcullis_proto::query::v1 as wire;
use prost_reflect::{
    DescriptorPool, DynamicMessage, MessageDescriptor, ReflectMessage as _, Value,
};
use tonic::transport::Channel;
use wire::query_response::Message;
use wire::query_service_client::QueryServiceClient;

use super::event::{Answered, What};
use super::now::Now;
use super::playbook::{Found, Lead, Row, Test};
use super::scenario::Entry;
use super::smuggler::Hidden;
use super::weather::Weather;

/// Largest message that is taken.
const MAX_BYTES: usize = 64 << 20;
/// How long an answer may take.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(30);

/// Whoever can be asked.
pub trait Ask {
    /// Asks a question on behalf of an agency, at a moment of the world.
    fn ask(&mut self, asker: &str, lead: &Lead, now: i64) -> impl Future<Output = Reply> + Send;

    /// Says which records nobody has, because what they tell of does not happen.
    fn hide(&mut self, hidden: &Hidden) -> impl Future<Output = ()> + Send;

    /// Changes how the exchange works, as an inject says, or back. What goes wrong is returned in words.
    fn turn(&mut self, _entry: &Entry, _on: bool) -> impl Future<Output = Option<String>> + Send {
        std::future::ready(None)
    }
}

/// What came of a question.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// How it went.
    pub answered: Answered,
    /// What it brought.
    pub found: Found,
    /// Plans behind it.
    pub plans: Vec<What>,
}

impl Reply {
    /// Nothing, for this reason.
    pub fn refused(reason: impl Into<String>) -> Self {
        Self { answered: Answered::Refused { reason: reason.into() }, found: None, plans: vec![] }
    }
}

/// Nobody: where a game needs no gateway.
#[derive(Debug, Clone, Copy)]
pub struct Nobody;

impl Ask for Nobody {
    async fn ask(&mut self, _asker: &str, _lead: &Lead, _now: i64) -> Reply {
        Reply::refused("NO_GATEWAY")
    }

    async fn hide(&mut self, _hidden: &Hidden) {}
}

/// Channels of the teams to the gateway.
#[derive(Debug)]
pub struct Desk {
    channels: BTreeMap<String, Channel>,
    pool: DescriptorPool,
    case: String,
}

impl Desk {
    /// With a channel for each agency that asks, all for one case.
    ///
    /// # Errors
    /// Only if the contract's own descriptors cannot be read, which they can.
    pub fn new(
        channels: BTreeMap<String, Channel>,
        case: &str,
    ) -> Result<Self, prost_reflect::DescriptorError> {
        let pool = DescriptorPool::decode(portcullis_proto::DESCRIPTOR_SET)?;
        Ok(Self { channels, pool, case: case.to_owned() })
    }

    /// The question as the gateway takes it.
    pub fn query(&self, lead: &Lead) -> wire::Query {
        wire::Query {
            purpose: wire::Purpose::Investigation as i32,
            case_id: self.case.clone(),
            record_type: lead.table.record_type().to_owned(),
            filter: filter(&lead.tests),
            fields: lead.fields.iter().map(|path| (*path).to_owned()).collect(),
            sources: vec![lead.of.clone()],
            justification: "exercise".to_owned(),
            ..wire::Query::default()
        }
    }

    /// Asks, and says how it went.
    pub async fn reply(&self, asker: &str, lead: &Lead) -> Reply {
        match tokio::time::timeout(PATIENCE, self.answer(asker, lead)).await {
            Ok(Ok(reply)) => reply,
            Ok(Err(status)) => Reply::refused(reason(&status)),
            Err(_) => Reply::refused("TIMED_OUT"),
        }
    }

    async fn answer(&self, asker: &str, lead: &Lead) -> Result<Reply, tonic::Status> {
        let Some(channel) = self.channels.get(asker) else {
            return Ok(Reply::refused("NO_PROFILE"));
        };
        let Some(descriptor) = self.pool.get_message_by_name(lead.table.record_type()) else {
            return Ok(Reply::refused("RECORD_TYPE_UNKNOWN"));
        };
        let mut client =
            QueryServiceClient::new(channel.clone()).max_decoding_message_size(MAX_BYTES);
        let request =
            wire::QueryRequest { query: Some(self.query(lead)), ..wire::QueryRequest::default() };
        let mut stream = client.query(request).await?.into_inner();
        let mut coming = Coming::default();
        while let Some(response) = stream.message().await? {
            if let Some(Err(reason)) = response.message.map(|part| coming.take(part, &descriptor)) {
                return Ok(Reply::refused(reason));
            }
        }
        Ok(coming.reply())
    }
}

/// An answer that is coming.
#[derive(Default)]
struct Coming {
    exchange: Option<String>,
    rows: Vec<Row>,
    plans: Vec<What>,
    whole: bool,
}

impl Coming {
    /// Takes a part of it, unless it is not an exercise's: exercise and production never mix.
    fn take(&mut self, part: Message, descriptor: &MessageDescriptor) -> Result<(), &'static str> {
        match part {
            Message::Header(header) if header.environment() != Environment::Exercise => {
                return Err("NOT_AN_EXERCISE");
            }
            Message::Header(header) => self.exchange = Some(header.exchange_id),
            // What comes before a header says nothing of where it is from.
            Message::Plan(_) | Message::Batch(_) if self.exchange.is_none() => {
                return Err("ANSWER_MALFORMED");
            }
            Message::Plan(plan) => self.plans.push(shows(&plan)),
            Message::Batch(batch) => {
                let records = batch.records.iter();
                self.rows.extend(records.map(|one| row(descriptor.clone(), &one.payload)));
            }
            Message::Receipt(_) => self.whole = true,
            Message::SourceStatus(_) => {}
        }
        Ok(())
    }

    fn reply(self) -> Reply {
        let Some(exchange) = self.exchange.filter(|_| self.whole) else {
            return Reply::refused("ANSWER_INCOMPLETE");
        };
        let answered = Answered::Records { count: self.rows.len() as u64, exchange };
        Reply { answered, found: Some(self.rows), plans: self.plans }
    }
}

/// Partners of a drill through gateways: before each question the agency that is asked is told what time it is.
#[derive(Debug, Clone)]
pub struct Partners {
    /// What time it is for the agencies.
    pub now: Arc<Now>,
    /// The teams' channels.
    pub desk: Arc<Desk>,
    /// What injects do to the exchange.
    pub weather: Weather,
}

impl Ask for Partners {
    async fn ask(&mut self, asker: &str, lead: &Lead, now: i64) -> Reply {
        match self.now.set(&lead.of, now).await {
            Ok(()) => self.desk.reply(asker, lead).await,
            // Records of a time that is not the exercise's are told to nobody.
            Err(error) => {
                tracing::error!(error = format!("{error:#}"), "the exercise's now cannot be set");
                Reply::refused("EXERCISE_TIME_UNKNOWN")
            }
        }
    }

    async fn hide(&mut self, hidden: &Hidden) {
        self.now.hide(hidden);
    }

    async fn turn(&mut self, entry: &Entry, on: bool) -> Option<String> {
        self.weather.turn(entry, on).await
    }
}

/// The gateway's one word for a refusal; the transport's where it never came so far.
pub fn reason(status: &tonic::Status) -> String {
    use tonic_types::StatusExt as _;
    let details = status.get_error_details();
    let told = details.error_info().map(|info| info.reason.clone());
    told.unwrap_or_else(|| format!("{:?}", status.code()).to_uppercase())
}

/// What a plan shows, as the event log keeps it.
pub fn shows(plan: &wire::Plan) -> What {
    let shown = plan.fields.iter().filter_map(|field| {
        let word = match field.treatment() {
            wire::Treatment::Clear => "clear",
            wire::Treatment::Generalise => "generalise",
            wire::Treatment::Pseudonymise => "pseudonymise",
            wire::Treatment::Mask
            | wire::Treatment::Presence
            | wire::Treatment::Withhold
            | wire::Treatment::Unspecified => return None,
        };
        Some((field.path.clone(), word.to_owned()))
    });
    What::Plan {
        plan: hex::encode(&plan.plan_hash),
        record_type: plan.record_type.clone(),
        originator: plan.originator.clone(),
        shows: shown.collect(),
    }
}

fn filter(tests: &[(&'static str, Test)]) -> Option<wire::Filter> {
    use wire::filter::Node;
    let node = |(path, test): &(&'static str, Test)| {
        let path = (*path).to_owned();
        let node = match test {
            Test::Is(text) => Node::Comparison(wire::Comparison {
                path,
                operator: wire::Operator::Equal as i32,
                value: Some(wire::Value { kind: Some(wire::value::Kind::Text(text.clone())) }),
            }),
            Test::Begins(text) => Node::Prefix(wire::Prefix { path, prefix: text.clone() }),
        };
        wire::Filter { node: Some(node) }
    };
    match tests {
        [] => None,
        [one] => Some(node(one)),
        several => {
            let filters = several.iter().map(node).collect();
            Some(wire::Filter { node: Some(Node::All(wire::FilterList { filters })) })
        }
    }
}

fn row(descriptor: MessageDescriptor, payload: &[u8]) -> Row {
    let mut row = Row::new();
    if let Ok(message) = DynamicMessage::decode(descriptor, payload) {
        flatten(&message, "", &mut row);
    }
    row
}

/// Leaves as texts by their paths; several values of one path with `;` between them.
fn flatten(message: &DynamicMessage, under: &str, row: &mut Row) {
    for (field, value) in message.fields() {
        let path = if under.is_empty() {
            field.name().to_owned()
        } else {
            format!("{under}.{}", field.name())
        };
        let values = match value {
            Value::List(values) => values.iter().collect(),
            one => vec![one],
        };
        for value in values {
            let text = match value {
                Value::Message(inner) => match leaf(inner) {
                    Some(text) => text,
                    None => {
                        flatten(inner, &path, row);
                        continue;
                    }
                },
                Value::EnumNumber(number) => {
                    let kind = field.kind();
                    let named = kind.as_enum().and_then(|kind| kind.get_value(*number));
                    named.map_or_else(|| number.to_string(), |value| value.name().to_owned())
                }
                Value::String(text) => text.clone(),
                Value::Bool(flag) => flag.to_string(),
                Value::I32(number) => number.to_string(),
                Value::I64(number) => number.to_string(),
                Value::U32(number) => number.to_string(),
                Value::U64(number) => number.to_string(),
                Value::F32(number) => number.to_string(),
                Value::F64(number) => number.to_string(),
                Value::Bytes(bytes) => hex::encode(bytes),
                Value::List(_) | Value::Map(_) => continue,
            };
            let cell = row.entry(path.clone()).or_default();
            if !cell.is_empty() {
                cell.push(';');
            }
            cell.push_str(&text);
        }
    }
}

/// Messages that are one value: moments and days as ISO 8601 writes them, amounts with their currency.
fn leaf(message: &DynamicMessage) -> Option<String> {
    let number = |name: &str| {
        let value = message.get_field_by_name(name)?;
        value.as_i64().or_else(|| value.as_i32().map(i64::from))
    };
    match message.descriptor().full_name() {
        "google.protobuf.Timestamp" => {
            let seconds = number("seconds")?;
            let (year, month, day) = crate::calendar::civil(seconds.div_euclid(86_400));
            let rest = seconds.rem_euclid(86_400);
            let (hour, minute) = (rest / 3_600, rest / 60 % 60);
            Some(format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{:02}Z", rest % 60))
        }
        "portcullis.record.v1.Date" => {
            let (year, month, day) = (number("year")?, number("month")?, number("day")?);
            Some(format!("{year:04}-{month:02}-{day:02}"))
        }
        "portcullis.record.v1.Money" => {
            let currency = message.get_field_by_name("currency_code")?;
            Some(format!("{} {}", number("units")?, currency.as_str()?))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_of_production_is_refused_before_a_record_of_it_is_taken() {
        let pool = DescriptorPool::decode(portcullis_proto::DESCRIPTOR_SET).unwrap();
        let declaration = pool.get_message_by_name("portcullis.record.v1.Declaration").unwrap();
        let header = |environment: Environment| {
            Message::Header(wire::Header {
                exchange_id: "ab".to_owned(),
                environment: environment.into(),
                ..wire::Header::default()
            })
        };
        let batch = || {
            let records = vec![wire::ReleasedRecord::default()];
            Message::Batch(wire::RecordBatch { records, ..wire::RecordBatch::default() })
        };
        let receipt = || Message::Receipt(wire::Receipt::default());
        let answer = |parts: Vec<Message>| {
            let mut coming = Coming::default();
            let taken = parts.into_iter().try_for_each(|part| coming.take(part, &declaration));
            match taken.map(|()| coming.reply().answered) {
                Ok(Answered::Records { count, exchange }) => format!("{count} of {exchange}"),
                Ok(Answered::Refused { reason }) => reason,
                Err(reason) => reason.to_owned(),
            }
        };
        assert_eq!(answer(vec![header(Environment::Exercise), batch(), receipt()]), "1 of ab");
        for other in [Environment::Production, Environment::Unspecified] {
            assert_eq!(answer(vec![header(other), batch(), receipt()]), "NOT_AN_EXERCISE");
        }
        assert_eq!(answer(vec![batch(), header(Environment::Exercise)]), "ANSWER_MALFORMED");
        assert_eq!(answer(vec![header(Environment::Exercise), batch()]), "ANSWER_INCOMPLETE");
        assert_eq!(answer(vec![receipt()]), "ANSWER_INCOMPLETE");
    }
}
