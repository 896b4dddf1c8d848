//! How many transactions of each name there were, how they ended, and how long they took.

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use tokio::time::Instant;

/// Upper bounds of the duration buckets in seconds.
const BUCKETS: [f64; 11] =
    [0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5];

/// Name and outcome of a transaction.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    name: &'static str,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Name {
    name: &'static str,
}

/// Counts and durations of transactions, by name.
#[derive(Clone, Debug)]
pub struct TxMetrics {
    ended: Family<Labels, Counter>,
    seconds: Family<Name, Histogram>,
}

impl Default for TxMetrics {
    fn default() -> Self {
        Self {
            ended: Family::default(),
            seconds: Family::new_with_constructor(|| Histogram::new(BUCKETS)),
        }
    }
}

impl TxMetrics {
    /// Adds them to a registry.
    pub fn register(&self, registry: &mut Registry) {
        registry.register(
            "store_transactions",
            "Transactions by name and outcome",
            self.ended.clone(),
        );
        registry.register(
            "store_transaction_seconds",
            "Duration of committed transactions by name",
            self.seconds.clone(),
        );
    }

    /// How many transactions of a name were committed.
    pub fn committed(&self, name: &'static str) -> u64 {
        self.ended.get_or_create(&Labels { name, outcome: "committed" }).get()
    }

    pub(super) fn begin(self, name: &'static str) -> Timing {
        Timing { metrics: self, name, began: Instant::now(), committed: None }
    }
}

/// One transaction under way; dropped without a commit it counts as abandoned.
pub(super) struct Timing {
    metrics: TxMetrics,
    name: &'static str,
    began: Instant,
    committed: Option<Duration>,
}

impl Timing {
    pub fn committed(mut self) {
        self.committed = Some(self.began.elapsed());
    }
}

impl Drop for Timing {
    fn drop(&mut self) {
        let name = self.name;
        let outcome = match self.committed {
            Some(took) => {
                self.metrics.seconds.get_or_create(&Name { name }).observe(took.as_secs_f64());
                "committed"
            }
            None => "abandoned",
        };
        self.metrics.ended.get_or_create(&Labels { name, outcome }).inc();
    }
}
