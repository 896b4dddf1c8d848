//! `portcullis audit recipients`: who received a record, asked of a gateway or of a store's file.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use portcullis_core::id::AgencyId;
use portcullis_proto::audit::v1 as wire;
use portcullis_proto::audit::v1::audit_service_client::AuditServiceClient;
use serde_json::{Value, json};

use super::{clock, open};
use crate::audit::keys::SealPrivateKey;
use crate::audit::recipients::{IndexKey, RecipientsOf, compare, full_search, index_key, search};
use crate::audit::{Party, Unsealer, learn_epochs};
use crate::client::render::table::table;
use crate::client::render::text::cell;
use crate::client::render::{Format, Look};
use crate::client::{Profile, UsageError, connect};
use crate::command::agreement::{moment, within};
use crate::command::query::tell;
use crate::service::recipients::recipient;
use crate::store::Store;

/// Entries in one answer.
const PAGE: u32 = 500;

/// Arguments of `portcullis audit recipients`.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("where").required(true))]
#[command(group = clap::ArgGroup::new("which").required(true))]
pub struct RecipientsArgs {
    /// Ask a gateway: profile of a system of the record's originator.
    #[arg(long, value_name = "FILE", group = "where")]
    profile: Option<PathBuf>,
    /// Ask a store's file.
    #[arg(long, value_name = "FILE", group = "where", requires_all = ["key", "agency"])]
    store: Option<PathBuf>,
    /// With --store: private seal key of the originator, or the gateway's audit key.
    #[arg(long, value_name = "FILE", requires = "store")]
    key: Option<PathBuf>,
    /// With --store: the originator.
    #[arg(long, value_name = "AGENCY", requires = "store")]
    agency: Option<String>,
    /// Which record: its opaque id in hex, as `portcullis source id` prints it.
    #[arg(long, value_name = "ID", group = "which")]
    record: Option<String>,
    /// Which record: a reference that a requester quotes.
    #[arg(long, value_name = "REFERENCE", group = "which", requires_all = ["profile", "requester"])]
    reference: Option<String>,
    /// With --reference: the agency that quotes it.
    #[arg(long, value_name = "AGENCY", requires = "reference")]
    requester: Option<String>,
    /// With --reference: the case of its query.
    #[arg(long, value_name = "CASE", requires = "reference")]
    case: Option<String>,
    /// With --reference: the agreement of its query, where there was no case.
    #[arg(long, value_name = "AGREEMENT", requires = "reference")]
    agreement: Option<String>,
    /// With --store: open every share of the originator instead of asking the index, and say where the two differ.
    #[arg(long, requires = "store")]
    full: bool,
    /// Only disclosures as this record type.
    #[arg(long = "type", value_name = "TYPE")]
    record_type: Option<String>,
    /// Only from then on, such as 2027-01-01T00:00:00Z.
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Only before then.
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// One JSON document.
    #[arg(long)]
    json: bool,
}

/// What is told.
#[derive(Default)]
struct Told {
    recipients: Vec<wire::Recipient>,
    /// Entries before it are not in the index; none: they were looked through too.
    complete_from: Option<u64>,
    /// Entries that the index misses, and entries that only it names; none: the two were not compared.
    differs: Option<(Vec<u64>, Vec<u64>)>,
    /// Why they could not be compared.
    index: Option<&'static str>,
}

/// Runs the command. False: it was refused, or index and log differ.
pub(super) async fn run(
    args: RecipientsArgs,
    out: &mut (dyn Write + Send),
) -> anyhow::Result<bool> {
    let told = match (&args.profile, &args.store) {
        (Some(profile), _) => match ask(&args, profile).await? {
            Ok(told) => told,
            Err(refused) => {
                return tell(&refused, if args.json { Format::Json } else { Format::Table }, out);
            }
        },
        (None, Some(store)) => look(&args, store).await?,
        (None, None) => return Err(UsageError("--profile or --store is needed".into()).into()),
    };
    if args.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&document(&told))?)?;
    } else {
        show(&told, out)?;
    }
    let good = told.differs.is_none_or(|(missed, added)| missed.is_empty() && added.is_empty());
    Ok(good && told.index.is_none())
}

