//! The desk by messages: every key path, what stands on the screens, and one desk against servers on TCP.

mod end_to_end;
mod link;
mod player;
mod requests;
mod screens;
mod server;
mod steps;
mod trainer;

use portcullis::client::Answer;
use portcullis_proto::drill::v1 as wire;
use portcullis_proto::query::v1 as query;
use portcullis_proto::record::v1 as record;
use prost::Message as _;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use unicode_width::UnicodeWidthStr as _;

use super::draw::{Pen, draw};
use super::message::{Call, Effect, Fetch, Message, Outcome};
use super::model::{Model, Screen};
use super::question::record_type;

pub(super) const DECLARATION: &str = "portcullis.record.v1.Declaration";
const LICENCE: &str = "portcullis.record.v1.ExportLicence";
const DENIAL: &str = "portcullis.record.v1.DenialNotification";

pub(super) fn at(seconds: i64) -> Option<prost_types::Duration> {
    Some(prost_types::Duration { seconds, nanos: 0 })
}

pub(super) fn clock(state: wire::State, exercise: i64) -> wire::Clock {
    wire::Clock {
        state: state.into(),
        exercise: at(exercise),
        wall: at(exercise / 60),
        speed: 60,
        story_seconds: 1_709_631_000 + exercise,
    }
}

pub(super) fn told(role: wire::Role) -> wire::GetDrillResponse {
    let team = |agency: &str, name: &str, types: &[&str]| wire::Team {
        agency: agency.into(),
        name: name.into(),
        record_types: types.iter().map(|name| (*name).to_owned()).collect(),
        ..wire::Team::default()
    };
    let player = role == wire::Role::Player;
    wire::GetDrillResponse {
        scenario: "tutorial".into(),
        title: "Ten minutes at three customs".into(),
        about: "Goods leave Novara and come back into the world elsewhere.".into(),
        teams: vec![
            team("nv-customs", "Customs of Novara", &[DECLARATION]),
            team("kt-customs", "ქართული საბაჟო", &[DECLARATION, LICENCE]),
            team("jp-licence", "輸出管理課カタカナ", &[LICENCE, DENIAL]),
        ],
        objectives: vec![wire::Objective { id: "ask".into(), text: "Ask who can know.".into() }],
        length: at(2_400),
        role: role.into(),
        team: if player { "nv-customs".into() } else { String::new() },
        case_id: "CASE-1".into(),
        clock: Some(clock(wire::State::Running, 600)),
        decisions: if player {
            ["inspect", "hold", "release", "seize"].map(str::to_owned).to_vec()
        } else {
            vec![]
        },
        inspections: Some(wire::Inspections { left: 3, shift_ends: at(1_800) }),
        next_event: 10,
    }
}

pub(super) fn matter(number: u32, leaves: i64, decision: &str) -> wire::Matter {
    let cell = |path: &str, value: &str| wire::Cell { path: path.into(), value: value.into() };
    wire::Matter {
        number,
        record_type: DECLARATION.into(),
        record: format!("NV-2024-{number:05}"),
        arrived: at(60),
        leaves: at(leaves),
        team: "nv-customs".into(),
        decision: decision.into(),
        confidence: if decision.is_empty() { 0 } else { 80 },
        found: if decision == "inspect" { "irregular".into() } else { String::new() },
        record_cells: vec![
            cell("id", &format!("NV-2024-{number:05}")),
            cell("exporter.name", "شركة الخليج للتجارة"),
            cell("consignee.name", "カブシキガイシャ・トウヨウ"),
            cell(
                "items.description",
                "Deep groove ball bearings, stainless, S/N 865246-865253, in 40 cartons of twelve",
            ),
        ],
    }
}

pub(super) fn event(number: u64, kind: &str, by: &str, text: &str) -> Message {
    happened(wire::Happened {
        number,
        exercise: at(500),
        by: by.into(),
        kind: kind.into(),
        team: "nv-customs".into(),
        text: text.into(),
        content: format!("In full: {text}"),
        ..wire::Happened::default()
    })
}

pub(super) fn happened(event: wire::Happened) -> Message {
    let news = Some(wire::watch_response::News::Event(event));
    Message::News(Box::new(wire::WatchResponse { news }))
}

pub(super) fn ticking(clock: wire::Clock) -> Message {
    let news = Some(wire::watch_response::News::Clock(clock));
    Message::News(Box::new(wire::WatchResponse { news }))
}

