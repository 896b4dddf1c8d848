//! The files of a run: each takes its cuts in their order, whoever brings them.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::gather::Cut;
use super::manifest::Entry;
use super::output::Written;
use super::run::{GenerateError, Job};
use super::{Columns, Format, Key, Layout, Output, Truth};
use crate::table::Table;

type Slots<F> = HashMap<Key, Arc<Mutex<Slot<F>>>>;

/// Files by what they hold.
pub struct Files<F: Format> {
    columns: Columns,
    folder: std::path::PathBuf,
    name: String,
    slots: Mutex<Slots<F>>,
    parked: AtomicUsize,
}

/// A file, and encoded cuts that came before their turn.
struct Slot<F: Format> {
    file: F::File,
    turn: u64,
    rows: u64,
    early: BTreeMap<u64, (u64, F::Encoded)>,
}

fn failed(path: &Path) -> impl Fn(io::Error) -> GenerateError + '_ {
    move |cause| GenerateError::Write { path: path.to_owned(), cause }
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Where the file of a part lies, from the folder of the world.
fn place(key: &Key, name: &str, extension: &str) -> String {
    let table = key.table.name();
    match &key.agency {
        None => format!("{table}/{name}.{extension}"),
        Some(agency) => format!("records/table={table}/agency={agency}/{name}.{extension}"),
    }
}

fn output(path: &Path) -> Result<Output, GenerateError> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(failed(folder))?;
    }
    Ok(Output::new(path.to_owned()))
}

impl<F: Format> Files<F> {
    /// None yet; where each table has one file, that file, so that a table without rows has one too.
    pub fn begin(format: &F, job: Job<'_>) -> Result<Self, GenerateError> {
        let files = Self {
            columns: job.layout.columns(),
            folder: job.out.to_owned(),
            name: job.part.name(),
            slots: Mutex::default(),
            parked: AtomicUsize::new(0),
        };
        if job.layout == Layout::Flat {
            for table in Table::ALL {
                files.slot(format, &Key { table: *table, agency: None })?;
            }
        }
        Ok(files)
    }

    /// How many cuts wait for their turn.
    pub fn parked(&self) -> usize {
        self.parked.load(Ordering::Relaxed)
    }

    fn slot(&self, format: &F, key: &Key) -> Result<Arc<Mutex<Slot<F>>>, GenerateError> {
        let mut slots = held(&self.slots);
        if let Some(slot) = slots.get(key) {
            return Ok(slot.clone());
        }
        let path = self.folder.join(place(key, &self.name, format.extension()));
        let file = format.begin(key.table, self.columns, output(&path)?).map_err(failed(&path))?;
        let slot = Slot { file, turn: 0, rows: 0, early: BTreeMap::new() };
        let slot = Arc::new(Mutex::new(slot));
        slots.insert(key.clone(), slot.clone());
        Ok(slot)
    }

    /// Encodes a cut and appends it, or leaves it for who brings the one before.
    pub fn put(&self, format: &F, cut: Cut<F::Block>) -> Result<(), GenerateError> {
        let slot = self.slot(format, &cut.key)?;
        let path = || self.folder.join(place(&cut.key, &self.name, format.extension()));
        let encoded = format
            .encode(cut.key.table, self.columns, cut.blocks)
            .map_err(|cause| GenerateError::Write { path: path(), cause })?;
        let mut slot = held(&slot);
        slot.early.insert(cut.turn, (cut.rows, encoded));
        self.parked.fetch_add(1, Ordering::Relaxed);
        let mut turn = slot.turn;
        while let Some((rows, encoded)) = slot.early.remove(&turn) {
            self.parked.fetch_sub(1, Ordering::Relaxed);
            turn += 1;
            slot.turn = turn;
            slot.rows += rows;
            format
                .append(&mut slot.file, encoded)
                .map_err(|cause| GenerateError::Write { path: path(), cause })?;
        }
        Ok(())
    }

    /// Files get their names when they are whole.
    pub fn finish(self, format: &F, job: Job<'_>) -> Result<Vec<Entry>, GenerateError> {
        let slots = self.slots.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut entries = vec![];
        for (key, slot) in slots {
            let place = place(&key, &self.name, format.extension());
            let path = self.folder.join(&place);
            // All who had a share of it have ended.
            let slot = Arc::into_inner(slot).ok_or(GenerateError::Worker)?;
            let slot = slot.into_inner().unwrap_or_else(PoisonError::into_inner);
            let output = format.finish(slot.file).map_err(failed(&path))?;
            let Written { bytes, sha256 } = output.done().map_err(failed(&path))?;
            let (table, agency) = (key.table.name().to_owned(), key.agency);
            let (part, rows) = (job.part.index, slot.rows);
            entries.push(Entry { path: place, table, agency, part, rows, bytes, sha256 });
        }
        Ok(entries)
    }
}

/// The files of the truth.
pub struct TruthFiles(Vec<(&'static str, u64, Output)>);

impl TruthFiles {
    /// Begins them.
    pub fn begin(job: Job<'_>, dirty: bool) -> Result<Self, GenerateError> {
        let file = |kind: &'static str, header: &str| {
            let path = job.out.join(truth_place(kind, &job.part.name()));
            let mut file = output(&path)?;
            file.write_all(header.as_bytes()).and_then(|()| file.flush()).map_err(failed(&path))?;
            Ok::<_, GenerateError>((kind, 0, file))
        };
        let mut files = vec![
            file("cases", Truth::CASES)?,
            file("traces", Truth::TRACES)?,
            file("labels", Truth::LABELS)?,
        ];
        if dirty {
            files.push(file("dirt", Truth::DIRT)?);
        }
        Ok(Self(files))
    }

    /// Adds what is true of a piece of work.
    pub fn put(&mut self, truth: &Truth) -> Result<(), GenerateError> {
        for ((_, rows, file), more) in
            self.0.iter_mut().zip([&truth.cases, &truth.traces, &truth.labels, &truth.dirt])
        {
            *rows += lines(more);
            file.write_all(more)
                .map_err(|cause| GenerateError::Write { path: file.path().to_owned(), cause })?;
        }
        Ok(())
    }

    /// Ends them.
    pub fn finish(self, job: Job<'_>) -> Result<Vec<Entry>, GenerateError> {
        let entries = self.0.into_iter().map(|(kind, rows, file)| {
            let path = file.path().to_owned();
            let Written { bytes, sha256 } = file.done().map_err(failed(&path))?;
            Ok(Entry {
                path: truth_place(kind, &job.part.name()),
                table: format!("truth/{kind}"),
                agency: None,
                part: job.part.index,
                rows,
                bytes,
                sha256,
            })
        });
        entries.collect()
    }
}

fn truth_place(kind: &str, name: &str) -> String {
    format!("truth/{kind}-{name}.csv")
}

/// Lines, which are rows: no cell of the truth holds a line break.
fn lines(text: &[u8]) -> u64 {
    text.iter().filter(|byte| **byte == b'\n').count() as u64
}