/// Over the wire, page by page.
async fn ask(
    args: &RecipientsArgs,
    profile: &Path,
) -> anyhow::Result<Result<Told, crate::client::Refused>> {
    let profile = Profile::load(profile)?;
    let mut client = AuditServiceClient::new(connect(&profile).await?);
    let (from, until) = span(args)?;
    let text = |one: &Option<String>| one.clone().unwrap_or_default();
    let mut asked = wire::ListRecipientsRequest {
        record_id: args.record.as_deref().map(id).transpose()?.unwrap_or_default().into(),
        reference: args.reference.as_ref().map(|reference| wire::QuotedReference {
            reference: reference.clone(),
            requester: text(&args.requester),
            case_id: text(&args.case),
            agreement_id: text(&args.agreement),
        }),
        record_type: text(&args.record_type),
        from_unix_millis: from,
        until_unix_millis: until,
        from_index: 0,
        limit: PAGE,
    };
    let mut told = Told::default();
    loop {
        let page = match within(&profile, client.list_recipients(asked.clone())).await {
            Ok(page) => page,
            Err(refused) => return Ok(Err(refused)),
        };
        told.recipients.extend(page.recipients);
        told.complete_from = Some(page.complete_from_index);
        if page.next_index == 0 {
            return Ok(Ok(told));
        }
        asked.from_index = page.next_index;
    }
}

/// In a store's file.
async fn look(args: &RecipientsArgs, path: &Path) -> anyhow::Result<Told> {
    let (Some(key), Some(agency), Some(record)) = (&args.key, &args.agency, &args.record) else {
        return Err(UsageError("--store needs --key, --agency and --record".into()).into());
    };
    let (agency, opaque_id) = (AgencyId::new(agency), id(record)?);
    let private = SealPrivateKey::read(key)?;
    let store = open(path).await?;
    let (unsealer, index) = keys(&store, &agency, private).await?;
    let unsealer = unsealer.with_context(|| {
        format!("the key `{}` opens nothing of {agency} in this store", key.display())
    })?;
    let mut told = Told::default();
    let found = if args.full {
        let full = full_search(&store, &unsealer, &agency, &opaque_id, 0).await?;
        let compared = match &index {
            None => Err("RECIPIENTS_MISSING"),
            Some(key) => {
                compare(&store, key, &agency, &opaque_id, &full).await.map_err(|error| error.word())
            }
        };
        match compared {
            Ok(differs) => told.differs = Some(differs),
            Err(word) => told.index = Some(word),
        }
        full.found
    } else {
        let key = index.context("the store has no index for this key: --full searches the log")?;
        let of = RecipientsOf { originator: agency, opaque_id, from: 0, limit: usize::MAX };
        let found = search(&store, &key, Some(&unsealer), &of).await?;
        told.complete_from = Some(found.complete_from);
        found.found
    };
    store.close().await;
    let (from, until) = span(args)?;
    let wanted = |one: &wire::Recipient| {
        one.time_unix_millis >= from
            && (until == 0 || one.time_unix_millis < until)
            && args.record_type.as_ref().is_none_or(|wanted| one.record_type == *wanted)
    };
    told.recipients = found.into_iter().map(|one| recipient(one, None)).filter(wanted).collect();
    Ok(told)
}

/// The originator's own key, or the gateway auditor's.
async fn keys(
    store: &Store,
    agency: &AgencyId,
    private: SealPrivateKey,
) -> anyhow::Result<(Option<Unsealer>, Option<IndexKey>)> {
    for party in [Party::Agency(agency.clone()), Party::Gateway] {
        let unsealer = Unsealer::new(party.clone(), private.clone())?;
        let opens = learn_epochs(store, &unsealer).await? > 0;
        let index = index_key(store, &party, &private, agency).await?;
        if opens || index.is_some() {
            return Ok((Some(unsealer), index));
        }
    }
    Ok((None, None))
}

fn id(text: &str) -> Result<Vec<u8>, UsageError> {
    hex::decode(text.trim())
        .ok()
        .filter(|id| (16..=32).contains(&id.len()))
        .ok_or_else(|| UsageError("--record is an opaque id: 32 to 64 hex digits".into()))
}

fn span(args: &RecipientsArgs) -> anyhow::Result<(i64, i64)> {
    let from = moment(args.since.as_deref())?.map_or(0, |at| at.0);
    Ok((from, moment(args.until.as_deref())?.map_or(0, |at| at.0)))
}

