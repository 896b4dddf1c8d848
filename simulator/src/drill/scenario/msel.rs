//! The master scenario events list: what happens when, to whom, and what players are expected to do then. Rows as the
//! Homeland Security Exercise and Evaluation Program has them, in CSV or a workbook.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::{Objective, ScenarioError, Team};
use crate::drill::clock::Exercise;

/// The columns, in their order, and other words that the headers of others' lists have for them.
pub const COLUMNS: [(&str, &[&str]); 12] = [
    ("number", &["no", "event", "event number", "inject", "inject number"]),
    ("time", &["exercise time", "event time", "offset", "planned time"]),
    ("kind", &["type", "inject type", "mode", "method"]),
    ("sender", &["from", "source", "originator"]),
    ("receiver", &["to", "recipient", "target", "audience"]),
    ("content", &["description", "event description", "inject", "message", "text"]),
    ("expected_action", &["expected player action", "expected response", "expected outcome"]),
    ("check", &["machine check", "done when"]),
    ("objective", &["objectives", "capability", "core capability"]),
    ("maximum_minutes", &["deadline", "minutes", "response time"]),
    ("evaluator_note", &["note", "notes", "evaluation note", "comment"]),
    ("about", &["object", "subject"]),
];

/// What happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Happening {
    /// Something in the world.
    WorldEvent,
    /// A paper.
    Document,
    /// A tip, its content beginning with a reliability code such as `B2` (NATO AJP-2.1).
    Tip,
    /// A tip that is false.
    FalseTip,
    /// A partner asks for something.
    PartnerRequest,
    /// An agreement is suspended.
    AgreementSuspended,
    /// Inspectors are off: nothing can be opened for the rest of the shift.
    InspectorsOff,
    /// The gateway answers slowly.
    GatewaySlow,
    /// A partner's source is down.
    PeerDown,
    /// News.
    Media,
    /// Fires by itself where the expected action of another inject did not come: `after:NUMBER`.
    Contingency,
}

impl Happening {
    const WORDS: [(&str, Self); 11] = [
        ("world_event", Self::WorldEvent),
        ("document", Self::Document),
        ("tip", Self::Tip),
        ("false_tip", Self::FalseTip),
        ("partner_request", Self::PartnerRequest),
        ("agreement_suspended", Self::AgreementSuspended),
        ("inspectors_off", Self::InspectorsOff),
        ("gateway_slow", Self::GatewaySlow),
        ("peer_down", Self::PeerDown),
        ("media", Self::Media),
        ("contingency", Self::Contingency),
    ];

    /// Whether it changes how the exchange works, for its maximum minutes or to the end.
    pub fn lasts(self) -> bool {
        matches!(self, Self::AgreementSuspended | Self::GatewaySlow | Self::PeerDown)
    }

    /// Its word.
    pub fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(_, kind)| *kind == self).map_or("", |(word, _)| word)
    }

    /// From its word, however it is written.
    pub fn parse(text: &str) -> Option<Self> {
        let plain = text.trim().to_lowercase().replace([' ', '-'], "_");
        Self::WORDS.iter().find(|(word, _)| *word == plain).map(|(_, kind)| *kind)
    }
}

/// What tells a machine that the expected action came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// `asked:TEAM>AGENCY`: a team asked an agency.
    Asked(String, String),
    /// `decided:TEAM`: a team decided on anything.
    Decided(String),
    /// `stopped:TEAM`: a team held, seized, denied, froze or boarded.
    Stopped(String),
    /// `after:NUMBER`: of a contingency, the inject that it waits for.
    After(u32),
}

impl Check {
    /// From its text.
    pub fn parse(text: &str) -> Option<Self> {
        let (word, rest) = text.trim().split_once(':')?;
        let named = |name: &str| (!name.trim().is_empty()).then(|| name.trim().to_owned());
        match word {
            "asked" => {
                let (team, agency) = rest.split_once('>')?;
                Some(Self::Asked(named(team)?, named(agency)?))
            }
            "decided" => Some(Self::Decided(named(rest)?)),
            "stopped" => Some(Self::Stopped(named(rest)?)),
            "after" => Some(Self::After(rest.trim().parse().ok()?)),
            _ => None,
        }
    }

    /// As a list has it.
    pub fn text(&self) -> String {
        match self {
            Self::Asked(team, agency) => format!("asked:{team}>{agency}"),
            Self::Decided(team) => format!("decided:{team}"),
            Self::Stopped(team) => format!("stopped:{team}"),
            Self::After(number) => format!("after:{number}"),
        }
    }
}

/// A row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its number; it stays, whatever is moved.
    pub number: u32,
    /// When it is planned; of a contingency never by itself.
    pub at: Exercise,
    /// What happens.
    pub kind: Happening,
    /// Who says so, in the story.
    pub sender: String,
    /// Team or agency; `ALL` for everybody.
    pub receiver: String,
    /// What is said.
    pub content: String,
    /// What players are expected to do.
    pub expected: String,
    /// What tells a machine that they did.
    pub check: Option<Check>,
    /// Objective that it serves.
    pub objective: String,
    /// How long they may take.
    pub maximum_minutes: Option<u32>,
    /// For evaluators.
    pub note: String,
    /// What the kind is about, where it changes something: the agency whose source is down, `AGENCY:AGREEMENT` of a
    /// suspension.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub about: String,
}

