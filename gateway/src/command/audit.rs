//! `portcullis audit verify|list|recipients`: checks a log from its file alone, shows a party its share, and tells an
//! originator who received a record.

mod recipients;

use std::fmt::Write as _;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use comfy_table::{ContentArrangement, Table, presets};
use portcullis_core::id::{AgencyId, CaseId, Moment};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::audit::Filter;
use crate::audit::keys::SealPrivateKey;
use crate::audit::verify::{Outside, Report, parse_receipt, verify};
use crate::audit::{
    ExchangeId, ListedEntry, LogVerifier, OpenedPart, Part, Party, Unsealer, learn_epochs,
    list_entries,
};
use crate::store::Store;

/// Arguments of `portcullis audit`.
#[derive(Debug, clap::Args)]
pub struct AuditArgs {
    #[command(subcommand)]
    command: AuditCommand,
}

#[derive(Debug, clap::Subcommand)]
enum AuditCommand {
    /// Check a log from its store and its public key alone.
    Verify(VerifyArgs),
    /// List entries; with a key, what its holder may read of them.
    List(ListArgs),
    /// Tell an originator who received a record of its own.
    Recipients(recipients::RecipientsArgs),
}

#[derive(Debug, clap::Args)]
struct VerifyArgs {
    /// The gateway's store.
    #[arg(long, value_name = "FILE")]
    store: PathBuf,
    /// The log's public key (NAME+HASH+BASE64), or a file with it.
    #[arg(long, value_name = "KEY|FILE")]
    log_key: String,
    /// A checkpoint kept outside: shows whether the log was rolled back, cut or forked since. Repeatable.
    #[arg(long, value_name = "FILE")]
    checkpoint: Vec<PathBuf>,
    /// A receipt, as `portcullis query --format json` prints it.
    #[arg(long, value_name = "FILE")]
    receipt: Option<PathBuf>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
struct ListArgs {
    /// The gateway's store.
    #[arg(long, value_name = "FILE")]
    store: PathBuf,
    /// Private seal key of the agency, or the gateway's audit key.
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// The agency whose share to show; with the key of the gateway's auditor, leave it out.
    #[arg(long, value_name = "AGENCY")]
    agency: Option<String>,
    /// Only this exchange.
    #[arg(long, value_name = "ID")]
    exchange: Option<String>,
    /// From this index on.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// At most so many entries.
    #[arg(long, default_value_t = 100)]
    limit: u32,
    /// Print one JSON object a line.
    #[arg(long)]
    json: bool,
}

/// Runs the command. False: it ran, and something is wrong with the log.
pub async fn run(args: AuditArgs, out: &mut (dyn Write + Send)) -> anyhow::Result<bool> {
    match args.command {
        AuditCommand::Verify(args) => run_verify(args, out).await,
        AuditCommand::List(args) => run_list(args, out).await,
        AuditCommand::Recipients(args) => recipients::run(args, out).await,
    }
}

async fn run_verify(args: VerifyArgs, out: &mut (dyn Write + Send)) -> anyhow::Result<bool> {
    let verifier = match LogVerifier::parse(&args.log_key) {
        Ok(verifier) => verifier,
        Err(error) if !Path::new(&args.log_key).exists() => {
            return Err(error)
                .with_context(|| format!("`{}` is neither a log key nor a file", args.log_key));
        }
        Err(_) => LogVerifier::parse(&read(Path::new(&args.log_key))?)
            .with_context(|| format!("log key `{}`", args.log_key))?,
    };
    let mut outside = Outside::default();
    for path in &args.checkpoint {
        outside.checkpoints.push(read(path)?);
    }
    if let Some(path) = &args.receipt {
        let receipt = parse_receipt(&read(path)?);
        outside.receipt = Some(receipt.with_context(|| {
            format!("`{}` is no receipt: index, leaf, path, checkpoint", path.display())
        })?);
    }
    let store = open(&args.store).await?;
    let report = verify(&store, &verifier, &outside).await;
    store.close().await;
    if args.json {
        writeln!(out, "{}", report_json(&report))?;
    } else {
        out.write_all(report_text(&report, &outside).as_bytes())?;
    }
    Ok(report.sound())
}

async fn run_list(args: ListArgs, out: &mut (dyn Write + Send)) -> anyhow::Result<bool> {
    let agency = args.agency.as_ref().map(AgencyId::new);
    let exchange = match &args.exchange {
        None => None,
        Some(text) => Some(
            ExchangeId::parse(text)
                .with_context(|| format!("`{text}` is no exchange id: 32 hex digits"))?,
        ),
    };
    let store = open(&args.store).await?;
    let unsealer = match &args.key {
        None => None,
        Some(path) => {
            let party = agency.clone().map_or(Party::Gateway, Party::Agency);
            let unsealer = Unsealer::new(party, SealPrivateKey::read(path)?)?;
            let learned = learn_epochs(&store, &unsealer).await?;
            anyhow::ensure!(
                learned > 0,
                "the key `{}` opens nothing of {} in this store",
                path.display(),
                unsealer.party()
            );
            Some(unsealer)
        }
    };
    let filter = Filter { party: agency, exchange, from: args.from, limit: args.limit };
    let entries = list_entries(&store, &filter).await?;
    store.close().await;
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(["index", "time", "kind", "exchange", "requester", "what"]);
    for entry in &entries {
        let parts = match &unsealer {
            None => None,
            Some(unsealer) => {
                Some(entry.open(unsealer).with_context(|| format!("entry {}", entry.index))?)
            }
        };
        if args.json {
            writeln!(out, "{}", entry_json(entry, parts.as_deref()))?;
        } else {
            table.add_row(row(entry, parts.as_deref()));
        }
    }
    if !args.json {
        writeln!(out, "{table}")?;
    }
    Ok(true)
}

async fn open(path: &Path) -> anyhow::Result<Store> {
    anyhow::ensure!(path.is_file(), "there is no store `{}`", path.display());
    Store::open_read_only(path).await.with_context(|| format!("store `{}`", path.display()))
}

fn read(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("file `{}`", path.display()))
}

