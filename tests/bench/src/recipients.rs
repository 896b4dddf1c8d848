//! The index of recipients: a log of many entries built through the real append path, then looked through.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use portcullis::audit::keys::{SealPrivateKey, generate_log_key, generate_seal_key, read_log_key};
use portcullis::audit::recipients::{RecipientsOf, Tuning, full_search};
use portcullis::audit::{
    Audit, AuditKeys, DisclosedRecord, Disclosure, Effects, Ending, ExchangeId, Intent, Outcome,
    Party, Requester, Scrub, SourceOutcome, Unsealer, learn_epochs,
};
use portcullis::clock::Clock;
use portcullis::store::Store;
use portcullis_core::id::{AgencyId, Digest, Moment};
use portcullis_core::policy::Purpose;
use portcullis_core::redact::Batch;
use tokio::time::Instant;

const ORIGIN: &str = "bench.test/portcullis";
const ORIGINATORS: [&str; 3] = ["customs-a", "licensing-b", "registry-c"];
const REQUESTERS: [&str; 5] = ["police-d", "fiu-e", "customs-f", "coastguard-g", "licensing-h"];
/// Exchanges at once.
const AT_ONCE: u64 = 256;
/// Records that there are; a few are asked for much more than the others.
const IDS: f64 = 2_000_000.0;

/// What to build.
#[derive(clap::Args)]
pub struct Options {
    /// Entries of the log; a third of them are disclosures.
    #[arg(long, default_value_t = 1_000_000)]
    entries: u64,
    /// Entries that disclose the record which is looked for.
    #[arg(long, default_value_t = 1_000)]
    wanted: u64,
    /// Folder of the store; a temporary one if not given.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Only append, and say what it costs.
    #[arg(long)]
    append_only: bool,
    /// Search the whole log without the index too.
    #[arg(long)]
    full: bool,
}

/// Builds, measures, prints.
///
/// # Errors
/// A store that cannot be written.
pub async fn run(options: &Options) -> anyhow::Result<()> {
    let temporary = tempfile::tempdir()?;
    let dir = options.dir.clone().unwrap_or_else(|| temporary.path().to_owned());
    std::fs::create_dir_all(&dir)?;
    let keys = make_keys(&dir)?;
    let store = Store::open(&dir.join("store.db")).await?;
    let tuning = Tuning::default();
    let audit =
        Audit::open_with(store.clone(), keys, Clock::system(), Scrub::default(), tuning).await?;
    append(&audit, options).await?;
    if options.append_only {
        audit.close().await;
        return Ok(());
    }
    settle(&store, tuning).await?;
    sizes(&store, &dir).await?;
    audit.close().await;
    look(&dir, options).await
}

fn make_keys(dir: &Path) -> anyhow::Result<AuditKeys> {
    generate_log_key(&dir.join("log.key"), ORIGIN)?;
    generate_seal_key(&dir.join("gateway.key"))?;
    for name in ORIGINATORS.iter().chain(&REQUESTERS) {
        generate_seal_key(&dir.join(format!("{name}.key")))?;
    }
    keys(dir)
}

fn keys(dir: &Path) -> anyhow::Result<AuditKeys> {
    let key = |name: &str| SealPrivateKey::read(&dir.join(format!("{name}.key")));
    let mut agencies = std::collections::BTreeMap::new();
    for name in ORIGINATORS.iter().chain(&REQUESTERS) {
        agencies.insert(AgencyId::new(name), key(name)?.public().expect("a key"));
    }
    Ok(AuditKeys {
        signer: read_log_key(&dir.join("log.key"), ORIGIN)?,
        gateway: key("gateway")?.public().expect("a key"),
        gateway_private: Some(key("gateway")?),
        agencies,
    })
}

/// The record that is looked for.
fn wanted() -> bytes::Bytes {
    Digest::of(b"the record").0[..16].to_vec().into()
}

/// A small generator: the same log every time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % below
    }

    /// From 0 up to 1, mostly small.
    fn skewed(&mut self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a die")]
        let one = self.roll(1 << 40) as f64 / (1_u64 << 40) as f64;
        one * one * one
    }

    /// Half of all answers have one record, few have fifty.
    fn records(&mut self) -> u64 {
        match self.roll(100) {
            0..50 => 1,
            50..85 => 2 + self.roll(9),
            _ => 11 + self.roll(40),
        }
    }
}

