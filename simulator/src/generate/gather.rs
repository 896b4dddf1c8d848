//! Rows between those who make them and the files: pieces of work come in any order and are gathered in theirs;
//! what is enough for a file is cut off. Cuts follow from the rows alone, so that files of the same part have
//! the same bytes for any number of threads.

use std::collections::{BTreeMap, VecDeque};

use super::{Columns, Format, Key, Layout, Truth};
use crate::table::{Out, Row, Table};

/// Rows of a piece of work, by file.
pub struct Rows<'f, F: Format> {
    format: &'f F,
    columns: Columns,
    flat: Vec<(u64, F::Block)>,
    /// By table and agency, where the layout parts agencies.
    parted: Vec<BTreeMap<String, (u64, F::Block)>>,
}

impl<'f, F: Format> Rows<'f, F> {
    /// None yet.
    pub fn new(format: &'f F, layout: Layout) -> Self {
        let columns = layout.columns();
        let (mut flat, mut parted) = (vec![], vec![]);
        for _ in Table::ALL {
            match layout {
                Layout::Flat => flat.push(<(u64, F::Block)>::default()),
                Layout::Hive => parted.push(BTreeMap::new()),
            }
        }
        Self { format, columns, flat, parted }
    }

    /// By file, in the order of the files.
    pub fn blocks(self) -> Vec<(Key, u64, F::Block)> {
        let flat = Table::ALL
            .iter()
            .zip(self.flat)
            .map(|(table, (rows, block))| (Key { table: *table, agency: None }, rows, block));
        let parted = Table::ALL.iter().zip(self.parted).flat_map(|(table, agencies)| {
            agencies.into_iter().map(|(agency, (rows, block))| {
                (Key { table: *table, agency: Some(agency) }, rows, block)
            })
        });
        flat.chain(parted).filter(|(_, rows, _)| *rows > 0).collect()
    }
}

impl<F: Format> Out for Rows<'_, F> {
    fn put<R: Row>(&mut self, row: &R) {
        let table = R::TABLE.index();
        let entry = match self.columns {
            Columns::All => self.flat.get_mut(table),
            Columns::WithoutAgency => self.parted.get_mut(table).and_then(|agencies| {
                // An entry by an owned key would cost a copy of the agency for each row.
                if !agencies.contains_key(row.agency()) {
                    agencies.insert(row.agency().to_owned(), Default::default());
                }
                agencies.get_mut(row.agency())
            }),
        };
        if let Some((rows, block)) = entry {
            *rows += 1;
            self.format.put(row, self.columns, block);
        }
    }
}

/// What a piece of work made.
pub struct Made<B> {
    /// Rows by file.
    pub blocks: Vec<(Key, u64, B)>,
    /// What is true of them.
    pub truth: Truth,
}

/// Rows that go to a file together.
pub struct Cut<B> {
    /// Which file.
    pub key: Key,
    /// Which cut of that file it is, from 0.
    pub turn: u64,
    /// Rows in it.
    pub rows: u64,
    /// They.
    pub blocks: Vec<B>,
}

struct Pending<B> {
    blocks: Vec<B>,
    rows: u64,
    size: usize,
    turn: u64,
}

/// What is gathered and not yet cut off, and cuts that nobody took yet.
pub struct Gather<B> {
    next: usize,
    waiting: BTreeMap<usize, Made<B>>,
    pending: BTreeMap<Key, Pending<B>>,
    held: usize,
    budget: usize,
    /// Cuts to be encoded, oldest first.
    pub queue: VecDeque<Cut<B>>,
}

impl<B> Gather<B> {
    /// Nothing yet. At most about `budget` bytes stay gathered: beyond, the largest are cut off early.
    pub fn new(budget: usize) -> Self {
        let (waiting, pending, queue) = (BTreeMap::new(), BTreeMap::new(), VecDeque::new());
        Self { next: 0, waiting, pending, held: 0, budget, queue }
    }

    /// How many pieces were gathered, in their order.
    pub fn gathered(&self) -> usize {
        self.next
    }

    /// Takes what piece number `at` made; `of` pieces there are. Truth comes out in order.
    pub fn take<F: Format<Block = B>>(
        &mut self,
        format: &F,
        at: usize,
        of: usize,
        made: Made<B>,
    ) -> Vec<Truth> {
        self.waiting.insert(at, made);
        let mut truths = vec![];
        while let Some(made) = self.waiting.remove(&self.next) {
            self.next += 1;
            truths.push(made.truth);
            for (key, rows, block) in made.blocks {
                self.add(format, key, rows, block);
            }
            while self.held > self.budget {
                let Some(key) = self.largest() else { break };
                self.cut(&key);
            }
        }
        if self.next == of {
            let left: Vec<Key> = self.pending.keys().cloned().collect();
            left.iter().for_each(|key| self.cut(key));
        }
        truths
    }

    fn add<F: Format<Block = B>>(&mut self, format: &F, key: Key, rows: u64, block: B) {
        let size = format.size(&block);
        self.held += size;
        let pending = self.pending.entry(key.clone()).or_insert_with(|| Pending {
            blocks: vec![],
            rows: 0,
            size: 0,
            turn: 0,
        });
        pending.blocks.push(block);
        pending.rows += rows;
        pending.size += size;
        if format.enough(pending.rows, pending.size) {
            self.cut(&key);
        }
    }

    /// The file with the most bytes gathered; of several the first.
    fn largest(&self) -> Option<Key> {
        let some = self.pending.iter().filter(|(_, pending)| pending.rows > 0);
        let most = some.rev().max_by_key(|(_, pending)| pending.size)?;
        Some(most.0.clone())
    }

    fn cut(&mut self, key: &Key) {
        let Some(pending) = self.pending.get_mut(key).filter(|pending| pending.rows > 0) else {
            return;
        };
        self.held -= std::mem::take(&mut pending.size);
        self.queue.push_back(Cut {
            key: key.clone(),
            turn: pending.turn,
            rows: std::mem::take(&mut pending.rows),
            blocks: std::mem::take(&mut pending.blocks),
        });
        pending.turn += 1;
    }
}
