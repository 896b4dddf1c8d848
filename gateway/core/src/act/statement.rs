//! A statement's text: what exactly an agency signs. Lines of `key: value` in one order, under a first line that
//! no other signed text of this project has. A value never holds a line end, so the lines delimit what a length
//! prefix would; and a text is read only if writing what was read gives the same bytes, so that one statement
//! has one text. What the agreement says is in it as the SHA-256 of the file's exact bytes: people sign what
//! they have read, comments included, and no reader's notion of equal texts comes between.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::ActRefusal;
use crate::handling::Environment;
use crate::id::{AgencyId, AgreementId, Digest, Moment, RecordTypeName};
use crate::policy::{Purpose, Take, is_name};
use crate::redact::Treatment;

/// The first line.
const DOMAIN: &str = "portcullis.agreement-act/v1";
/// Longest text of a statement.
const MOST: usize = 64 * 1024;
/// Longest reason.
const REASON: usize = 500;

/// Where a statement counts: nowhere else can it be replayed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// Trust domain of the exchange's names.
    pub trust_domain: String,
    /// Exercise or production.
    pub environment: Environment,
}

/// One act of one agency about one version of an agreement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// Where it counts.
    pub exchange: Exchange,
    /// Which agreement.
    pub agreement: AgreementId,
    /// Which version.
    pub version: u32,
    /// SHA-256 of the text's bytes.
    pub text: Digest,
    /// Whose act it is.
    pub by: AgencyId,
    /// Counted from 1 among the agency's statements about this agreement, whatever the version.
    pub serial: u64,
    /// When it was made, to the second.
    pub at: Moment,
    /// What is done.
    pub act: Act,
    /// In the agency's own words; one line, may be empty.
    pub reason: String,
}

/// What an agency does with an agreement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// Signs it, for these schemas.
    Sign(BTreeMap<RecordTypeName, Digest>),
    /// Accedes to it, for these schemas.
    Accede(BTreeMap<RecordTypeName, Digest>),
    /// Agrees to the accession of another.
    Consent(AgencyId),
    /// Takes away of flows from or to itself: which flow (none: all), and what.
    Reserve(Vec<(Option<usize>, Take)>),
    /// Suspends all of it.
    Suspend,
    /// Lifts its own suspension.
    Resume,
    /// Leaves it; none: at once.
    Withdraw(Option<Moment>),
    /// Ends all of it; none: at once.
    Terminate(Option<Moment>),
}

impl Act {
    /// The word.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Sign(_) => "sign",
            Self::Accede(_) => "accede",
            Self::Consent(_) => "consent",
            Self::Reserve(_) => "reserve",
            Self::Suspend => "suspend",
            Self::Resume => "resume",
            Self::Withdraw(_) => "withdraw",
            Self::Terminate(_) => "terminate",
        }
    }
}

impl Statement {
    /// The text that is signed.
    pub fn text(&self) -> String {
        let mut out = format!(
            "{DOMAIN}\nexchange: {} {}\nagreement: {}\nversion: {}\ntext: {}\nby: {}\nserial: {}\nat: {}\n\
             act: {}\n",
            self.exchange.trust_domain,
            self.exchange.environment.word(),
            self.agreement,
            self.version,
            self.text,
            self.by,
            self.serial,
            written(self.at),
            self.act.word(),
        );
        match &self.act {
            Act::Sign(schemas) | Act::Accede(schemas) => {
                for (name, hash) in schemas {
                    let _ = writeln!(out, "record-type: {name} {hash}");
                }
            }
            Act::Consent(to) => {
                let _ = writeln!(out, "to: {to}");
            }
            Act::Reserve(takes) => {
                for (flow, take) in takes {
                    let _ = writeln!(out, "take: {}", take_text(*flow, take));
                }
            }
            Act::Withdraw(at) | Act::Terminate(at) => {
                if let Some(at) = at {
                    let _ = writeln!(out, "effective: {}", written(*at));
                }
            }
            Act::Suspend | Act::Resume => {}
        }
        if !self.reason.is_empty() {
            let _ = writeln!(out, "reason: {}", self.reason);
        }
        out
    }

    /// Reads a text; only one that [`Statement::text`] would have written.
    ///
    /// # Errors
    /// Any other text.
    pub fn parse(text: &str) -> Result<Self, ActRefusal> {
        if text.len() > MOST {
            return Err(ActRefusal::NotAStatement);
        }
        let statement = read(text).ok_or(ActRefusal::NotAStatement)?;
        if statement.text() == text { Ok(statement) } else { Err(ActRefusal::NotAStatement) }
    }
}