fn record(originator: &str, id: &[u8]) -> DisclosedRecord {
    DisclosedRecord {
        originator: AgencyId::new(originator),
        opaque_id: id.to_vec().into(),
        content: Digest::of(id),
        plan: Digest::of(b"plan"),
    }
}

async fn append(audit: &Audit, options: &Options) -> anyhow::Result<()> {
    let exchanges = options.entries / 3;
    let every = (exchanges / options.wanted.max(1)).max(1);
    let (next, records) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let (begun, cpu) = (Instant::now(), cpu());
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..AT_ONCE {
        let (audit, next, records) = (audit.clone(), next.clone(), records.clone());
        let wanted_in_all = options.wanted;
        tasks.spawn(async move {
            let mut waits = Vec::new();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= exchanges {
                    return waits;
                }
                let wants = number % every == 0 && number / every < wanted_in_all;
                let (wait, count) = exchange(&audit, number, wants).await;
                waits.push(wait);
                records.fetch_add(count, Ordering::Relaxed);
            }
        });
    }
    let mut waits = Vec::new();
    while let Some(done) = tasks.join_next().await {
        waits.extend(done?);
    }
    let (took, cpu) = (begun.elapsed(), self::cpu() - cpu);
    let (entries, records) = (audit.checkpoint().await.size, records.load(Ordering::Relaxed));
    waits.sort_unstable();
    let at = |share: usize| waits[(waits.len() - 1) * share / 1000];
    println!(
        "{entries} entries with {records} records in {:.1} s: {:.0} entries/s, CPU {:.1} us an entry",
        took.as_secs_f64(),
        per(entries, took.as_secs_f64()),
        per_micros(cpu, entries),
    );
    println!(
        "a disclosure waits {:?} (median), {:?} (99 in 100), {:?} (999 in 1,000), {:?} (longest)",
        at(500),
        at(990),
        at(999),
        at(1000)
    );
    Ok(())
}

