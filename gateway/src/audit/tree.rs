//! The Merkle tree of RFC 6962, section 2.1: leaf hashes, growth, inclusion and consistency proofs, and their
//! verification. Pure arithmetic over hashes; what is kept where is `forest.rs`' business.

use aws_lc_rs::digest::{Context, SHA256};
use portcullis_core::id::Digest;

/// SHA-256 over a zero byte and the leaf's stored bytes.
pub fn leaf_hash(leaf: &[u8]) -> Digest {
    hash(&[&[0], leaf])
}

/// SHA-256 over a one byte and the two subtrees' hashes.
pub fn node_hash(left: &Digest, right: &Digest) -> Digest {
    hash(&[&[1], &left.0, &right.0])
}

/// Root of the empty tree.
pub fn empty_root() -> Digest {
    hash(&[])
}

fn hash(parts: &[&[u8]]) -> Digest {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(part);
    }
    let mut out = [0; 32];
    out.copy_from_slice(context.finish().as_ref());
    Digest(out)
}

/// The complete subtrees that make up a tree, largest first: all one needs to append and to know the root.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Frontier {
    size: u64,
    peaks: Vec<Digest>,
}

impl Frontier {
    /// From its size and peaks, as stored; none if they do not fit together.
    pub fn from_parts(size: u64, peaks: Vec<Digest>) -> Option<Self> {
        (usize::try_from(size.count_ones()).ok()? == peaks.len()).then_some(Self { size, peaks })
    }

    /// Leaves so far.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Hashes of the complete subtrees, largest first.
    pub fn peaks(&self) -> &[Digest] {
        &self.peaks
    }

    /// Appends a leaf; tells of every subtree that it completes, the leaf itself (level 0) included.
    pub fn push(&mut self, leaf: Digest, completed: impl FnMut(u32, u64, Digest)) {
        self.push_subtree(0, self.size, leaf, completed);
    }

    /// Appends a complete subtree. INVARIANT: the size so far is `position` subtrees of that level.
    pub(super) fn push_subtree(
        &mut self,
        level: u32,
        position: u64,
        hash: Digest,
        mut completed: impl FnMut(u32, u64, Digest),
    ) {
        self.size += 1 << level;
        let (mut level, mut position, mut node) = (level, position, hash);
        completed(level, position, node);
        while position & 1 == 1 {
            let Some(left) = self.peaks.pop() else { break };
            node = node_hash(&left, &node);
            level += 1;
            position >>= 1;
            completed(level, position, node);
        }
        self.peaks.push(node);
    }

    /// Root of the tree.
    pub fn root(&self) -> Digest {
        let mut peaks = self.peaks.iter().rev();
        let Some(smallest) = peaks.next() else { return empty_root() };
        peaks.fold(*smallest, |right, left| node_hash(left, &right))
    }
}

/// Where hashes of complete subtrees come from: `level` 0 are leaves, `position` counts subtrees of a level.
pub trait Nodes {
    /// The hash, if it is at hand.
    fn node(&self, level: u32, position: u64) -> Option<Digest>;
}

/// Root of the first `size` leaves.
pub fn root(nodes: &impl Nodes, size: u64) -> Option<Digest> {
    if size == 0 { Some(empty_root()) } else { subtree(nodes, 0, size) }
}

/// RFC 6962, 2.1.1: the path that proves leaf `index` in a tree of `size`, from the leaf upwards.
pub fn inclusion(nodes: &impl Nodes, index: u64, size: u64) -> Option<Vec<Digest>> {
    if index >= size {
        return None;
    }
    let (mut low, mut high, mut path) = (0, size, Vec::new());
    while high - low > 1 {
        let middle = low + split(high - low);
        if index < middle {
            path.push(subtree(nodes, middle, high)?);
            high = middle;
        } else {
            path.push(subtree(nodes, low, middle)?);
            low = middle;
        }
    }
    path.reverse();
    Some(path)
}

/// RFC 6962, 2.1.2: proof that the tree of `new` leaves continues the tree of `old` ones.
pub fn consistency(nodes: &impl Nodes, old: u64, new: u64) -> Option<Vec<Digest>> {
    if old > new {
        return None;
    }
    if old == 0 || old == new {
        return Some(Vec::new());
    }
    let (mut low, mut high, mut path, mut whole) = (0, new, Vec::new(), true);
    while old != high {
        let middle = low + split(high - low);
        if old <= middle {
            path.push(subtree(nodes, middle, high)?);
            high = middle;
        } else {
            path.push(subtree(nodes, low, middle)?);
            low = middle;
            whole = false;
        }
    }
    if !whole {
        path.push(subtree(nodes, low, high)?);
    }
    path.reverse();
    Some(path)
}

/// Largest power of two below `count`, which is at least 2.
fn split(count: u64) -> u64 {
    1 << (63 - (count - 1).leading_zeros())
}

/// Hash over leaves `low..high`; `low` is a multiple of the next power of two, as in every subtree.
fn subtree(nodes: &impl Nodes, low: u64, high: u64) -> Option<Digest> {
    let count = high - low;
    if count.is_power_of_two() {
        let level = count.trailing_zeros();
        return nodes.node(level, low >> level);
    }
    let middle = low + split(count);
    Some(node_hash(&subtree(nodes, low, middle)?, &subtree(nodes, middle, high)?))
}

/// The root that an inclusion path leads to; none if the path has the wrong length.
pub fn root_of_inclusion(leaf: Digest, index: u64, size: u64, path: &[Digest]) -> Option<Digest> {
    if index >= size {
        return None;
    }
    let (mut at, mut last, mut node) = (index, size - 1, leaf);
    for step in path {
        if last == 0 {
            return None;
        }
        if at & 1 == 1 || at == last {
            node = node_hash(step, &node);
            while at & 1 == 0 && at != 0 {
                at >>= 1;
                last >>= 1;
            }
        } else {
            node = node_hash(&node, step);
        }
        at >>= 1;
        last >>= 1;
    }
    (last == 0).then_some(node)
}

/// Does the path prove that the tree (`new`, `new_root`) continues the tree (`old`, `old_root`)?
pub fn verify_consistency(
    old: u64,
    new: u64,
    old_root: &Digest,
    new_root: &Digest,
    path: &[Digest],
) -> bool {
    if old > new {
        return false;
    }
    if old == new {
        return path.is_empty() && old_root == new_root;
    }
    if old == 0 {
        return path.is_empty() && *old_root == empty_root();
    }
    let mut steps = path.iter();
    let first = if old.is_power_of_two() { Some(old_root) } else { steps.next() };
    let Some(first) = first else { return false };
    let (mut at, mut last) = (old - 1, new - 1);
    while at & 1 == 1 {
        at >>= 1;
        last >>= 1;
    }
    let (mut old_node, mut new_node) = (*first, *first);
    for step in steps {
        if last == 0 {
            return false;
        }
        if at & 1 == 1 || at == last {
            old_node = node_hash(step, &old_node);
            new_node = node_hash(step, &new_node);
            while at & 1 == 0 && at != 0 {
                at >>= 1;
                last >>= 1;
            }
        } else {
            new_node = node_hash(&new_node, step);
        }
        at >>= 1;
        last >>= 1;
    }
    last == 0 && old_node == *old_root && new_node == *new_root
}
