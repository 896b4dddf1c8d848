//! What handshakes tell the metrics. Reasons are a closed set of words, so they are safe as labels.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Told about every handshake and every RPC refused for its peer's identity; telemetry implements it.
pub trait HandshakeMetrics: Send + Sync + 'static {
    /// A connection stands and its peer is named.
    fn accepted(&self) {}
    /// A connection was refused, or stands with a refused name, or one of its RPCs was refused.
    fn refused(&self, reason: &'static str);
}

/// Counts in memory.
#[derive(Debug, Default)]
pub struct HandshakeCounters {
    counts: Mutex<BTreeMap<&'static str, u64>>,
}

impl HandshakeCounters {
    /// The word under which accepted connections are counted.
    pub const ACCEPTED: &'static str = "ACCEPTED";

    /// How often a reason was given.
    pub fn count(&self, reason: &str) -> u64 {
        self.lock().get(reason).copied().unwrap_or(0)
    }

    /// All counts.
    pub fn snapshot(&self) -> BTreeMap<&'static str, u64> {
        self.lock().clone()
    }

    fn add(&self, reason: &'static str) {
        let mut counts = self.lock();
        let count = counts.entry(reason).or_default();
        *count = count.saturating_add(1);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<&'static str, u64>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl HandshakeMetrics for HandshakeCounters {
    fn accepted(&self) {
        self.add(Self::ACCEPTED);
    }

    fn refused(&self, reason: &'static str) {
        self.add(reason);
    }
}
