//! Rendering of an answer built by hand, with something of every treatment and something hostile.

use std::sync::Arc;

use bytes::Bytes;
use futures::stream;
use portcullis_core::label::RecordType;
use portcullis_proto::audit::v1::LogProof;
use portcullis_proto::query::v1 as wire;
use portcullis_proto::record::v1 as record;
use prost::Message as _;
use tonic::Status;
use wire::query_response::Message;

use super::*;
use crate::client::Answer;

const TOKEN: &str = "pX3fAbCdEfGh9a";

fn declaration() -> Arc<RecordType> {
    let set = Bytes::from_static(portcullis_proto::DESCRIPTOR_SET);
    Arc::new(RecordType::register(&set, "portcullis.record.v1.Declaration").unwrap())
}

/// A plan that withholds everything but what is named.
fn plan(index: u32, originator: &str, shown: &[(&str, wire::Treatment, &str)]) -> wire::Plan {
    let fields = declaration()
        .leaves()
        .iter()
        .map(|leaf| {
            let named = shown.iter().find(|(path, ..)| *path == leaf.path);
            let treatment = named.map_or(wire::Treatment::Withhold, |(_, treatment, _)| *treatment);
            let visible = named.is_some();
            wire::FieldPlan {
                path: leaf.path.clone(),
                treatment: treatment.into(),
                level: named.map_or("", |(.., level)| level).to_owned(),
                rule: if visible { "ladder" } else { "default:withhold" }.to_owned(),
                reason: match (visible, leaf.path.as_str()) {
                    (true, _) => "REDUCED_BY_AGREEMENT",
                    (false, "officer_remarks") => "NO_RULE",
                    (false, _) => "NOT_REQUESTED",
                }
                .to_owned(),
                ask: if visible { String::new() } else { originator.to_owned() },
                usable_in_filter: visible,
                presence_bit: u32::from(treatment == wire::Treatment::Presence),
            }
        })
        .collect();
    wire::Plan {
        index,
        record_type: "portcullis.record.v1.Declaration".into(),
        originator: originator.into(),
        fields,
        ..Default::default()
    }
}

fn first_plan() -> wire::Plan {
    use wire::Treatment::{Clear, Generalise, Mask, Presence, Pseudonymise};
    plan(
        0,
        "kcs",
        &[
            ("id", Clear, ""),
            ("office", Clear, ""),
            ("direction", Clear, ""),
            ("accepted_at", Generalise, "month"),
            ("containers", Mask, ""),
            ("importer.id", Pseudonymise, ""),
            ("vessel_imo", Presence, ""),
            ("regime", Presence, ""),
            ("items.hs_code", Generalise, "heading"),
            ("items.gross_mass_grams", Clear, ""),
            ("items.value", Clear, ""),
        ],
    )
}

fn first_record() -> wire::ReleasedRecord {
    let item = |hs: &str, mass| record::DeclarationItem {
        hs_code: hs.into(),
        gross_mass_grams: mass,
        value: (mass < 0).then(|| record::Money {
            currency_code: "USD".into(),
            units: 12,
            nanos: 500_000_000,
        }),
        ..Default::default()
    };
    let message = record::Declaration {
        id: "=HYPERLINK(\"http://evil\")".into(),
        office: "\u{1b}[2J\u{202e}010".into(),
        direction: record::Direction::Import.into(),
        accepted_at: Some(prost_types::Timestamp { seconds: 1_617_235_200, nanos: 0 }),
        containers: vec!["MSCU#######".into(), "MAEU#######".into()],
        importer: Some(record::TradeParty { id: TOKEN.into(), ..Default::default() }),
        items: vec![item("8471", -5), item("8542", 7)],
        ..Default::default()
    };
    wire::ReleasedRecord {
        reference: "rEfErEnCe-OnE".into(),
        plan: 0,
        payload: message.encode_to_vec().into(),
        presence: Bytes::from_static(&[1]),
        version: 3,
        ..Default::default()
    }
}

fn respond(message: Message) -> Result<wire::QueryResponse, Status> {
    Ok(wire::QueryResponse { message: Some(message) })
}

