//! Random exchanges for the laws of policy: agencies, cases, agreements with flows and ladders, prohibitions
//! of the gateway's own, and questions about them. An exchange prints as the files that a gateway would load.

mod change;
mod draw;
mod question;
mod run;
mod shuffle;
mod text;
mod tidy;

use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use portcullis_core::id::{AgencyId, CaseId, Moment};
use portcullis_core::label::{Category, RecordType, Semantic, Sensitivity};
use portcullis_core::policy::{
    Agency, AgreementFile, Case, LoadError, PolicyFile, Purpose, Registry, Snapshot,
};
use portcullis_core::redact::Treatment;

pub use change::{ends, fewer_duties, leaves, less_rung, lower_cap, permit_less, stricter};
pub use draw::{Questions, Rules, exchange, forbid, handling, questions};
pub use question::{Answer, Question, ask, rises};
pub use run::hold;
pub use shuffle::{Names, Shuffle};

/// The moment of every question: 2026-06-01T00:00:00Z.
pub const NOW: Moment = Moment::from_seconds(1_780_272_000);
/// Milliseconds of a day.
pub const DAY: i64 = 86_400_000;
/// A place that is drawn before it is known among how many.
pub type Spot = proptest::sample::Index;

/// Agencies of every exchange.
pub const AGENCIES: [&str; 4] = ["alpha", "bravo", "carol", "delta"];
/// Cases of every exchange.
pub const CASES: [&str; 3] = ["CASE-1", "CASE-2", "OP-3"];
/// Record types of every exchange.
pub const TYPES: [&str; 2] = ["exchange.v1.Consignment", "exchange.v1.Person"];
/// Purposes that agreements and questions speak of.
pub const PURPOSES: [Purpose; 4] = [
    Purpose::Investigation,
    Purpose::ShipmentTargeting,
    Purpose::LicenceVerification,
    Purpose::Interdiction,
];

static RECORD_TYPES: LazyLock<Vec<Arc<RecordType>>> = LazyLock::new(|| {
    let root = env!("CARGO_MANIFEST_DIR");
    let includes = [format!("{root}/src/exchange"), format!("{root}/../../proto")];
    let mut compiler = protox::Compiler::new(includes).unwrap();
    compiler.include_imports(true).open_file("exchange.proto").unwrap();
    let set: Bytes = compiler.encode_file_descriptor_set().into();
    TYPES.iter().map(|name| Arc::new(RecordType::register(&set, name).unwrap())).collect()
});

/// The record types.
pub fn record_types() -> &'static [Arc<RecordType>] {
    &RECORD_TYPES
}

/// A moment some days from [`NOW`].
pub fn days(days: i64) -> Moment {
    Moment(NOW.0 + days * DAY)
}

/// Everything that a decision rests on.
#[derive(Clone, PartialEq, Eq)]
pub struct Exchange {
    /// Agencies and cases.
    pub registry: Registry,
    /// Agreements; those that say nothing are left out.
    pub agreements: Vec<Agreement>,
    /// The gateway's own prohibitions.
    pub forbids: Vec<Forbid>,
}

/// An agreement, to be written as TOML.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agreement {
    /// Its id.
    pub id: String,
    /// In force from then.
    pub from: Moment,
    /// And no longer from then.
    pub until: Moment,
    /// Flows.
    pub flows: Vec<Flow>,
}

/// A flow of an agreement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flow {
    /// Which one it was before anything was shuffled or left out.
    pub tag: usize,
    /// Whose records.
    pub from: &'static str,
    /// Who may ask.
    pub to: Vec<&'static str>,
    /// For which record types.
    pub types: Vec<&'static str>,
    /// For which purposes.
    pub purposes: Vec<Purpose>,
    /// Only within a case.
    pub case_required: bool,
    /// Only within these; empty: any.
    pub cases: Vec<&'static str>,
    /// Only for a proven officer.
    pub officer_required: bool,
    /// What the answer may be used for.
    pub permitted_use: Vec<Purpose>,
    /// When the answer is deleted.
    pub delete_after_days: u32,
    /// May the originator be asked for more?
    pub release: bool,
    /// Limit of every kind.
    pub budget: u64,
    /// Distinct subjects a day, by these fields; none: not counted.
    pub subjects: Option<(u64, Vec<String>)>,
    /// Queries for a case's whole life; none, or where no case is needed: not counted.
    pub per_case: Option<u64>,
    /// Queries and records of an officer a day; none: not counted.
    pub per_officer: Option<u64>,
    /// Fields that may be matched.
    pub matchable: Vec<String>,
    /// Ladders.
    pub ladders: Vec<Ladder>,
}

/// A ladder of a flow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ladder {
    /// Which one it was before anything was shuffled or left out.
    pub tag: usize,
    /// For which fields.
    pub selector: Selector,
    /// For which purposes; none: all of the flow.
    pub purposes: Option<Vec<Purpose>>,
    /// Rungs, without the last one, `withhold`.
    pub rungs: Vec<Treatment>,
    /// So many of them, the first ones, are for proven officers alone.
    pub officer_rungs: usize,
}

/// Which fields a ladder is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selector {
    /// By path.
    Fields(Vec<String>),
    /// By what the value is.
    Semantic(Semantic),
    /// By category, up to a sensitivity.
    Category(Category, Option<Sensitivity>),
}

/// A prohibition: which actions, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forbid {
    /// The scope of its action, such as `action == Action::"clear"`.
    pub action: &'static str,
    /// Its condition.
    pub when: String,
}

impl Exchange {
    /// The agreements' files.
    pub fn files(&self) -> Vec<AgreementFile> {
        let file = |one: &Agreement| AgreementFile {
            name: format!("{}.toml", one.id),
            text: one.to_string(),
        };
        self.agreements.iter().map(file).collect()
    }

    /// The prohibitions' files, one each.
    pub fn policies(&self) -> Vec<PolicyFile> {
        let file = |(at, one): (usize, &Forbid)| PolicyFile {
            name: format!("local-{at}.cedar"),
            text: one.named(at),
        };
        self.forbids.iter().enumerate().map(file).collect()
    }

    /// The snapshot, or what is wrong with the files.
    pub fn try_load(&self) -> Result<Arc<Snapshot>, Vec<LoadError>> {
        let types = record_types().to_vec();
        Snapshot::load(self.registry.clone(), types, &self.files(), &self.policies())
    }

    /// The snapshot. Exchanges are tidied, so a file that does not load is a defect of these tests.
    pub fn load(&self) -> Arc<Snapshot> {
        match self.try_load() {
            Ok(snapshot) => snapshot,
            Err(errors) => {
                let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
                panic!("the exchange does not load: {}\n{self:?}", errors.join("\n"))
            }
        }
    }

    /// Flows of all agreements with their agreement.
    pub fn flows(&self) -> Vec<(&Agreement, &Flow)> {
        self.agreements
            .iter()
            .flat_map(|one| one.flows.iter().map(move |flow| (one, flow)))
            .collect()
    }

    /// An agency.
    pub fn agency_mut(&mut self, id: &str) -> &mut Agency {
        self.registry.agencies.iter_mut().find(|agency| agency.id.as_str() == id).unwrap()
    }

    /// Cases that an agency may name now.
    pub fn open_cases(&self, agency: &AgencyId) -> Vec<CaseId> {
        let open = |case: &&Case| case.open_to(agency, NOW);
        self.registry.cases.iter().filter(open).map(|case| case.id.clone()).collect()
    }
}