fn read(text: &str) -> Option<Statement> {
    let mut lines = text.strip_suffix('\n')?.split('\n');
    if lines.next()? != DOMAIN {
        return None;
    }
    let mut value = |key: &str| lines.next()?.strip_prefix(key)?.strip_prefix(": ");
    let (trust_domain, environment) = value("exchange")?.split_once(' ')?;
    let exchange = Exchange {
        trust_domain: trust_domain.to_owned(),
        environment: Environment::from_word(environment)?,
    };
    let agreement = AgreementId::new(Some(value("agreement")?).filter(|id| is_name(id))?);
    let version = value("version")?.parse().ok()?;
    let digest = hash(value("text")?)?;
    let by = agency(value("by")?)?;
    let serial = value("serial")?.parse().ok()?;
    let at = moment(value("at")?)?;
    let word = value("act")?;
    let mut rest: Vec<(&str, &str)> =
        lines.map(|line| line.split_once(": ")).collect::<Option<_>>()?;
    let reason = match rest.pop_if(|(key, _)| *key == "reason") {
        Some((_, reason)) => reason.to_owned(),
        None => String::new(),
    };
    if reason.len() > REASON || reason.chars().any(char::is_control) {
        return None;
    }
    let all =
        |key: &str| rest.iter().map(|(k, v)| (*k == key).then_some(*v)).collect::<Option<Vec<_>>>();
    let schemas = || {
        let read = |line: &&str| {
            let (name, digest) = line.split_once(' ')?;
            let plain = |c: char| c.is_ascii_alphanumeric() || "._".contains(c);
            name.chars().all(plain).then_some(())?;
            Some((RecordTypeName::new(name), hash(digest)?))
        };
        all("record-type")?.iter().map(read).collect::<Option<BTreeMap<_, _>>>()
    };
    let effective = || match all("effective")?.as_slice() {
        [] => Some(None),
        [one] => moment(one).map(Some),
        _ => None,
    };
    let nothing = rest.is_empty();
    let act = match word {
        "sign" => Act::Sign(schemas()?),
        "accede" => Act::Accede(schemas()?),
        "consent" => match all("to")?.as_slice() {
            [to] => Act::Consent(agency(to)?),
            _ => return None,
        },
        "reserve" => {
            let takes = all("take")?.into_iter().map(read_take).collect::<Option<Vec<_>>>()?;
            Act::Reserve(Some(takes).filter(|takes| !takes.is_empty())?)
        }
        "suspend" if nothing => Act::Suspend,
        "resume" if nothing => Act::Resume,
        "withdraw" => Act::Withdraw(effective()?),
        "terminate" => Act::Terminate(effective()?),
        _ => return None,
    };
    Some(Statement { exchange, agreement, version, text: digest, by, serial, at, act, reason })
}

/// A reservation's line: flow or `*`, then what is taken away.
fn take_text(flow: Option<usize>, take: &Take) -> String {
    let flow = flow.map_or("*".to_owned(), |number| number.to_string());
    match take {
        Take::Purpose(purpose) => format!("{flow} purpose {}", purpose.word()),
        Take::RecordType(name) => format!("{flow} record-type {name}"),
        Take::Field { path, at_most } => format!("{flow} field {path} {at_most}"),
        Take::Match(path) => format!("{flow} match {path}"),
    }
}

/// Reads a reservation's line; the command line takes the same words.
pub(super) fn read_take(line: &str) -> Option<(Option<usize>, Take)> {
    let words: Vec<&str> = line.split(' ').collect();
    let path = |text: &str| {
        let fits = !text.is_empty()
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'.');
        fits.then(|| text.to_owned())
    };
    let (flow, rest) = words.split_first()?;
    let flow = match *flow {
        "*" => None,
        number => Some(number.parse().ok().filter(|number| *number > 0)?),
    };
    let take = match rest {
        ["purpose", word] => Take::Purpose(Purpose::from_word(word)?),
        ["record-type", name] => Take::RecordType(RecordTypeName::new(path(name)?)),
        ["field", field, at_most] => {
            Take::Field { path: path(field)?, at_most: at_most.parse::<Treatment>().ok()? }
        }
        ["match", field] => Take::Match(path(field)?),
        _ => return None,
    };
    Some((flow, take))
}

impl Act {
    /// The line of a reservation.
    pub fn take_line((flow, take): &(Option<usize>, Take)) -> String {
        take_text(*flow, take)
    }

    /// One line of a reservation, such as `1 purpose INVESTIGATION`, `* field importer.id presence`,
    /// `2 record-type NAME`, `1 match importer.id`.
    pub fn take(line: &str) -> Option<(Option<usize>, Take)> {
        read_take(line)
    }
}

fn agency(text: &str) -> Option<AgencyId> {
    let fits = (1..=63).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    fits.then(|| AgencyId::new(text))
}

fn hash(text: &str) -> Option<Digest> {
    let mut digest = [0; 32];
    hex::decode_to_slice(text, &mut digest).ok()?;
    Some(Digest(digest))
}

fn moment(text: &str) -> Option<Moment> {
    let at = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    Some(Moment::from_seconds(at.unix_timestamp()))
}

fn written(at: Moment) -> String {
    OffsetDateTime::from_unix_timestamp(at.seconds())
        .ok()
        .and_then(|at| at.format(&Rfc3339).ok())
        .unwrap_or_default()
}