fn messages() -> Vec<Result<wire::QueryResponse, Status>> {
    let second = wire::ReleasedRecord {
        reference: "two".into(),
        plan: 1,
        payload: record::Declaration { id: "D2".into(), ..Default::default() }
            .encode_to_vec()
            .into(),
        ..Default::default()
    };
    let header = wire::Header {
        exchange_id: "x-1".into(),
        query_digest: Bytes::from_static(&[0xab; 32]),
        agreement_id: "a1".into(),
        agreement_version: 2,
        permitted_use: vec!["INVESTIGATION".into()],
        sources: vec!["kcs".into(), "jc".into()],
        environment: 2,
        ..Default::default()
    };
    let batch = |record| wire::RecordBatch { records: vec![record], ..Default::default() };
    let status =
        |agency: &str, completeness: wire::Completeness, reason: &str| wire::SourceStatus {
            agency: agency.into(),
            completeness: completeness.into(),
            reason: reason.into(),
            records_released: 1,
            data_as_of: None,
        };
    let proof =
        LogProof { index: 41, path: vec![Bytes::from_static(&[1; 32])], ..Default::default() };
    vec![
        respond(Message::Header(header)),
        respond(Message::Plan(first_plan())),
        respond(Message::Batch(batch(first_record()))),
        respond(Message::Plan(plan(1, "jc", &[("id", wire::Treatment::Clear, "")]))),
        respond(Message::Batch(batch(second))),
        respond(Message::SourceStatus(status("kcs", wire::Completeness::Complete, ""))),
        respond(Message::SourceStatus(status(
            "jc",
            wire::Completeness::Incomplete,
            "SOURCE_TIMED_OUT",
        ))),
        respond(Message::Receipt(wire::Receipt {
            exchange_id: "x-1".into(),
            records_released: 2,
            cut_reason: "LIMIT_REACHED".into(),
            proof: Some(proof),
            ..Default::default()
        })),
    ]
}

fn gathered(messages: Vec<Result<wire::QueryResponse, Status>>) -> Answer {
    let mut answer = Answer::empty(declaration());
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(answer.gather(stream::iter(messages)));
    answer
}