impl Entry {
    /// What is wrong with what it is about.
    ///
    /// # Errors
    /// In words.
    pub fn about_fits(&self) -> Result<(), &'static str> {
        let fits = match self.kind {
            Happening::AgreementSuspended => {
                let parts = self.about.split_once(':');
                parts.is_some_and(|(agency, agreement)| !agency.is_empty() && !agreement.is_empty())
            }
            Happening::PeerDown => !self.about.is_empty(),
            _ => return Ok(()),
        };
        if fits {
            Ok(())
        } else {
            Err("is about `AGENCY:AGREEMENT` (suspended) or `AGENCY` (peer down)")
        }
    }
}

/// The list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Msel {
    /// Rows in the order of their numbers.
    pub entries: Vec<Entry>,
}

impl Msel {
    /// From CSV with a header. Headers may be those of other lists: see [`COLUMNS`].
    ///
    /// # Errors
    /// The first row that cannot be used, with its line.
    pub fn parse(text: &str, file: &str) -> Result<Self, ScenarioError> {
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
        let failed = |line: u64, problem: String| ScenarioError::Content {
            file: file.to_owned(),
            line: usize::try_from(line).unwrap_or_default(),
            problem,
        };
        let broken = |error: &csv::Error| {
            failed(error.position().map_or(1, csv::Position::line), "not CSV".to_owned())
        };
        let header = reader.headers().map_err(|error| broken(&error))?.clone();
        let mut rows = vec![];
        for row in reader.records() {
            let row = row.map_err(|error| broken(&error))?;
            let line = row.position().map_or(0, csv::Position::line);
            rows.push((line, row.iter().map(str::to_owned).collect()));
        }
        Self::from_rows(&header.iter().map(str::to_owned).collect::<Vec<_>>(), &rows, file)
    }

    /// From the rows of any sheet, each with its line.
    ///
    /// # Errors
    /// As [`Msel::parse`].
    pub fn from_rows(
        header: &[String],
        rows: &[(u64, Vec<String>)],
        file: &str,
    ) -> Result<Self, ScenarioError> {
        let failed = |line: u64, problem: String| ScenarioError::Content {
            file: file.to_owned(),
            line: usize::try_from(line).unwrap_or_default(),
            problem,
        };
        let places = places(header);
        if !rows.is_empty() {
            for (name, place) in COLUMNS.iter().zip(&places).take(3) {
                if place.is_none() {
                    return Err(failed(1, format!("no column `{}`", name.0)));
                }
            }
        }
        let mut entries: Vec<Entry> = vec![];
        for (line, row) in rows {
            let cell = |column: usize| {
                let place = places.get(column).copied().flatten();
                place.and_then(|place| row.get(place)).map_or("", |cell| cell.trim())
            };
            if row.iter().all(|cell| cell.trim().is_empty()) {
                continue;
            }
            let entry = entry(cell).map_err(|problem| failed(*line, problem))?;
            if entries.iter().any(|known| known.number == entry.number) {
                return Err(failed(*line, format!("number {} is there twice", entry.number)));
            }
            entries.push(entry);
        }
        entries.sort_by_key(|entry| entry.number);
        Ok(Self { entries })
    }

    /// Checks the list against the scenario that it belongs to.
    ///
    /// # Errors
    /// The first row that refers to what is not there.
    pub fn check(
        &self,
        file: &str,
        objectives: &[Objective],
        teams: &[Team],
        length: Exercise,
    ) -> Result<(), ScenarioError> {
        let team = |name: &str| teams.iter().any(|team| team.agency == name);
        for (row, entry) in self.entries.iter().enumerate() {
            let known = |objective: &Objective| objective.id == entry.objective;
            let problem = if !entry.objective.is_empty() && !objectives.iter().any(known) {
                format!("no objective `{}`", entry.objective)
            } else if entry.at > length {
                "is planned for after the end".to_owned()
            } else if let Err(problem) = entry.about_fits() {
                problem.to_owned()
            } else {
                match &entry.check {
                    Some(Check::Asked(name, _) | Check::Decided(name) | Check::Stopped(name))
                        if !team(name) =>
                    {
                        format!("no team `{name}`")
                    }
                    Some(Check::After(other))
                        if !self.entries.iter().any(|known| {
                            known.number == *other
                                && known.check.is_some()
                                && known.maximum_minutes.is_some()
                        }) =>
                    {
                        format!("inject {other} has no check and maximum minutes to wait for")
                    }
                    check
                        if (entry.kind == Happening::Contingency)
                            != matches!(check, Some(Check::After(_))) =>
                    {
                        "a contingency, and nothing else, has a check `after:NUMBER`".to_owned()
                    }
                    _ => continue,
                }
            };
            let problem = format!("inject {}: {problem}", entry.number);
            return Err(ScenarioError::Content { file: file.to_owned(), line: row + 2, problem });
        }
        Ok(())
    }

