//! Questions that were asked, and what came of them. Each is kept with its exchange's id, so that it can be cited.

use portcullis::client::render::cell::{Shown, columns, shown};
use portcullis::client::render::text::short_token;
use portcullis::client::{Answer, Refused};
use portcullis_core::label::Leaf;
use portcullis_proto::query::v1 as wire;

/// A question that was asked. Without `Debug`: it holds records.
pub struct Exchange {
    /// Number of the question on this desk.
    pub number: u64,
    /// Matter that it was asked for; 0: none.
    pub matter: u32,
    /// What was asked.
    pub query: wire::Query,
    /// Under which key: asked again under it, it is charged once.
    pub key: String,
    /// When, seconds of exercise time.
    pub at: i64,
    /// What came.
    pub came: Came,
}

/// What came of a question.
pub enum Came {
    /// Nothing yet.
    Nothing,
    /// An answer; perhaps one that was cut short.
    Answer(Box<Answer>),
    /// It was refused, or failed.
    Refused(Box<Refused>),
}

impl Exchange {
    /// The gateway's id of it; empty where it has none.
    pub fn id(&self) -> &str {
        match &self.came {
            Came::Nothing => "",
            Came::Answer(answer) => {
                answer.header.as_ref().map_or("", |header| header.exchange_id.as_str())
            }
            Came::Refused(refused) => &refused.exchange_id,
        }
    }

    /// Who was asked.
    pub fn of(&self) -> String {
        self.query.sources.join(", ")
    }

    /// How it went, in a few words.
    pub fn outcome(&self) -> String {
        match &self.came {
            Came::Nothing => "waiting for the answer".to_owned(),
            Came::Answer(answer) => {
                let count = answer.records.len();
                let records = if count == 1 { "record" } else { "records" };
                match &answer.failure {
                    None => format!("{count} {records}"),
                    Some(failure) => format!("{count} {records}, INCOMPLETE: {}", failure.reason),
                }
            }
            Came::Refused(refused) if refused.by_gateway => format!("REFUSED: {}", refused.reason),
            Came::Refused(refused) => format!("FAILED: {}", refused.reason),
        }
    }

    /// Nobody knows whether it was answered: the same question goes out again under the same key.
    pub fn is_unsure(&self) -> bool {
        match &self.came {
            Came::Nothing => false,
            Came::Answer(answer) => answer.failure.as_ref().is_some_and(|why| !why.by_gateway),
            Came::Refused(refused) => !refused.by_gateway,
        }
    }
}

/// A table of an answer: the paths of its columns, and the rows.
pub struct Grid {
    /// Paths, behind whose and which record it is.
    pub head: Vec<String>,
    /// Texts of the records.
    pub rows: Vec<Vec<String>>,
}

/// Columns that hold something, in the order of the schema.
pub fn grid(answer: &Answer) -> Grid {
    let filled: Vec<&Leaf> = columns(answer)
        .into_iter()
        .filter(|leaf| {
            answer.records.iter().any(|record| !cell(&shown(answer, record, leaf)).is_empty())
        })
        .collect();
    let mut head = vec!["of".to_owned(), "record".to_owned()];
    head.extend(filled.iter().map(|leaf| leaf.path.clone()));
    let rows = answer.records.iter().map(|record| {
        let of = answer.plan(record).map(|plan| plan.originator.clone()).unwrap_or_default();
        let mut row = vec![of, short_token(&record.released.reference)];
        row.extend(filled.iter().map(|leaf| cell(&shown(answer, record, leaf))));
        row
    });
    let rows = rows.collect();
    Grid { head, rows }
}

/// A field of one record, with what policy did to it.
pub struct Line {
    /// Its path.
    pub path: String,
    /// What it shows.
    pub value: String,
    /// What was done to it.
    pub treatment: String,
    /// Why.
    pub reason: String,
    /// Whom to ask to show more; empty: nobody.
    pub ask: String,
}

/// Every field of a record that policy settled, shown or not; those of `wanted` first.
pub fn lines(answer: &Answer, record: usize, wanted: &[String]) -> Vec<Line> {
    let Some(record) = answer.records.get(record) else { return vec![] };
    let Some(plan) = answer.plan(record) else { return vec![] };
    let mut leaves: Vec<&Leaf> = answer.record_type.leaves().iter().collect();
    leaves.sort_by_key(|leaf| !wanted.contains(&leaf.path));
    leaves
        .into_iter()
        .filter_map(|leaf| {
            let field = portcullis::client::render::cell::field(plan, &leaf.path)?;
            if field.reason == "NOT_REQUESTED" {
                return None;
            }
            Some(Line {
                path: leaf.path.clone(),
                value: cell(&shown(answer, record, leaf)),
                treatment: portcullis::client::render::treatment(field),
                reason: field.reason.clone(),
                ask: field.ask.clone(),
            })
        })
        .collect()
}

fn cell(shown: &Shown) -> String {
    match shown {
        Shown::Withheld => String::new(),
        Shown::Presence(true) => "present".to_owned(),
        Shown::Presence(false) => "—".to_owned(),
        Shown::Values(treatment, values) => {
            let texts = values.iter().map(|value| match treatment {
                _ if value.is_empty() => String::new(),
                wire::Treatment::Generalise => format!("~{value}"),
                wire::Treatment::Pseudonymise => short_token(value),
                _ => value.clone(),
            });
            texts.collect::<Vec<_>>().join("; ")
        }
    }
}
