//! The log as its callers and outsiders see it.

mod effects;
mod faults;
mod format;
mod order;
mod proofs;
mod recipients;
mod shares;
mod subjects;
mod tampering;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use portcullis_core::id::{AgencyId, Digest, Moment};
use portcullis_core::policy::Purpose;
use portcullis_core::redact::{Batch, Disclosed, ReleasedRecord};
use tempfile::TempDir;

use super::keys::{SealPrivateKey, generate_log_key, generate_seal_key, read_log_key};
use super::verify::{Outside, Report, verify};
use super::*;

const ORIGIN: &str = "gateway.test/portcullis";
const AGENCIES: [&str; 3] = ["customs-a", "licensing-b", "coastguard-c"];
const NOON: Moment = Moment::from_seconds(1_800_000_000);

/// A store with keys beside it, and a clock that stands still.
struct Bench {
    dir: TempDir,
    clock: Clock,
}

impl Bench {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        generate_log_key(&dir.path().join("log.key"), ORIGIN).unwrap();
        for name in AGENCIES.iter().chain(&["gateway", "stranger"]) {
            generate_seal_key(&dir.path().join(format!("{name}.key"))).unwrap();
        }
        Self { dir, clock: Clock::manual(NOON) }
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("store.db")
    }

    fn key(&self, name: &str) -> SealPrivateKey {
        SealPrivateKey::read(&self.dir.path().join(format!("{name}.key"))).unwrap()
    }

    fn keys(&self) -> AuditKeys {
        AuditKeys {
            signer: read_log_key(&self.dir.path().join("log.key"), ORIGIN).unwrap(),
            gateway: self.key("gateway").public().unwrap(),
            gateway_private: Some(self.key("gateway")),
            agencies: AGENCIES
                .iter()
                .map(|name| (AgencyId::new(name), self.key(name).public().unwrap()))
                .collect::<BTreeMap<_, _>>(),
        }
    }

    async fn open(&self) -> Audit {
        self.try_open(Scrub::default()).await.unwrap()
    }

    async fn try_open(&self, scrub: Scrub) -> Result<Audit, OpenError> {
        let store = Store::open(&self.path()).await?;
        let tuning = super::recipients::Tuning::default();
        Audit::open_with(store, self.keys(), self.clock.clone(), scrub, tuning).await
    }

    async fn verify(&self, outside: &Outside) -> Report {
        check(&self.path(), self.keys().signer.verifier(), outside).await
    }
}

async fn check(path: &Path, verifier: &LogVerifier, outside: &Outside) -> Report {
    match Store::open_read_only(path).await {
        Ok(store) => {
            let report = verify(&store, verifier, outside).await;
            store.close().await;
            report
        }
        Err(error) => Report {
            faults: vec![verify::Fault::Unreadable(error.to_string())],
            ..Report::default()
        },
    }
}

fn requester() -> Requester {
    Requester {
        agency: "customs-a".into(),
        system: "risk-desk".into(),
        spiffe_id: "spiffe://exercise.test/agency/customs-a/system/risk-desk".to_owned(),
        certificate: Digest::of(b"certificate"),
        officer: "Inspector Hong Gil-dong".to_owned(),
    }
}

fn intent() -> Intent {
    Intent {
        exchange: ExchangeId::begin(NOON).unwrap(),
        requester: requester(),
        purpose: Purpose::Investigation,
        case: Some("case-7".into()),
        agreement: "agreement-1".into(),
        agreement_version: 3,
        record_type: "portcullis.record.v1.Declaration".into(),
        schema_hash: Digest::of(b"schema"),
        query_digest: Digest::of(b"query"),
        filter_paths: vec!["importer.name.original".to_owned()],
        justification: "tip about a shipment".to_owned(),
        sources: vec!["licensing-b".into(), "coastguard-c".into()],
        policy_hash: Digest::of(b"policy"),
        config_hash: Digest::of(b"config"),
        decided_at: NOON,
        valid_until: None,
        idempotency_key: None,
    }
}

fn record(originator: &str, id: &str) -> DisclosedRecord {
    DisclosedRecord {
        originator: originator.into(),
        opaque_id: Bytes::copy_from_slice(id.as_bytes()),
        content: Digest::of(id.as_bytes()),
        plan: Digest::of(b"plan"),
    }
}

fn disclosure(records: Vec<DisclosedRecord>) -> Disclosure {
    Disclosure { at: NOON, records }
}

fn outcome() -> Outcome {
    Outcome {
        at: NOON,
        ending: Ending::Complete,
        reason: String::new(),
        sources: vec![SourceOutcome {
            agency: "licensing-b".into(),
            completeness: "COMPLETE".to_owned(),
            reason: String::new(),
            released: 2,
            refused: vec![("INVALID_UTF8".to_owned(), 1)],
        }],
    }
}

fn denial() -> Denial {
    Denial {
        exchange: ExchangeId::begin(NOON).unwrap(),
        at: NOON,
        requester: requester(),
        reason: "PURPOSE_NOT_PERMITTED".to_owned(),
        rules: vec!["base:purpose".into()],
        query_digest: Some(Digest::of(b"query")),
        policy_hash: Digest::of(b"policy"),
    }
}

/// Something disclosed; what it is does not matter here.
fn nothing() -> Disclosed<Vec<ReleasedRecord>> {
    Batch::default().finish()
}

fn charge(key: &str, limit: u64, amount: u64) -> Charge {
    let window_end = Moment(NOON.0 + 3_600_000);
    Charge { key: key.to_owned(), window_start: NOON, window_end, limit, amount }
}

fn charging(charges: Vec<Charge>) -> Effects {
    Effects { charges, ..Effects::default() }
}

/// One exchange with two disclosures and an outcome.
async fn exchange(audit: &Audit) -> DurableIntent {
    let mut durable = audit.intend(intent(), Effects::default()).await.unwrap();
    for batch in ["one", "two"] {
        let records = vec![record("licensing-b", batch), record("coastguard-c", batch)];
        audit.seal(&mut durable, nothing(), disclosure(records), Effects::default()).await.unwrap();
    }
    audit.conclude(&durable, outcome()).await;
    durable
}