async fn exchange(audit: &Audit, number: u64, wants: bool) -> (Duration, u64) {
    let mut dice = Dice((number + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    dice.roll(2);
    let originator = ORIGINATORS[dice.roll(3) as usize];
    let requester = AgencyId::new(REQUESTERS[dice.roll(5) as usize]);
    let now = Moment(1_800_000_000_000 + number as i64);
    let intent = Intent {
        exchange: ExchangeId::begin(now).expect("randomness"),
        requester: Requester {
            agency: requester,
            system: "desk".into(),
            spiffe_id: "spiffe://bench.test/agency/a/system/desk".into(),
            certificate: Digest::of(b"certificate"),
            officer: "Officer".into(),
        },
        purpose: Purpose::Investigation,
        case: Some("case-1".into()),
        agreement: "agreement-1".into(),
        agreement_version: 1,
        record_type: "portcullis.record.v1.Declaration".into(),
        schema_hash: Digest::of(b"schema"),
        query_digest: Digest::of(b"query"),
        filter_paths: vec!["ucr".into()],
        justification: "a reason".into(),
        sources: vec![AgencyId::new(originator)],
        policy_hash: Digest::of(b"policy"),
        config_hash: Digest::of(b"config"),
        decided_at: now,
        valid_until: None,
        idempotency_key: None,
    };
    let mut durable = audit.intend(intent, Effects::default()).await.expect("an intent");
    let count = dice.records();
    let mut records: Vec<_> = (0..count)
        .map(|_| {
            let id = (dice.skewed() * IDS) as u64;
            record(originator, &Digest::of(&id.to_be_bytes()).0[..16])
        })
        .collect();
    if wants {
        records[0] = record(ORIGINATORS[0], &wanted());
    }
    let begun = Instant::now();
    let disclosure = Disclosure { at: now, records };
    let nothing = Batch::default().finish();
    audit.seal(&mut durable, nothing, disclosure, Effects::default()).await.expect("a disclosure");
    let waited = begun.elapsed();
    let source = SourceOutcome {
        agency: AgencyId::new(originator),
        completeness: "COMPLETE".into(),
        reason: String::new(),
        released: count,
        refused: vec![],
    };
    let outcome =
        Outcome { at: now, ending: Ending::Complete, reason: String::new(), sources: vec![source] };
    audit.conclude(&durable, outcome).await;
    (waited, count)
}

/// Waits until nothing is due to be merged.
async fn settle(store: &Store, tuning: Tuning) -> anyhow::Result<()> {
    let (begun, cpu) = (Instant::now(), cpu());
    loop {
        let mut tx = store.read("settled").await?;
        let (entries, records) = (u64::from(tuning.tail_entries), tuning.tail_records as u64);
        let due = tx.full_tail(entries, records, &[]).await?.is_some()
            || !tx.runs_due(tuning.fan, &[]).await?.is_empty();
        tx.rollback().await?;
        if !due {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let cpu = (self::cpu() - cpu).as_secs_f64();
    println!(
        "merging after the last entry: {:.1} s, CPU {cpu:.1} s",
        begun.elapsed().as_secs_f64()
    );
    Ok(())
}

async fn sizes(store: &Store, dir: &Path) -> anyhow::Result<()> {
    let mut tx = store.read("sizes").await?;
    let counts = tx.recipient_counts().await?;
    let mut runs = 0;
    for agency in ORIGINATORS {
        runs += tx.runs(&AgencyId::new(agency), 0).await?.len();
    }
    tx.rollback().await?;
    let (records, bytes) = counts
        .iter()
        .fold((0, 0), |(records, bytes), one| (records + one.records, bytes + one.bytes));
    let file = std::fs::metadata(dir.join("store.db"))?.len();
    println!(
        "index: {records} fingerprints in {runs} runs and the tails, {bytes} bytes, {:.1} a record; store {file} bytes",
        per(bytes, records as f64)
    );
    Ok(())
}

async fn look(dir: &Path, options: &Options) -> anyhow::Result<()> {
    let once = Digest::of(&(IDS as u64 - 1).to_be_bytes()).0[..16].to_vec();
    let cases = [("wanted", wanted().to_vec()), ("rare", once), ("never", vec![7; 16])];
    for (name, id) in &cases {
        forget(&dir.join("store.db"));
        let store = Store::open(&dir.join("store.db")).await?;
        let audit = Audit::open(store, keys(dir)?, Clock::system()).await?;
        forget(&dir.join("store.db"));
        let (found, cold) = all_pages(&audit, id).await?;
        let mut warm = Vec::new();
        for _ in 0..20 {
            warm.push(all_pages(&audit, id).await?.1);
        }
        warm.sort_unstable();
        println!(
            "{name}: {found} disclosures found; cold {:.1} ms, warm {:.1} ms (median of 20), {:.1} ms (longest)",
            millis(cold),
            millis(warm[10]),
            millis(warm[19])
        );
        audit.close().await;
    }
    if options.full {
        let store = Store::open_read_only(&dir.join("store.db")).await?;
        let originator = AgencyId::new(ORIGINATORS[0]);
        let key = SealPrivateKey::read(&dir.join(format!("{originator}.key")))?;
        let unsealer = Unsealer::new(Party::Agency(originator.clone()), key)?;
        learn_epochs(&store, &unsealer).await?;
        let begun = Instant::now();
        let full = full_search(&store, &unsealer, &originator, &wanted(), 0).await?;
        println!(
            "without the index: {} disclosures found in {:.1} s, {} entries looked at",
            full.found.len(),
            begun.elapsed().as_secs_f64(),
            full.looked_at
        );
    }
    Ok(())
}

/// Every page of the answer, as a gateway gives it.
async fn all_pages(audit: &Audit, id: &[u8]) -> anyhow::Result<(usize, Duration)> {
    let begun = Instant::now();
    let mut of = RecipientsOf {
        originator: AgencyId::new(ORIGINATORS[0]),
        opaque_id: id.to_vec(),
        from: 0,
        limit: 500,
    };
    let mut found = 0;
    loop {
        let page = audit.recipients(&of).await?;
        found += page.found.len();
        match page.next {
            Some(next) => of.from = next,
            None => return Ok((found, begun.elapsed())),
        }
    }
}

/// Has the system forget what it holds of a file in memory.
fn forget(path: &Path) {
    let file = format!("if={}", path.display());
    let done = std::process::Command::new("dd")
        .args([&file, "iflag=nocache", "count=0", "status=none"])
        .status();
    assert!(done.is_ok_and(|status| status.success()), "dd is needed to measure a cold lookup");
}

/// CPU time of this process so far.
fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let behind = stat.rsplit_once(')').map_or("", |(_, behind)| behind);
    let ticks: u64 =
        behind.split_whitespace().skip(11).take(2).filter_map(|one| one.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}

#[expect(clippy::cast_precision_loss, reason = "a figure for people")]
fn per(count: u64, of: f64) -> f64 {
    count as f64 / of
}

fn per_micros(time: Duration, count: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
    let count = count as f64;
    time.as_secs_f64() * 1e6 / count
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
