//! The tree in memory: its frontier, every complete subtree of 256 leaves and more (a quarter of a megabyte
//! for a million entries), and the leaf hashes of the newest stretches. Proofs about older stretches read
//! 256 leaves from the store.

use std::collections::{BTreeMap, HashMap};

use portcullis_core::id::Digest;

use super::tree::{Frontier, Nodes, node_hash};
use crate::store::NodeRow;

/// Height of the lowest subtree that is kept.
pub(crate) const GROUP_LEVEL: u32 = 8;
/// Leaves of such a subtree.
pub(crate) const GROUP: u64 = 1 << GROUP_LEVEL;
/// Newest stretches whose leaf hashes are kept.
const RECENT: usize = 32;

#[derive(Debug, Clone, Default)]
pub(crate) struct Forest {
    frontier: Frontier,
    /// By level above `GROUP_LEVEL`, then by position.
    upper: Vec<Vec<Digest>>,
    groups: BTreeMap<u64, Vec<Digest>>,
}

/// What an append would make of a forest.
pub(crate) struct Growth {
    pub frontier: Frontier,
    pub nodes: Vec<NodeRow>,
}

impl Forest {
    pub fn frontier(&self) -> &Frontier {
        &self.frontier
    }

    pub fn size(&self) -> u64 {
        self.frontier.size()
    }

    /// The root of an earlier size, if the leaves needed for it are at hand.
    pub fn root_at(&self, size: u64, groups: &HashMap<u64, Vec<Digest>>) -> Option<Digest> {
        super::tree::root(&View { forest: self, groups }, size)
    }

    /// Works out an append without doing it.
    pub fn grow(&self, leaves: &[Digest]) -> Growth {
        let (mut frontier, mut nodes) = (self.frontier.clone(), Vec::new());
        for leaf in leaves {
            frontier.push(*leaf, |level, position, hash| {
                if level >= GROUP_LEVEL {
                    nodes.push(NodeRow { level, position, hash });
                }
            });
        }
        Growth { frontier, nodes }
    }

    /// Does an append.
    pub fn apply(&mut self, growth: Growth, leaves: &[Digest]) {
        for (index, leaf) in (self.size()..).zip(leaves) {
            self.groups.entry(index / GROUP).or_default().push(*leaf);
        }
        while self.groups.len() > RECENT {
            self.groups.pop_first();
        }
        for node in growth.nodes {
            let level = usize::try_from(node.level - GROUP_LEVEL).unwrap_or(usize::MAX);
            if self.upper.len() <= level {
                self.upper.resize_with(level + 1, Vec::new);
            }
            if let Some(level) = self.upper.get_mut(level) {
                level.push(node.hash);
            }
        }
        self.frontier = growth.frontier;
    }

    /// Appends a complete stretch whose leaves are not at hand. Only for an empty tree or one that was made
    /// of such stretches alone; whoever calls this compares the root with a signed one.
    pub fn adopt(&mut self, group: Digest) {
        let position = self.size() / GROUP;
        let mut nodes = Vec::new();
        self.frontier.push_subtree(GROUP_LEVEL, position, group, |level, position, hash| {
            nodes.push(NodeRow { level, position, hash });
        });
        let frontier = self.frontier.clone();
        self.apply(Growth { frontier, nodes }, &[]);
    }

    /// Stored subtrees as they should be, by level and position.
    pub fn nodes(&self) -> impl Iterator<Item = NodeRow> {
        (GROUP_LEVEL..).zip(&self.upper).flat_map(|(level, nodes)| {
            (0..).zip(nodes).map(move |(position, hash)| NodeRow { level, position, hash: *hash })
        })
    }

    /// The hash of a complete stretch of 256 leaves.
    pub fn group_root(&self, group: u64) -> Option<Digest> {
        self.upper.first()?.get(usize::try_from(group).ok()?).copied()
    }

    /// Is this stretch's list of leaf hashes at hand and whole?
    pub fn has_group(&self, group: u64) -> bool {
        let wanted = (self.size() - (group * GROUP).min(self.size())).min(GROUP);
        self.groups.get(&group).is_some_and(|leaves| leaves.len() as u64 == wanted)
    }
}

/// Hash over a power of two of leaves.
pub(crate) fn fold(leaves: &[Digest]) -> Option<Digest> {
    match leaves {
        [] => None,
        [leaf] => Some(*leaf),
        _ => {
            let (left, right) = leaves.split_at_checked(leaves.len() / 2)?;
            Some(node_hash(&fold(left)?, &fold(right)?))
        }
    }
}

/// A forest with stretches that were read for a proof.
pub(crate) struct View<'a> {
    pub forest: &'a Forest,
    pub groups: &'a HashMap<u64, Vec<Digest>>,
}

impl Nodes for View<'_> {
    fn node(&self, level: u32, position: u64) -> Option<Digest> {
        if level >= GROUP_LEVEL {
            let level = usize::try_from(level - GROUP_LEVEL).ok()?;
            return self.forest.upper.get(level)?.get(usize::try_from(position).ok()?).copied();
        }
        let first = position << level;
        let group = first / GROUP;
        let leaves = self.groups.get(&group).or_else(|| self.forest.groups.get(&group))?;
        let start = usize::try_from(first % GROUP).ok()?;
        fold(leaves.get(start..start + (1 << level))?)
    }
}
