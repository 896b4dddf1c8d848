//! The policies that can apply to one requester, agreement and record type: the prohibitions and that agreement's
//! permits; and of these, cut once more and kept, those that can apply to an action. Cedar looks at every policy it is
//! given, and most of them are about something else.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use cedar_policy::{ActionConstraint, EntityUid, Policy, PolicySet};

use super::cedar::Action;

/// A slice of a snapshot's policies.
#[derive(Default)]
pub(super) struct Slice {
    whole: PolicySet,
    by_action: Mutex<HashMap<Action, Arc<PolicySet>>>,
}

impl Slice {
    /// Of these policies.
    pub(super) fn new(whole: PolicySet) -> Self {
        Self { whole, by_action: Mutex::default() }
    }

    /// All of it.
    #[cfg(test)]
    pub(super) fn policies(&self) -> impl Iterator<Item = &Policy> {
        self.whole.policies()
    }

    /// What can apply to an action. Where it cannot be cut (no policy can be added twice, so that is a mistake of
    /// ours), all of it.
    pub(super) fn about(&self, action: Action) -> Arc<PolicySet> {
        let mut known = self.by_action.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(set) = known.get(&action) {
            return set.clone();
        }
        let mut set = PolicySet::new();
        let own = self.whole.policies().filter(|policy| may_apply(policy, action));
        let cut = own.cloned().all(|policy| set.add(policy).is_ok());
        let set = Arc::new(if cut { set } else { self.whole.clone() });
        known.insert(action, set.clone());
        set
    }
}

/// Can a policy apply to an action, by its scope? What is named and is no action of the schema's leaves is a group,
/// and may hold any.
fn may_apply(policy: &Policy, action: Action) -> bool {
    let concerns = |uid: &EntityUid| {
        let name: &str = uid.id().unescaped();
        name == action.name() || !Action::every().iter().any(|other| other.name() == name)
    };
    match policy.action_constraint() {
        ActionConstraint::Any => true,
        ActionConstraint::Eq(uid) => concerns(&uid),
        ActionConstraint::In(uids) => uids.iter().any(concerns),
    }
}