fn show(told: &Told, out: &mut dyn Write) -> anyhow::Result<()> {
    if told.recipients.is_empty() {
        writeln!(out, "nobody")?;
    } else {
        let mut table = table(Look::of_stdout());
        table.set_header([
            "when",
            "agency",
            "officer",
            "purpose",
            "case",
            "agreement",
            "may be used for",
            "deleted by",
            "exchange",
            "entry",
        ]);
        for one in &told.recipients {
            table.add_row(row(one));
        }
        writeln!(out, "{table}")?;
    }
    let agencies: std::collections::BTreeSet<&str> =
        told.recipients.iter().map(|one| one.agency.as_str()).collect();
    writeln!(out, "{} disclosures to {} agencies", told.recipients.len(), agencies.len())?;
    match told.complete_from {
        None | Some(0) => {}
        Some(from) => writeln!(
            out,
            "entries before {from} were written without the index and were not looked through: \
             `audit recipients --store FILE --full` does"
        )?,
    }
    if let Some((missed, added)) = &told.differs {
        if missed.is_empty() && added.is_empty() {
            writeln!(out, "the index says the same")?;
        }
        for (what, entries) in [
            ("WRONG: the index misses entries", missed),
            ("WRONG: the index names entries that do not disclose the record:", added),
        ] {
            if !entries.is_empty() {
                let entries: Vec<_> = entries.iter().map(ToString::to_string).collect();
                writeln!(out, "{what} {}", entries.join(", "))?;
            }
        }
    }
    if let Some(word) = told.index {
        writeln!(out, "WRONG {word}: the index could not be compared")?;
    }
    Ok(())
}

fn row(one: &wire::Recipient) -> [String; 10] {
    let officer = match (one.officer.as_str(), one.officer_proven) {
        ("", _) => String::new(),
        (officer, true) => cell(officer),
        (officer, false) => format!("{} (told)", cell(officer)),
    };
    let agreement = match one.agreement_id.as_str() {
        "" => String::new(),
        agreement => format!("{} v{}", cell(agreement), one.agreement_version),
    };
    let deleted = match one.delete_by_unix_millis {
        0 => "not known".to_owned(),
        at => clock(portcullis_core::id::Moment(at)),
    };
    [
        clock(portcullis_core::id::Moment(one.time_unix_millis)),
        format!("{} {}", cell(&one.agency), cell(&one.system)).trim_end().to_owned(),
        officer,
        cell(&one.purpose),
        cell(&one.case_id),
        agreement,
        if one.permitted_use.is_empty() {
            "not known".to_owned()
        } else {
            cell(&one.permitted_use.join(", "))
        },
        deleted,
        format!("{} {}", ending(one), cell(&one.cut_reason)).trim_end().to_owned(),
        one.index.to_string(),
    ]
}

fn ending(one: &wire::Recipient) -> &'static str {
    match one.ending() {
        wire::ExchangeEnding::Unspecified => "no end logged",
        wire::ExchangeEnding::Complete => "complete",
        wire::ExchangeEnding::Cut => "cut",
        wire::ExchangeEnding::Unknown => "end unknown",
    }
}

fn document(told: &Told) -> Value {
    json!({
        "recipients": told.recipients.iter().map(one_document).collect::<Vec<_>>(),
        "index_complete_from": told.complete_from,
        "index_misses": told.differs.as_ref().map(|(missed, _)| missed),
        "index_adds": told.differs.as_ref().map(|(_, added)| added),
        "index_fault": told.index,
    })
}

fn one_document(one: &wire::Recipient) -> Value {
    let or_null = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    json!({
        "index": one.index,
        "time_unix_millis": one.time_unix_millis,
        "exchange_id": one.exchange_id,
        "batch": one.batch,
        "agency": one.agency,
        "system": or_null(&one.system),
        "officer": or_null(&one.officer),
        "officer_proven": one.officer_proven,
        "purpose": or_null(&one.purpose),
        "case": or_null(&one.case_id),
        "justification": or_null(&one.justification),
        "record_type": or_null(&one.record_type),
        "agreement": or_null(&one.agreement_id),
        "agreement_version": one.agreement_version,
        "plan_hash": or_null(&hex::encode(&one.plan_hash)),
        "content_commitment": or_null(&hex::encode(&one.content_commitment)),
        "permitted_use": one.permitted_use,
        "delete_by_unix_millis": (one.delete_by_unix_millis != 0).then_some(one.delete_by_unix_millis),
        "ending": ending(one),
        "cut_reason": or_null(&one.cut_reason),
    })
}