pub(super) fn inject(number: u32, planned: Option<i64>, happened: Option<i64>) -> wire::Inject {
    wire::Inject {
        number,
        planned: planned.and_then(at),
        happened: happened.and_then(at),
        kind: "tip".into(),
        sender: "liaison".into(),
        receiver: "nv-customs".into(),
        content: format!("A tip about bearings, number {number}"),
        expected_action: "Ask Kartvelia's customs".into(),
        check: "asked:nv-customs>kt-customs".into(),
        objective: "ask".into(),
        ..wire::Inject::default()
    }
}

/// What policy says: a treatment of each kind in turn.
pub(super) fn explained(allowed: bool) -> query::ExplainResponse {
    use query::Treatment::{Clear, Generalise, Mask, Presence, Pseudonymise, Withhold};
    let kinds = [Clear, Generalise, Pseudonymise, Mask, Presence, Withhold];
    let declaration = record_type(DECLARATION).unwrap();
    let fields = declaration.leaves().iter().zip(kinds.iter().cycle()).map(|(leaf, kind)| {
        query::FieldPlan {
            path: leaf.path.clone(),
            treatment: (*kind).into(),
            level: if *kind == Generalise { "month".into() } else { String::new() },
            rule: "AGR-1/ladder".into(),
            reason: if *kind == Clear { "PERMITTED".into() } else { "REDUCED_BY_AGREEMENT".into() },
            usable_in_filter: *kind == Clear,
            ask: if *kind == Withhold { "kt-customs".into() } else { String::new() },
            ..query::FieldPlan::default()
        }
    });
    query::ExplainResponse {
        allowed,
        agreement_id: "AGR-1".into(),
        reason: if allowed { String::new() } else { "PURPOSE_NOT_PERMITTED".into() },
        explanation: if allowed { String::new() } else { "statistics are not agreed".into() },
        remedy: if allowed { String::new() } else { "ask for INVESTIGATION".into() },
        plans: vec![query::Plan {
            record_type: DECLARATION.into(),
            originator: "kt-customs".into(),
            fields: fields.collect(),
            ..query::Plan::default()
        }],
        rule_texts: vec![query::RuleText {
            rule: "AGR-1/ladder".into(),
            reason: "REDUCED_BY_AGREEMENT".into(),
            because: "the agreement shows months, not days".into(),
            remedy: "an officer's token".into(),
        }],
        ..query::ExplainResponse::default()
    }
}

/// The messages of an answer with so many records.
pub(super) fn answer_messages(records: usize) -> Vec<query::QueryResponse> {
    use query::query_response::Message as Part;
    let plan = explained(true).plans.remove(0);
    let released = (0..records).map(|number| {
        let declaration =
            record::Declaration { id: format!("KT-{number:03}"), ..record::Declaration::default() };
        query::ReleasedRecord {
            reference: format!("ref-{number:03}-abcdefgh"),
            payload: declaration.encode_to_vec().into(),
            ..query::ReleasedRecord::default()
        }
    });
    let batch = query::RecordBatch { records: released.collect(), ..query::RecordBatch::default() };
    let header = query::Header {
        exchange_id: "X-0001".into(),
        agreement_id: "AGR-1".into(),
        agreement_version: 2,
        sources: vec!["kt-customs".into()],
        environment: portcullis_proto::handling::v1::Environment::Exercise.into(),
        ..query::Header::default()
    };
    let status = query::SourceStatus {
        agency: "kt-customs".into(),
        completeness: query::Completeness::Complete.into(),
        records_released: records as u64,
        ..query::SourceStatus::default()
    };
    let receipt = query::Receipt { records_released: records as u64, ..query::Receipt::default() };
    [
        Part::Header(header),
        Part::Plan(plan),
        Part::Batch(batch),
        Part::SourceStatus(status),
        Part::Receipt(receipt),
    ]
    .map(|message| query::QueryResponse { message: Some(message) })
    .to_vec()
}

pub(super) fn answer(records: usize) -> Box<Answer> {
    let mut answer = Answer::empty(record_type(DECLARATION).unwrap());
    let messages = answer_messages(records).into_iter().map(Ok);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(answer.gather(tokio_stream::iter(messages)));
    assert!(answer.is_complete());
    Box::new(answer)
}

/// A desk, and what it wanted done since last looked at.
pub(super) struct Desk {
    pub model: Model,
    pub effects: Vec<Effect>,
}

impl Desk {
    /// A desk that the drill was told to, as somebody of a role.
    pub fn of(role: wire::Role) -> Self {
        let (model, effects) = Model::new("desk", true);
        let mut desk = Self { model, effects };
        desk.tell(Message::Opened(Box::new(told(role))));
        desk
    }

