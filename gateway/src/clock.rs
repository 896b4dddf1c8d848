//! The only place that reads the clock. Everything else is handed one, so that tests can turn it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use portcullis_core::id::Moment;

/// Tells the time of day. Deadlines use tokio's monotonic clock instead.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System,
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands still until it is set; clones share it.
    pub fn manual(at: Moment) -> Self {
        Self(Source::Manual(Arc::new(AtomicI64::new(at.0))))
    }

    /// Now.
    #[expect(clippy::disallowed_methods, reason = "the one place that asks the machine")]
    pub fn now(&self) -> Moment {
        match &self.0 {
            Source::System => {
                let since = std::time::SystemTime::now()
                    .duration_since(std::time::UNIX_EPOCH)
                    .unwrap_or_default();
                Moment(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
            }
            Source::Manual(at) => Moment(at.load(Ordering::SeqCst)),
        }
    }

    /// Sets a manual clock; a system clock stays as it is.
    pub fn set(&self, at: Moment) {
        if let Source::Manual(shared) = &self.0 {
            shared.store(at.0, Ordering::SeqCst);
        }
    }
}
