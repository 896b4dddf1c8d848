//! The use case, readable top to bottom: decide, log the intent, fetch, redact, log the disclosure, reply.
//! The types make another order impossible: a fetch takes a `Permit` and a `DurableIntent`, a disclosure
//! takes what came out of the redactor, a reply takes only `Sealed` batches.

mod ask;
mod budget;
mod explain;
mod fetch;
mod query;
mod recipients;
mod refer;
mod release;
mod reply;
mod resume;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use arc_swap::ArcSwap;
use portcullis_core::handling::Environment;
use portcullis_core::id::{AgencyId, Digest};
use portcullis_core::policy::Snapshot;
use portcullis_core::redact::Redactor;
use tokio::sync::{Semaphore, mpsc};

pub use ask::{Ask, Wanted};
pub use explain::{Budget, Explanation};
pub use recipients::{AskRecipients, Named, RecipientsAnswer};
pub use refer::{Decided, Deciding};
pub use reply::{Completeness, Cut, Header, Receipt, Reply, SourceEnd};
pub use resume::ResumeSealer;

use crate::audit::Audit;
use crate::clock::Clock;
use crate::config::Limits;
use crate::keeper::Keeper;
use crate::officers::OfficerTokens;
use crate::pseudonyms::Pseudonyms;
use crate::releases::Releases;
use crate::source::SourceSet;
use crate::telemetry::Metrics;

/// Most compiled redactors kept; beyond it the cache starts anew.
const CACHE: usize = 4096;

/// Everything one query needs; one per gateway.
pub struct Broker {
    /// The policy in force; swapped whole, by the keeper alone.
    pub policy: Arc<ArcSwap<Snapshot>>,
    /// The one way to change it.
    pub keeper: Keeper,
    /// The disclosure log.
    pub audit: Audit,
    /// Agency systems.
    pub sources: SourceSet,
    /// Keys behind pseudonyms; swapped whole.
    pub pseudonyms: Arc<Pseudonyms>,
    /// Proves officers.
    pub officers: OfficerTokens,
    /// Release requests.
    pub releases: Arc<Releases>,
    /// Seals resume tokens.
    pub resume: ResumeSealer,
    /// Time of day.
    pub clock: Clock,
    /// Limits.
    pub limits: Limits,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// Exercise or production.
    pub environment: Environment,
    /// SHA-256 of the gateway's configuration.
    pub config_hash: Digest,
    /// Room for queries in progress.
    pub room: Arc<Semaphore>,
    /// Redactors by plan (a plan's hash covers the fields asked for).
    pub redactors: Mutex<HashMap<Digest, Arc<Redactor>>>,
}

/// An answer under way: the header is settled, the rest comes as it is released.
pub struct Answer {
    /// What the answer rests on.
    pub header: Header,
    /// What follows, ending in a receipt. Dropping it cancels the query.
    pub replies: mpsc::Receiver<Reply>,
}

impl Broker {
    /// The compiled redactor of a plan.
    fn redactor(&self, plan: &Arc<portcullis_core::redact::Plan>) -> Arc<Redactor> {
        let mut cache = self.redactors.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(redactor) = cache.get(&plan.hash()) {
            return redactor.clone();
        }
        if cache.len() >= CACHE {
            cache.clear();
        }
        let redactor = Arc::new(Redactor::compile(plan.clone()));
        cache.insert(plan.hash(), redactor.clone());
        redactor
    }

    /// Can the gateway decide, log and reach its store?
    pub fn ready(&self) -> bool {
        self.audit.healthy()
    }

    /// Counts a source's end.
    fn count_source(&self, agency: &AgencyId, word: &str) {
        let label =
            crate::telemetry::SourceWord { agency: agency.to_string(), reason: word.to_owned() };
        self.metrics.sources.get_or_create(&label).inc();
    }

    /// Counts records dropped for being malformed or contradictory.
    fn count_refused(&self, cause: &str, count: u64) {
        let label = crate::telemetry::Word { reason: cause.to_owned() };
        self.metrics.records_refused.get_or_create(&label).inc_by(count);
    }
}