    /// A player's, with matters 1 to 4 of which 3 was decided on and 4 is out of reach.
    pub fn player() -> Self {
        let mut desk = Self::of(wire::Role::Player);
        let all = [
            matter(1, 1_900, ""),
            matter(2, 900, ""),
            matter(3, 1_200, "inspect"),
            matter(4, 300, ""),
        ];
        desk.tell(Message::Matters(String::new(), all.to_vec()));
        desk.effects.clear();
        desk
    }

    /// A trainer's, with injects past and to come.
    pub fn trainer() -> Self {
        let mut desk = Self::of(wire::Role::Trainer);
        let met = wire::Inject { met: at(400), ..inject(1, Some(120), Some(120)) };
        let all = [
            met,
            inject(2, Some(300), Some(300)),
            inject(3, Some(900), None),
            inject(4, None, None),
        ];
        desk.tell(Message::Injects(all.to_vec()));
        desk.tell(Message::Matters("nv-customs".into(), vec![matter(1, 1_900, "")]));
        desk.effects.clear();
        desk
    }

    pub fn tell(&mut self, message: Message) {
        let effects = self.model.update(message);
        self.effects.extend(effects);
    }

    pub fn press(&mut self, codes: &[KeyCode]) {
        for code in codes {
            self.tell(Message::Key((*code).into()));
        }
    }

    /// Types letters.
    pub fn write(&mut self, text: &str) {
        let codes: Vec<KeyCode> = text.chars().map(KeyCode::Char).collect();
        self.press(&codes);
    }

    pub fn control(&mut self, letter: char) {
        self.tell(Message::Key(KeyEvent::new(KeyCode::Char(letter), KeyModifiers::CONTROL)));
    }

    pub fn tick(&mut self, times: usize) {
        (0..times).for_each(|_| self.tell(Message::Tick));
    }

    /// The calls that it wanted made since.
    pub fn calls(&mut self) -> Vec<Call> {
        let calls = std::mem::take(&mut self.effects).into_iter();
        calls
            .filter_map(|effect| if let Effect::Call(call) = effect { Some(call) } else { None })
            .collect()
    }

    /// The only one of them.
    #[track_caller]
    pub fn call(&mut self) -> Call {
        let mut calls = self.calls();
        assert_eq!(calls.len(), 1, "{calls:?}");
        calls.remove(0)
    }

    pub fn done(&mut self, call: &Call) {
        self.tell(Message::Called(call.key().to_owned(), Outcome::Done(String::new())));
    }

    pub fn fetched(&mut self) -> Vec<Fetch> {
        let effects = std::mem::take(&mut self.effects).into_iter();
        effects
            .filter_map(|effect| if let Effect::Fetch(fetch) = effect { Some(fetch) } else { None })
            .collect()
    }

    /// Goes to the next field of a form, so many times.
    pub fn tab(&mut self, times: usize) {
        (0..times).for_each(|_| self.press(&[KeyCode::Tab]));
    }

    /// What stands on a terminal of a size, line by line.
    pub fn screen(&self, columns: u16, lines: u16) -> Vec<String> {
        drawn(&self.model, columns, lines)
    }

    #[track_caller]
    pub fn shows(&self, text: &str) {
        for (columns, lines) in [(80, 24), (160, 50)] {
            let screen = self.screen(columns, lines);
            assert!(
                screen.iter().any(|line| line.contains(text)),
                "`{text}` is not on {columns}x{lines}:\n{}",
                screen.join("\n")
            );
        }
    }
}

pub(super) fn drawn(model: &Model, columns: u16, lines: u16) -> Vec<String> {
    let mut terminal = Terminal::new(TestBackend::new(columns, lines)).unwrap();
    terminal.draw(|frame| draw(model, Pen { colour: true }, frame)).unwrap();
    let buffer = terminal.backend().buffer();
    (0..lines)
        .map(|line| {
            let mut text = String::new();
            let mut column = 0;
            while column < columns {
                let symbol = buffer[(column, line)].symbol();
                text.push_str(symbol);
                // What a wide letter covers holds nothing of its own.
                column += u16::try_from(symbol.width().max(1)).unwrap();
            }
            assert_eq!(column, columns, "line {line} is {column} columns wide: {text}");
            text
        })
        .collect()
}

pub(super) fn ask_screen(desk: &mut Desk) {
    desk.press(&[KeyCode::Char('a')]);
    assert_eq!(desk.model.screen, Screen::Ask);
}
