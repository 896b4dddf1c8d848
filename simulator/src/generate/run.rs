//! Threads: who does which piece of work, and who waits for whom.

use std::collections::BTreeMap;
use std::io;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError, mpsc};

use serde::Serialize;

use super::files::{Files, TruthFiles};
use super::gather::{Cut, Gather, Made, Rows};
use super::manifest::{Entry, Manifest, ManifestError, Origin};
use super::work::{Part, Piece, pieces};
use super::{Format, Layout, Truth};
use crate::shipment::Engine;
use crate::shipment::registers::Registers;
use crate::table::Table;

/// Bytes of rows that may be gathered before files are given less than they would take.
const BUDGET: usize = 96 << 20;
/// Pieces that a thread may be ahead of the oldest that is not gathered, for each thread.
const AHEAD: usize = 2;

/// Why nothing, or not everything, was generated.
#[derive(Debug, thiserror::Error)]
pub enum GenerateError {
    /// A file or folder.
    #[error("cannot write {}: {cause}", path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// What the system says.
        cause: io::Error,
    },
    /// The folder, or its manifest.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// Somebody wanted it to stop.
    #[error("stopped")]
    Stopped,
    /// A worker ended early.
    #[error("a worker ended before its work did")]
    Worker,
}

/// What is wanted of a run.
#[derive(Debug, Clone, Copy)]
pub struct Job<'a> {
    /// Which part of the world.
    pub part: Part,
    /// How many threads do the work.
    pub threads: NonZeroUsize,
    /// How files lie.
    pub layout: Layout,
    /// Folder for the files.
    pub out: &'a Path,
}

/// What was generated.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Rows by table.
    pub rows: BTreeMap<&'static str, u64>,
    /// Cells: rows by columns of the table.
    pub cells: u64,
    /// Bytes of the files, those of the truth as well.
    pub bytes: u64,
}

impl Summary {
    fn of(files: &[Entry]) -> Self {
        let mut summary = Self::default();
        for file in files {
            summary.bytes += file.bytes;
            let table = Table::ALL.iter().find(|table| table.name() == file.table);
            if let Some(table) = table.filter(|_| file.rows > 0) {
                *summary.rows.entry(table.name()).or_default() += file.rows;
                summary.cells += file.rows * table.columns().len() as u64;
            }
        }
        summary
    }
}

/// Generates a part of a world into a folder, the truth beside it, the manifest last.
///
/// # Errors
/// What cannot be written, a folder of another world, and a stop in between; files that were begun are then left as
/// `.partial`, and another run of the same part writes them anew.
pub fn generate<F: Format>(
    engine: &Engine,
    format: &F,
    job: Job<'_>,
    stop: &AtomicBool,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Summary, GenerateError> {
    let origin = Origin::new(engine, format.extension(), job.layout, job.part.count);
    let mut manifest = Manifest::claim(origin, job.part, job.out)?;
    let registers = Registers::new(engine);
    let work = pieces(engine, job.part);
    let total: u64 = work.iter().map(Piece::size).sum();
    let run = Run {
        engine,
        format,
        job,
        registers: &registers,
        work: &work,
        stop,
        files: Files::begin(format, job)?,
        state: Mutex::new(State {
            begun: 0,
            gather: Gather::new(BUDGET),
            truth: TruthFiles::begin(job, engine.dirt.is_some())?,
            error: None,
        }),
        changed: Condvar::new(),
    };
    std::thread::scope(|scope| {
        let (send, made) = mpsc::channel();
        for _ in 0..job.threads.get() {
            let (run, send) = (&run, send.clone());
            scope.spawn(move || run.work(&send));
        }
        drop(send);
        let mut done = 0;
        for size in made {
            done += size;
            progress(done, total);
        }
    });
    manifest.files = run.finish()?;
    manifest.write(job.out)?;
    Ok(Summary::of(&manifest.files))
}

/// A run: what its threads share.
struct Run<'a, 'w, F: Format> {
    engine: &'a Engine<'w>,
    format: &'a F,
    job: Job<'a>,
    registers: &'a Registers,
    work: &'a [Piece],
    stop: &'a AtomicBool,
    files: Files<F>,
    state: Mutex<State<F::Block>>,
    changed: Condvar,
}

struct State<B> {
    /// Pieces that somebody has begun.
    begun: usize,
    gather: Gather<B>,
    truth: TruthFiles,
    error: Option<GenerateError>,
}

enum Task<B> {
    Piece(usize),
    Cut(Cut<B>),
}

impl<F: Format> Run<'_, '_, F> {
    fn state(&self) -> MutexGuard<'_, State<F::Block>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self, made: &mpsc::Sender<u64>) {
        let alarm = Alarm(self);
        while let Some(task) = self.next() {
            let done = match task {
                Task::Piece(at) => self.piece(at).map(|size| {
                    // Whoever shows progress listens until the last worker has ended.
                    let _ = made.send(size);
                }),
                Task::Cut(cut) => self.files.put(self.format, cut),
            };
            if let Err(error) = done {
                self.state().error.get_or_insert(error);
            }
            self.changed.notify_all();
        }
        drop(alarm);
    }

    /// What to do next; `None` where nothing is left, or no more is wanted. Cuts go first, so that few wait.
    fn next(&self) -> Option<Task<F::Block>> {
        let mut state = self.state();
        loop {
            if state.error.is_some() {
                return None;
            }
            if self.stop.load(Ordering::Relaxed) {
                state.error = Some(GenerateError::Stopped);
                return None;
            }
            if let Some(cut) = state.gather.queue.pop_front() {
                return Some(Task::Cut(cut));
            }
            let gathered = state.gather.gathered();
            if gathered == self.work.len() {
                return None;
            }
            let threads = self.job.threads.get();
            let room = state.begun < gathered + AHEAD * threads && self.files.parked() < threads;
            if room && state.begun < self.work.len() {
                state.begun += 1;
                return Some(Task::Piece(state.begun - 1));
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn piece(&self, at: usize) -> Result<u64, GenerateError> {
        let piece = self.work.get(at).ok_or(GenerateError::Worker)?;
        let (mut rows, mut truth) = (Rows::new(self.format, self.job.layout), Truth::default());
        piece.make(self.engine, self.registers, &mut rows, &mut truth);
        let made = Made { blocks: rows.blocks(), truth };
        let mut state = self.state();
        for truth in state.gather.take(self.format, at, self.work.len(), made) {
            state.truth.put(&truth)?;
        }
        Ok(piece.size())
    }

    fn finish(self) -> Result<Vec<Entry>, GenerateError> {
        let state = self.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        if let Some(error) = state.error {
            return Err(error);
        }
        let mut files = self.files.finish(self.format, self.job)?;
        files.extend(state.truth.finish(self.job)?);
        files.sort_by(|one, other| one.path.cmp(&other.path));
        Ok(files)
    }
}

/// Tells the others when a worker falls over, so that nobody waits for it.
struct Alarm<'r, 'a, 'w, F: Format>(&'r Run<'a, 'w, F>);

impl<F: Format> Drop for Alarm<'_, '_, '_, F> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.state().error.get_or_insert(GenerateError::Worker);
            self.0.changed.notify_all();
        }
    }
}