fn report_text(report: &Report, outside: &Outside) -> String {
    let [intents, disclosures, outcomes, denials, steps] = report.kinds;
    let mut text = String::new();
    let _ = writeln!(
        text,
        "{} entries: {intents} intents, {disclosures} disclosures, {outcomes} outcomes, {denials} \
         denials, {steps} steps of releases; {} signed checkpoints; {} exchanges without an outcome",
        report.size, report.checkpoints, report.open_exchanges
    );
    let _ = writeln!(text, "root {}", report.root);
    let _ = match report.recipients_from {
        None => writeln!(text, "there is no index of recipients"),
        Some(from) => writeln!(text, "index of recipients from entry {from} on"),
    };
    for fault in &report.faults {
        let _ = writeln!(text, "WRONG {}: {fault}", fault.word());
    }
    if report.sound() {
        let kept = outside.checkpoints.len();
        let _ = match (kept, &outside.receipt) {
            (0, None) => writeln!(
                text,
                "the log is sound; whether it was rolled back only a checkpoint kept outside tells"
            ),
            (_, None) => {
                writeln!(text, "the log is sound and continues {kept} checkpoints kept outside")
            }
            (_, Some(receipt)) => writeln!(
                text,
                "the log is sound, continues {kept} checkpoints kept outside, and holds the \
                 receipt's entry {}",
                receipt.index
            ),
        };
    }
    text
}

fn report_json(report: &Report) -> Value {
    let [intents, disclosures, outcomes, denials, steps] = report.kinds;
    json!({
        "sound": report.sound(),
        "size": report.size,
        "root": report.root.to_string(),
        "intents": intents,
        "disclosures": disclosures,
        "outcomes": outcomes,
        "denials": denials,
        "release_steps": steps,
        "checkpoints": report.checkpoints,
        "open_exchanges": report.open_exchanges,
        "recipients_from": report.recipients_from,
        "faults": report.faults.iter().map(|fault| json!({
            "reason": fault.word(), "message": fault.to_string(),
        })).collect::<Vec<_>>(),
    })
}

fn entry_json(entry: &ListedEntry, parts: Option<&[OpenedPart]>) -> Value {
    json!({
        "index": entry.index,
        "time_unix_millis": entry.facts.at.0,
        "kind": entry.facts.kind().word(),
        "exchange_id": entry.facts.exchange.to_string(),
        "requester": entry.facts.requester.as_str(),
        "leaf": hex::encode(&entry.leaf),
        "parts": parts.map(|parts| parts.iter().map(|part| part.part.to_json()).collect::<Vec<_>>()),
    })
}

fn row(entry: &ListedEntry, parts: Option<&[OpenedPart]>) -> [String; 6] {
    let what = match parts {
        None => "sealed".to_owned(),
        Some(parts) => {
            let parts: Vec<_> = parts.iter().filter_map(|part| summary(&part.part)).collect();
            parts.join("; ")
        }
    };
    [
        entry.index.to_string(),
        clock(entry.facts.at),
        entry.facts.kind().word().to_owned(),
        entry.facts.exchange.to_string(),
        visible(entry.facts.requester.as_str()),
        visible(&what),
    ]
}

fn summary(part: &Part) -> Option<String> {
    Some(match part {
        Part::Intent(intent) => format!(
            "{} of {} for {} under {} v{}, case {}",
            intent.requester.system,
            intent.record_type,
            intent.purpose.word(),
            intent.agreement,
            intent.agreement_version,
            intent.case.as_ref().map_or("none", CaseId::as_str),
        ),
        Part::Share { originator, records, .. } => {
            format!("{} records of {originator}", records.len())
        }
        Part::IdSalt { .. } => return None,
        Part::Ended { ending, reason } if reason.is_empty() => ending.word().to_owned(),
        Part::Ended { ending, reason } => format!("{} {reason}", ending.word()),
        Part::Source { agency, completeness, released, .. } => {
            format!("{agency} {completeness}, {released} released")
        }
        Part::Refused { agency, causes } => {
            let count: u64 = causes.iter().map(|(_, count)| count).sum();
            format!("{count} records of {agency} refused")
        }
        Part::Denial(denial) => denial.reason.clone(),
        Part::Officer { officer, .. } => format!("officer {officer}, proven"),
        Part::Release(step) => format!("step {}, {}", step.number, step.what.act().word()),
        Part::Grant { release, .. } => format!("by grant of {release}"),
    })
}

fn clock(at: Moment) -> String {
    OffsetDateTime::from_unix_timestamp(at.seconds())
        .ok()
        .and_then(|time| time.format(&Rfc3339).ok())
        .unwrap_or_else(|| at.0.to_string())
}

/// Text that others chose, made harmless for a terminal: controls and what turns or hides text become `?`.
fn visible(text: &str) -> String {
    let hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    text.chars().map(|c| if hidden(c) { '?' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_cannot_move_the_cursor_or_turn_the_line() {
        assert_eq!(visible("a\u{1b}[2J\nb\u{202e}c\u{7}"), "a?[2J?b?c?");
        assert_eq!(visible("Zoll Köln 관세청"), "Zoll Köln 관세청");
    }
}
