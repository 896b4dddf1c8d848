//! Open connections, so that those of a revoked peer can be cut. tonic has no way to close one peer's
//! connections; the I/O wrapper has, and listens to a flag kept here.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::task::AtomicWaker;
use portcullis_core::id::Moment;

use super::peer::{PeerInfo, check_peer};
use super::trust::TrustStore;

/// All connections of one or several listeners; clones share it.
#[derive(Clone, Default)]
pub struct ConnectionRegistry(Arc<Shared>);

#[derive(Default)]
struct Shared {
    next: AtomicU64,
    open: Mutex<HashMap<u64, Entry>>,
}

struct Entry {
    info: PeerInfo,
    cut: Arc<Cut>,
}

/// The flag that ends one connection.
#[derive(Default)]
pub(crate) struct Cut {
    set: AtomicBool,
    waker: AtomicWaker,
}

/// Keeps a connection registered while it lives.
pub(crate) struct Registration {
    id: u64,
    registry: ConnectionRegistry,
    pub(crate) cut: Arc<Cut>,
}

impl ConnectionRegistry {
    /// How many connections are open.
    pub fn open(&self) -> usize {
        self.lock().len()
    }

    /// Cuts every connection whose peer the predicate picks; returns how many. Streams in flight end with
    /// a transport error at the peer.
    pub fn cut(&self, mut pick: impl FnMut(&PeerInfo) -> bool) -> usize {
        let mut count = 0;
        for entry in self.lock().values() {
            if pick(&entry.info) {
                entry.cut.fire();
                count += 1;
            }
        }
        count
    }

    /// Cuts every connection whose peer is no longer accepted now: after a swap of the trust store, and
    /// on a timer for dates. Peers whose name is refused stay, to be told so on their next RPC, unless
    /// they once were accepted.
    pub fn cut_refused(&self, trust: &TrustStore, now: Moment) -> usize {
        let snapshot = trust.snapshot();
        self.cut(|info| info.peer.is_ok() && check_peer(&snapshot, info, now).is_err())
    }

    pub(crate) fn register(&self, info: &PeerInfo) -> Registration {
        let id = self.0.next.fetch_add(1, Ordering::Relaxed);
        let cut = Arc::new(Cut::default());
        self.lock().insert(id, Entry { info: info.clone(), cut: Arc::clone(&cut) });
        Registration { id, registry: self.clone(), cut }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Entry>> {
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Cut {
    fn fire(&self) {
        self.set.store(true, Ordering::SeqCst);
        self.waker.wake();
    }

    /// Whether the connection is to end; otherwise wakes this task when it is.
    pub(crate) fn poll(&self, cx: &std::task::Context<'_>) -> bool {
        if self.is_set() {
            return true;
        }
        self.waker.register(cx.waker());
        self.is_set()
    }

    pub(crate) fn is_set(&self) -> bool {
        self.set.load(Ordering::SeqCst)
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.registry.lock().remove(&self.id);
    }
}