    /// As CSV, in the order of the columns.
    pub fn to_csv(&self) -> String {
        let mut writer = csv::Writer::from_writer(vec![]);
        // Writing to memory cannot fail, and rows are as long as the header.
        let _ = writer.write_record(COLUMNS.map(|(name, _)| name));
        for entry in &self.entries {
            let _ = writer.write_record(entry.cells());
        }
        writer
            .into_inner()
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }
}

impl Entry {
    /// Its cells, in the order of [`COLUMNS`].
    pub fn cells(&self) -> [String; 12] {
        [
            self.number.to_string(),
            time(self.at),
            self.kind.word().to_owned(),
            self.sender.clone(),
            self.receiver.clone(),
            self.content.clone(),
            self.expected.clone(),
            self.check.as_ref().map(Check::text).unwrap_or_default(),
            self.objective.clone(),
            self.maximum_minutes.map(|minutes| minutes.to_string()).unwrap_or_default(),
            self.note.clone(),
            self.about.clone(),
        ]
    }
}

/// Where each column is, by its name or another word for it.
fn places(header: &[String]) -> Vec<Option<usize>> {
    let plain = |text: &str| text.trim().to_lowercase().replace(['_', '-'], " ");
    let at = |word: &str| header.iter().position(|name| plain(name) == plain(word));
    let mut taken = std::collections::BTreeSet::new();
    // Own names first: a list of ours must never be misread by another's words.
    let mut found: Vec<Option<usize>> = COLUMNS.iter().map(|(name, _)| at(name)).collect();
    taken.extend(found.iter().flatten().copied());
    for (place, (_, others)) in found.iter_mut().zip(&COLUMNS) {
        if place.is_none() {
            *place = others.iter().filter_map(|word| at(word)).find(|at| !taken.contains(at));
            taken.extend(*place);
        }
    }
    found
}

fn entry<'a>(cell: impl Fn(usize) -> &'a str) -> Result<Entry, String> {
    let number = cell(0).parse().map_err(|_| format!("`{}` is no number", cell(0)))?;
    let kind = Happening::parse(cell(2)).ok_or_else(|| format!("no kind `{}`", cell(2)))?;
    let at = match cell(1) {
        "" if kind == Happening::Contingency => Exercise(0),
        text => parse_time(text)
            .ok_or_else(|| format!("`{text}` is no exercise time such as 0:07:30"))?,
    };
    let check = match cell(7) {
        "" => None,
        text => Some(Check::parse(text).ok_or_else(|| {
            format!(
                "`{text}` is none of asked:TEAM>AGENCY, decided:TEAM, stopped:TEAM, after:NUMBER"
            )
        })?),
    };
    let minutes = match cell(9) {
        "" => None,
        text => Some(
            text.parse::<u32>()
                .ok()
                .filter(|minutes| (1..=10_000).contains(minutes))
                .ok_or_else(|| format!("`{text}` is no count of minutes"))?,
        ),
    };
    Ok(Entry {
        number,
        at,
        kind,
        sender: cell(3).to_owned(),
        receiver: if cell(4).is_empty() { "ALL".to_owned() } else { cell(4).to_owned() },
        content: cell(5).to_owned(),
        expected: cell(6).to_owned(),
        check,
        objective: cell(8).to_owned(),
        maximum_minutes: minutes,
        note: cell(10).to_owned(),
        about: cell(11).to_owned(),
    })
}

/// Exercise time as `H:MM:SS`, with milliseconds where there are any.
pub fn time(at: Exercise) -> String {
    let (seconds, millis) = (at.0 / 1_000, at.0 % 1_000);
    let mut text = format!("{}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60);
    if millis > 0 {
        // Writing to a String cannot fail.
        let _ = write!(text, ".{millis:03}");
    }
    text
}

/// `H:MM`, `H:MM:SS` or `H:MM:SS.mmm`.
pub fn parse_time(text: &str) -> Option<Exercise> {
    let parts: Vec<&str> = text.trim().trim_start_matches('+').split(':').collect();
    let (hours, minutes, seconds) = match parts.as_slice() {
        [hours, minutes] => (*hours, *minutes, "0"),
        [hours, minutes, seconds] => (*hours, *minutes, *seconds),
        _ => return None,
    };
    let whole = |text: &str, below: u64| {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<u64>().ok().filter(|number| digits && *number < below)
    };
    let (seconds, millis) = match seconds.split_once('.') {
        Some((seconds, fraction)) if fraction.len() == 3 => (seconds, whole(fraction, 1_000)?),
        Some(_) => return None,
        None => (seconds, 0),
    };
    let minutes = whole(hours, 100_000)? * 60 + whole(minutes, 60)?;
    Some(Exercise((minutes * 60 + whole(seconds, 60)?) * 1_000 + millis))
}
