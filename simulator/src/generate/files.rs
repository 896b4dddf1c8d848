//! Threads, order and files.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;

use serde::Serialize;

use super::Truth;
use super::work::{Part, Piece, pieces};
use crate::shipment::Engine;
use crate::shipment::registers::Registers;
use crate::table::{Out, Table};

/// A file format.
pub trait Format: Sync {
    /// Takes the rows of one piece of work.
    type Rows: Out + Default + Send;
    /// A piece of work, encoded; made by the thread that did the work.
    type Encoded: Send;
    /// An open file of one table.
    type File;

    /// Ending of its files.
    fn extension(&self) -> &'static str;
    /// Encodes what a piece of work made.
    ///
    /// # Errors
    /// What cannot be encoded.
    fn encode(&self, rows: Self::Rows) -> io::Result<Self::Encoded>;
    /// Begins a file.
    ///
    /// # Errors
    /// What the file system says.
    fn create(&self, table: Table, path: &Path) -> io::Result<Self::File>;
    /// Adds a table's rows of a piece of work.
    ///
    /// # Errors
    /// What the file system says.
    fn append(
        &self,
        table: Table,
        file: &mut Self::File,
        encoded: &mut Self::Encoded,
    ) -> io::Result<()>;
    /// How many rows of a table a piece of work has.
    fn rows(&self, table: Table, encoded: &Self::Encoded) -> u64;
    /// Ends a file. It is durable afterwards.
    ///
    /// # Errors
    /// What the file system says.
    fn finish(&self, file: Self::File) -> io::Result<()>;
}

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
    /// Somebody wanted it to stop.
    #[error("stopped")]
    Stopped,
    /// A worker ended early.
    #[error("a worker ended before its work did")]
    Worker,
}

/// What was generated.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Summary {
    /// Rows by table.
    pub rows: BTreeMap<&'static str, u64>,
    /// Cells: rows by columns.
    pub cells: u64,
}

/// Generates a part of a world into a folder: a folder a table, a file a part; the truth beside them.
///
/// # Errors
/// What cannot be written, and a stop in between; files that were begun are then left as `.partial`.
pub fn generate<F: Format>(
    engine: &Engine,
    format: &F,
    part: Part,
    threads: NonZeroUsize,
    out: &Path,
    stop: &AtomicBool,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Summary, GenerateError> {
    let registers = Registers::new(engine);
    let work = pieces(engine, part);
    let total: u64 = work.iter().map(Piece::size).sum();
    let next = AtomicUsize::new(0);
    let mut files = Files::create(format, part, out, engine.dirt.is_some())?;
    let done = std::thread::scope(|scope| {
        // Bounded: a thread that is far ahead waits, so that memory stays flat.
        let (send, receive) =
            mpsc::sync_channel::<(usize, io::Result<F::Encoded>, Truth)>(threads.get());
        for _ in 0..threads.get() {
            let (send, work, registers, next) = (send.clone(), &work, &registers, &next);
            scope.spawn(move || {
                while let Some(piece) =
                    take(next, work.len()).and_then(|at| Some((at, work.get(at)?)))
                {
                    let (mut rows, mut truth) = (F::Rows::default(), Truth::default());
                    piece.1.make(engine, registers, &mut rows, &mut truth);
                    if stop.load(Ordering::Relaxed)
                        || send.send((piece.0, format.encode(rows), truth)).is_err()
                    {
                        return;
                    }
                }
            });
        }
        drop(send);
        let mut waiting = BTreeMap::new();
        let (mut written, mut made) = (0, 0);
        while written < work.len() {
            let Ok((at, encoded, truth)) = receive.recv() else { break };
            waiting.insert(at, (encoded, truth));
            while let Some((encoded, truth)) = waiting.remove(&written) {
                let encoded = encoded
                    .map_err(|cause| GenerateError::Write { path: out.to_owned(), cause })?;
                files.append(format, encoded, &truth)?;
                made += work.get(written).map_or(0, Piece::size);
                written += 1;
                progress(made, total);
            }
        }
        if written == work.len() {
            Ok(())
        } else if stop.load(Ordering::Relaxed) {
            Err(GenerateError::Stopped)
        } else {
            Err(GenerateError::Worker)
        }
    });
    done?;
    files.finish(format)
}

fn take(next: &AtomicUsize, length: usize) -> Option<usize> {
    let at = next.fetch_add(1, Ordering::Relaxed);
    (at < length).then_some(at)
}

struct Files<F: Format> {
    tables: Vec<(Table, PathBuf, F::File)>,
    truth: Vec<(PathBuf, BufWriter<File>)>,
    summary: Summary,
}

fn failed(path: &Path) -> impl Fn(io::Error) -> GenerateError + '_ {
    move |cause| GenerateError::Write { path: path.to_owned(), cause }
}

impl<F: Format> Files<F> {
    fn create(format: &F, part: Part, out: &Path, dirty: bool) -> Result<Self, GenerateError> {
        let name = format!("part-{:05}-of-{:05}", part.index, part.count);
        let folder = |name: &str| {
            let path = out.join(name);
            std::fs::create_dir_all(&path).map_err(failed(&path))?;
            Ok(path)
        };
        let mut tables = vec![];
        for table in Table::ALL {
            let path = folder(table.name())?.join(format!("{name}.{}", format.extension()));
            let partial = partial(&path);
            tables.push((*table, path, format.create(*table, &partial).map_err(failed(&partial))?));
        }
        let truth = folder("truth")?;
        if !dirty {
            // Of a dirty world that lay here before: it would undo what nobody did.
            let _ = std::fs::remove_file(truth.join(format!("dirt-{name}.csv")));
        }
        let mut files = vec![];
        let kinds = [("cases", Truth::CASES), ("traces", Truth::TRACES), ("labels", Truth::LABELS)];
        for (kind, header) in kinds.into_iter().chain(dirty.then_some(("dirt", Truth::DIRT))) {
            let path = truth.join(format!("{kind}-{name}.csv"));
            let partial = partial(&path);
            let mut file = BufWriter::new(File::create(&partial).map_err(failed(&partial))?);
            file.write_all(header.as_bytes()).map_err(failed(&partial))?;
            files.push((path, file));
        }
        Ok(Self { tables, truth: files, summary: Summary::default() })
    }

    fn append(
        &mut self,
        format: &F,
        mut encoded: F::Encoded,
        truth: &Truth,
    ) -> Result<(), GenerateError> {
        for (table, path, file) in &mut self.tables {
            let rows = format.rows(*table, &encoded);
            if rows > 0 {
                format.append(*table, file, &mut encoded).map_err(failed(path))?;
                *self.summary.rows.entry(table.name()).or_default() += rows;
                self.summary.cells += rows * table.columns().len() as u64;
            }
        }
        let rows = [&truth.cases, &truth.traces, &truth.labels, &truth.dirt];
        for ((path, file), rows) in self.truth.iter_mut().zip(rows) {
            file.write_all(rows).map_err(failed(path))?;
        }
        Ok(())
    }

    /// Files get their names when they are whole.
    fn finish(self, format: &F) -> Result<Summary, GenerateError> {
        for (_, path, file) in self.tables {
            format.finish(file).map_err(failed(&path))?;
            std::fs::rename(partial(&path), &path).map_err(failed(&path))?;
        }
        for (path, file) in self.truth {
            let file = file.into_inner().map_err(|error| failed(&path)(error.into_error()))?;
            file.sync_all().map_err(failed(&path))?;
            std::fs::rename(partial(&path), &path).map_err(failed(&path))?;
        }
        Ok(self.summary)
    }
}

fn partial(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".partial");
    PathBuf::from(name)
}