fn rendered(format: Format, look: Look) -> String {
    let mut out = vec![];
    answer(&gathered(messages()), format, look, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// Cells of the first table row that contains a text.
fn row(text: &str, with: &str) -> Vec<String> {
    let line = text.lines().find(|line| line.contains(with)).unwrap_or_else(|| panic!("{text}"));
    line.trim_matches(['│', '|']).split(['┆', '│']).map(|cell| cell.trim().to_owned()).collect()
}

#[test]
fn a_table_marks_every_treatment_and_says_what_is_missing() {
    let text = rendered(Format::Table, Look::PLAIN);
    let header = row(&text, "items.hs_code");
    let first = row(&text, "HYPERLINK");
    let column = |path: &str| {
        let at = header.iter().position(|name| name == path);
        at.map(|at| first[at].clone()).unwrap_or_else(|| panic!("no {path}: {text}"))
    };
    assert_eq!(column("source"), "kcs");
    assert_eq!(column("direction"), "IMPORT");
    assert_eq!(column("accepted_at"), "~2021-04");
    assert_eq!(column("containers"), "MSCU#######; MAEU#######");
    assert_eq!(column("importer.id"), "⟨pX3f…9a⟩");
    assert_eq!(column("vessel_imo"), "present");
    assert_eq!(column("regime"), "present");
    assert_eq!(column("items.hs_code"), "~8471; ~8542");
    assert_eq!(column("items.value"), "12.50 USD;");
    assert_eq!(column("office"), "\\u{1b}[2J\\u{202e}010");
    assert!(!header.contains(&"officer_remarks".to_owned()), "{text}");
    assert_eq!(row(&text, " D2 ")[4], "withheld");
    let withheld = row(&text, "officer_remarks");
    assert_eq!(
        withheld,
        ["officer_remarks", "withhold", "NO_RULE", "default:withhold", "kcs", "kcs"]
    );
    assert!(text.contains("exchange x-1 under a1 version 2, EXERCISE, asked: kcs, jc"), "{text}");
    assert!(text.contains("source jc: INCOMPLETE, 1 records (SOURCE_TIMED_OUT)"), "{text}");
    assert!(text.contains("receipt: 2 records, cut short: LIMIT_REACHED, log entry 41"), "{text}");
    assert!(!text.chars().any(|letter| letter.is_control() && letter != '\n'), "{text:?}");
}

#[test]
fn absent_presence_is_a_dash_and_colour_only_where_wanted() {
    let mut messages = messages();
    if let Ok(wire::QueryResponse { message: Some(Message::Batch(batch)) }) = &mut messages[2] {
        batch.records[0].presence = Bytes::new();
    }
    let mut out = vec![];
    let look = Look { width: None, colour: true };
    answer(&gathered(messages), Format::Table, look, &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    assert!(text.contains("—") && text.contains("\u{1b}[38;5;"), "{text:?}");
    assert!(!text.contains("\u{1b}[2J"), "{text:?}");
}

#[test]
fn a_narrow_terminal_gets_one_block_per_record() {
    let text = rendered(Format::Table, Look { width: Some(60), colour: false });
    assert!(text.contains("record 1 of 2: kcs ⟨rEfE…nE⟩"), "{text}");
    assert!(text.lines().filter(|line| line.contains('┆')).all(|line| line.chars().count() <= 60));
}

#[test]
fn json_holds_everything_in_full() {
    let document: serde_json::Value =
        serde_json::from_str(&rendered(Format::Json, Look::PLAIN)).unwrap();
    let first = &document["records"][0];
    assert_eq!(document["complete"], true);
    assert_eq!(document["header"]["query_digest"], "ab".repeat(32));
    assert_eq!(first["fields"]["importer"]["id"], TOKEN);
    assert_eq!(first["fields"]["items"][0]["gross_mass_grams"], "-5");
    assert_eq!(first["fields"]["direction"], "DIRECTION_IMPORT");
    assert_eq!(first["treatments"]["accepted_at"], "generalise:month");
    assert_eq!(first["treatments"].as_object().unwrap().len(), 11);
    assert_eq!(first["presence"]["vessel_imo"], true);
    assert_eq!(
        document["plans"][0]["fields"].as_array().unwrap().len(),
        declaration().leaves().len()
    );
    assert_eq!(document["sources"][1]["reason"], "SOURCE_TIMED_OUT");
    assert_eq!(
        document["receipt"]["proof"]["path"][0],
        "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="
    );
}

#[test]
fn csv_is_flat_full_and_runs_nothing() {
    let text = rendered(Format::Csv, Look::PLAIN);
    let mut reader = ::csv::Reader::from_reader(text.as_bytes());
    let header = reader.headers().unwrap().clone();
    let rows: Vec<_> = reader.records().map(Result::unwrap).collect();
    let value = |row: usize, path: &str| {
        rows[row][header.iter().position(|name| name == path).unwrap()].to_owned()
    };
    assert_eq!(rows.len(), 2);
    assert_eq!(value(0, "id"), "'=HYPERLINK(\"http://evil\")");
    assert_eq!(value(0, "office"), "\\u{1b}[2J\\u{202e}010");
    assert_eq!(value(0, "importer.id"), TOKEN);
    assert_eq!(value(0, "items.gross_mass_grams"), "-5;7");
    assert_eq!(value(0, "accepted_at"), "2021-04");
    assert_eq!(value(0, "vessel_imo"), "present");
    assert_eq!(value(1, "office"), "");
    assert!(value(0, "treatments").contains("items.hs_code=generalise:heading"));
    assert!(!header.iter().any(|name| name == "officer_remarks"));
}

#[test]
fn an_answer_out_of_order_is_said_to_be_malformed() {
    let failure = |messages| gathered(messages).failure.map(|failure| failure.reason);
    assert_eq!(failure(messages()), None);
    let without = |at: usize| {
        let mut messages = messages();
        messages.drain(at..=at);
        messages
    };
    let twice = |at: usize| {
        let mut twice = messages();
        twice.insert(at, messages().remove(at));
        twice
    };
    let malformed = Some("ANSWER_MALFORMED".to_owned());
    assert_eq!(failure(without(0)), malformed, "no header");
    assert_eq!(failure(without(1)), malformed, "no plan");
    assert_eq!(failure(without(2)), malformed, "a record fewer than the receipt says");
    assert_eq!(failure(twice(0)), malformed, "two headers");
    assert_eq!(failure(twice(1)), malformed, "a plan twice");
    assert_eq!(failure(twice(7)), malformed, "two receipts");
    assert_eq!(failure(without(7)), Some("ANSWER_INCOMPLETE".to_owned()));
    let mut broken = messages();
    broken.truncate(3);
    broken.push(Err(Status::unavailable("gone")));
    let answer = gathered(broken);
    assert_eq!(answer.failure.unwrap().reason, "GATEWAY_UNREACHABLE");
    assert_eq!(answer.records.len(), 1, "what came before stands");
}

#[test]
fn an_explanation_is_a_table_field_by_field_with_budgets() {
    let explained = wire::ExplainResponse {
        allowed: false,
        reason: "CASE_MISSING".into(),
        explanation: "no case\u{1b}[2J".into(),
        remedy: "name a case".into(),
        plans: vec![first_plan()],
        budgets: vec![wire::BudgetStatus {
            name: "records".into(),
            limit: 100,
            used: 7,
            refills_at: None,
        }],
        ..Default::default()
    };
    let shown = |format| {
        let mut out = vec![];
        explain::write(&explained, format, Look::PLAIN, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    };
    let text = shown(Format::Table);
    assert!(text.starts_with("refused: CASE_MISSING: no case\\u{1b}[2J\n  remedy: name a case\n"));
    assert_eq!(
        row(&text, "accepted_at"),
        ["accepted_at", "generalise", "month", "REDUCED_BY_AGREEMENT", "ladder", "", "yes"]
    );
    assert_eq!(row(&text, "officer_remarks")[5..], ["kcs", "no"]);
    assert_eq!(row(&text, "records ")[..1], ["records of kcs:"]);
    assert!(text.lines().any(|line| row(line, "")[..] == ["records", "7", "100", ""]), "{text}");
    let document: serde_json::Value = serde_json::from_str(&shown(Format::Json)).unwrap();
    assert_eq!(document["budgets"][0]["used"], 7);
    assert!(shown(Format::Csv).contains("kcs,accepted_at,generalise,month,"));
}
