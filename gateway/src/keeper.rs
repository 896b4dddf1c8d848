//! The policy in force, and the one way to change it: whoever changes something that policy is compiled from
//! takes a [`Draft`], compiles it off the threads that answer, makes the change durable, and only then puts it in
//! force. One draft at a time, so that no change is lost to another's.

use std::sync::Arc;

use arc_swap::ArcSwap;
use portcullis_core::policy::{Inputs, LoadError, Snapshot};
use tokio::sync::{Mutex, MutexGuard, watch};

/// Keeps the inputs of policy and what they were compiled to.
pub struct Keeper {
    inputs: Mutex<Inputs>,
    in_force: Arc<ArcSwap<Snapshot>>,
    changed: watch::Sender<u64>,
}

impl Keeper {
    /// Compiles the first snapshot.
    ///
    /// # Errors
    /// Everything that is wrong with policy and agreements.
    pub async fn start(inputs: Inputs) -> Result<Self, Vec<LoadError>> {
        let policy = compile(inputs.clone(), None).await?;
        Ok(Self {
            inputs: Mutex::new(inputs),
            in_force: Arc::new(ArcSwap::new(policy)),
            changed: watch::Sender::new(0),
        })
    }

    /// The policy in force; what it points to is swapped whole.
    pub fn in_force(&self) -> Arc<ArcSwap<Snapshot>> {
        self.in_force.clone()
    }

    /// Wakes whoever waits when another policy is in force.
    pub fn changed(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Begins a change; the next one waits until this is dropped.
    pub async fn begin(&self) -> Draft<'_> {
        let before = self.inputs.lock().await;
        let inputs = before.clone();
        Draft { keeper: self, before, inputs }
    }
}

/// A change under way. Dropped, it changes nothing.
pub struct Draft<'a> {
    keeper: &'a Keeper,
    before: MutexGuard<'a, Inputs>,
    /// What policy is to be compiled from.
    pub inputs: Inputs,
}

impl Draft<'_> {
    /// What the draft comes to. Agreements that it leaves as they were are taken over, their plans too.
    ///
    /// # Errors
    /// Everything that is wrong with policy and agreements.
    pub async fn compile(&self) -> Result<Arc<Snapshot>, Vec<LoadError>> {
        compile(self.inputs.clone(), Some(self.keeper.in_force.load_full())).await
    }

    /// Ends the change: what was compiled is in force; none: the change touches no decision.
    pub fn put_in_force(mut self, policy: Option<Arc<Snapshot>>) {
        *self.before = self.inputs;
        if let Some(policy) = policy {
            self.keeper.in_force.store(policy);
            self.keeper.changed.send_modify(|count| *count += 1);
        }
    }
}

async fn compile(
    inputs: Inputs,
    before: Option<Arc<Snapshot>>,
) -> Result<Arc<Snapshot>, Vec<LoadError>> {
    let compiled = tokio::task::spawn_blocking(move || Snapshot::build(inputs, before.as_deref()));
    // Broken off: nothing is said to be wrong, and nothing comes into force.
    compiled.await.unwrap_or_else(|_| Err(vec![]))
}
