//! Keys in force. They are swapped whole: with a new set comes an empty cache, so that nothing derived from
//! a secret outlives it here. Answers under way keep writing in the epoch they began in (one value, one
//! token, all through an answer), with keys of that epoch alone, until it is destroyed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use arc_swap::ArcSwap;
use portcullis_core::redact::{PseudonymKeys, PseudonymScope, ScopeKey};
use tokio_util::sync::CancellationToken;

/// Most scope keys kept; beyond it a cache starts anew.
const CACHE: usize = 4096;

/// The keys of a gateway.
pub struct Pseudonyms {
    now: ArcSwap<Ring>,
    /// What answers may still be writing with.
    begun: Mutex<Vec<Weak<Sealing>>>,
    trouble: Mutex<Option<String>>,
}

/// One state of the file.
struct Ring {
    opening: Derived,
    sealing: Arc<Sealing>,
}

/// Secrets, and the scope keys derived from them so far; all of it is overwritten when dropped.
struct Derived {
    keys: PseudonymKeys,
    scopes: Mutex<HashMap<PseudonymScope, Arc<ScopeKey>>>,
}

impl Derived {
    fn new(keys: PseudonymKeys) -> Self {
        Self { keys, scopes: Mutex::default() }
    }

    fn scope(&self, scope: &PseudonymScope) -> Arc<ScopeKey> {
        let mut cache = lock(&self.scopes);
        if let Some(key) = cache.get(scope) {
            return key.clone();
        }
        if cache.len() >= CACHE {
            cache.clear();
        }
        let key = Arc::new(self.keys.scope_key(scope));
        cache.insert(scope.clone(), key.clone());
        key
    }
}

/// Writes tokens of one epoch.
pub struct Sealing {
    derived: ArcSwap<Option<Derived>>,
    destroyed: CancellationToken,
}

impl Sealing {
    fn new(keys: PseudonymKeys) -> Arc<Self> {
        Arc::new(Self {
            derived: ArcSwap::from_pointee(Some(Derived::new(keys))),
            destroyed: CancellationToken::new(),
        })
    }

    /// The key of a scope; none once the epoch is destroyed.
    pub fn scope(&self, scope: &PseudonymScope) -> Option<Arc<ScopeKey>> {
        self.derived.load().as_ref().as_ref().map(|derived| derived.scope(scope))
    }

    /// Has the epoch been destroyed?
    pub fn is_destroyed(&self) -> bool {
        self.destroyed.is_cancelled()
    }

    /// Returns when the epoch is destroyed.
    pub async fn destroyed(&self) {
        self.destroyed.cancelled().await;
    }

    /// Is it good with these keys? If not, it forgets its own.
    fn settle(&self, keys: &PseudonymKeys) {
        let kept = matches!(self.derived.load().as_ref(), Some(own) if keys.keep(&own.keys));
        if !kept {
            self.destroyed.cancel();
            self.derived.store(Arc::new(None));
        }
    }

    fn writes_as(&self, keys: &PseudonymKeys) -> bool {
        let same = |own: &Derived| own.keys.current() == keys.current() && keys.keep(&own.keys);
        self.derived.load().as_ref().as_ref().is_some_and(same)
    }
}

impl Pseudonyms {
    /// With these keys.
    pub fn new(keys: PseudonymKeys) -> Self {
        let sealing = Sealing::new(keys.only_current());
        Self {
            begun: Mutex::new(vec![Arc::downgrade(&sealing)]),
            now: ArcSwap::from_pointee(Ring { opening: Derived::new(keys), sealing }),
            trouble: Mutex::default(),
        }
    }

    /// The key that opens tokens of a scope, whatever epoch they are of. Use it at once and let it go.
    pub fn opening(&self, scope: &PseudonymScope) -> Arc<ScopeKey> {
        self.now.load().opening.scope(scope)
    }

    /// What an answer that begins now writes its tokens with.
    pub fn sealing(&self) -> Arc<Sealing> {
        self.now.load().sealing.clone()
    }

    /// The epoch of new tokens.
    pub fn current(&self) -> u16 {
        self.now.load().opening.keys.current()
    }

    /// Takes other keys. The old ones and everything derived from them are dropped, and thereby overwritten;
    /// answers that write in an epoch that is not among the new keys end.
    pub fn replace(&self, keys: PseudonymKeys) {
        let mut begun = lock(&self.begun);
        let old = self.sealing();
        let sealing = if old.writes_as(&keys) { old } else { Sealing::new(keys.only_current()) };
        begun.push(Arc::downgrade(&sealing));
        let ring = Arc::new(Ring { opening: Derived::new(keys), sealing });
        self.now.store(ring.clone());
        begun.retain(|sealing| {
            let sealing = sealing.upgrade();
            sealing.is_some_and(|sealing| {
                sealing.settle(&ring.opening.keys);
                !sealing.is_destroyed()
            })
        });
        begun.dedup_by(|one, two| one.ptr_eq(two));
    }

    /// Why the file as it stands is not in force; none: it is.
    pub fn trouble(&self) -> Option<String> {
        lock(&self.trouble).clone()
    }

    pub(super) fn set_trouble(&self, trouble: Option<String>) {
        *lock(&self.trouble) = trouble;
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
