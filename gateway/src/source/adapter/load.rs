//! From files to a spool: one streaming pass that converts and checks every row. Nothing is served unless
//! every row of every file is in order.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use aws_lc_rs::hmac;
use portcullis_core::handling::Environment;
use portcullis_core::id::AgencyId;
use portcullis_core::label::RecordType;
use portcullis_proto::handling::v1::Handling;

use super::compile::{Mapping, ReadAt};
use super::handling::Classes;
use super::problem::{Cause, Problem, Problems};
use super::rows::{Row, RowError, Rows};
use super::spool::{ID_BYTES, OpaqueId, Spool, Spooling};

/// Least length of a key for opaque ids, in bytes.
const SHORTEST_KEY: usize = 32;

/// The secret behind opaque ids. Change it and every id changes.
#[derive(Clone)]
pub struct IdKey(hmac::Key);

impl std::fmt::Debug for IdKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("IdKey(..)")
    }
}

impl IdKey {
    /// From secret bytes, at least 32.
    pub fn new(secret: &[u8]) -> Option<Self> {
        (secret.len() >= SHORTEST_KEY).then(|| Self(hmac::Key::new(hmac::HMAC_SHA256, secret)))
    }

    /// From a file that others cannot read.
    ///
    /// # Errors
    /// Says what is wrong with the file.
    pub fn read(path: &Path) -> Result<Self, Problem> {
        use std::os::unix::fs::PermissionsExt as _;
        let unreadable = |error: std::io::Error| {
            Problem::new(Cause::FileUnreadable, path, format!("cannot be read: {error}"))
        };
        let mode = std::fs::metadata(path).map_err(unreadable)?.permissions().mode();
        if mode & 0o007 != 0 {
            let detail = "a key that everybody on this machine can read is none; chmod 600";
            return Err(Problem::new(Cause::Setting, path, detail));
        }
        let secret = std::fs::read(path).map_err(unreadable)?;
        let short = "holds at least 32 bytes of secret";
        Self::new(&secret).ok_or_else(|| Problem::new(Cause::Setting, path, short))
    }

    /// HMAC-SHA256 over record type and id, each with its length before it, cut to 16 bytes.
    pub fn opaque<'a>(&self, record_type: &'a str, id: impl Iterator<Item = &'a str>) -> OpaqueId {
        let mut context = hmac::Context::with_key(&self.0);
        for part in std::iter::once(record_type).chain(id) {
            context.update(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
            context.update(part.as_bytes());
        }
        let mut out = [0; ID_BYTES];
        for (to, from) in out.iter_mut().zip(context.sign().as_ref()) {
            *to = *from;
        }
        out
    }
}

/// Whose data they are and where they may be spooled.
#[derive(Debug, Clone)]
pub struct Holder {
    /// The agency, originator of every record.
    pub agency: AgencyId,
    /// Exercise or production.
    pub environment: Environment,
    /// The secret behind opaque ids.
    pub id_key: IdKey,
    /// Folder of the nameless spool files.
    pub spool_dir: PathBuf,
}

/// A record type as this source holds it.
pub struct Held {
    /// The type.
    pub record_type: Arc<RecordType>,
    /// Its records.
    pub spool: Spool,
    /// Classes of handling by number.
    pub handlings: Vec<Handling>,
    /// When the data were read, seconds since the epoch.
    pub data_as_of: i64,
    files: Vec<(PathBuf, Stamp)>,
    changed: AtomicBool,
}

type Stamp = Option<(u64, SystemTime)>;

impl Held {
    /// Loads what a mapping maps.
    ///
    /// # Errors
    /// Everything that is wrong with the data.
    pub fn load(mapping: &Mapping, holder: &Holder) -> Result<Self, Problems> {
        let files: Vec<_> = mapping.files.iter().map(|path| (path.clone(), stamp(path))).collect();
        let spooling = Spooling::new(&holder.spool_dir).map_err(|error| spool(holder, &error))?;
        let mut pass = Pass {
            mapping,
            holder,
            spooling,
            classes: Classes::default(),
            latest: None,
            problems: Problems::default(),
            payload: vec![],
        };
        for (number, path) in (0u16..).zip(&mapping.files) {
            pass.file(number, path)?;
        }
        let Pass { spooling, classes, latest, problems, .. } = pass;
        problems.or(())?;
        let spool = spooling
            .finish(&holder.spool_dir)
            .map_err(|error| spool(holder, &error))?
            .map_err(|duplicates| name_duplicates(mapping, &duplicates))?;
        let data_as_of = data_as_of(mapping, latest, &files)?;
        Ok(Self {
            record_type: mapping.record_type.clone(),
            spool,
            handlings: classes.to_wire(holder.agency.as_str(), holder.environment, data_as_of),
            data_as_of,
            files,
            changed: AtomicBool::new(false),
        })
    }

    /// Has a file changed since it was loaded? True once only: the loaded state is served on, and the log
    /// should say so once.
    pub fn changed_now(&self) -> bool {
        let changed = self.files.iter().any(|(path, loaded)| stamp(path) != *loaded);
        changed && !self.changed.swap(true, Ordering::Relaxed)
    }
}

struct Pass<'a> {
    mapping: &'a Mapping,
    holder: &'a Holder,
    spooling: Spooling,
    classes: Classes,
    latest: Option<i64>,
    problems: Problems,
    payload: Vec<u8>,
}

impl Pass<'_> {
    fn file(&mut self, number: u16, path: &Path) -> Result<(), Problems> {
        let unreadable =
            |error| Problem::new(Cause::FileUnreadable, path, format!("cannot be read: {error}"));
        let mut rows = Rows::new(File::open(path).map_err(unreadable)?, self.mapping.dialect);
        let (mut row, mut header) = (Row::default(), true);
        loop {
            match rows.read(&mut row) {
                Ok(false) => return Ok(()),
                Ok(true) if header => header = false,
                Ok(true) => self.row(number, path, &row)?,
                Err(error) => {
                    let cause = match error {
                        RowError::Io(_) => Cause::FileUnreadable,
                        _ => Cause::Row,
                    };
                    let go_on = matches!(error, RowError::TextBehindQuote);
                    self.problems.push(Problem::new(cause, path, error.to_string()).at(row.line));
                    if !go_on {
                        return Ok(());
                    }
                }
            }
        }
    }

    fn row(&mut self, number: u16, path: &Path, row: &Row) -> Result<(), Problems> {
        let columns = self.mapping.header.len();
        if row.len() != columns {
            let detail = format!("has {} cells, the header {columns}", row.len());
            self.problems.push(Problem::new(Cause::Row, path, detail).at(row.line));
            return Ok(());
        }
        if !self.mapping.only.iter().all(|test| test.holds(row)) {
            return Ok(());
        }
        let before = self.problems.count();
        self.note_time(path, row);
        let id = self.id(path, row);
        let handling = match self.mapping.handling.of(row, &mut self.classes) {
            Ok(handling) => Some(handling),
            Err(detail) => {
                let problem = Problem::new(Cause::Handling, path, detail).at(row.line);
                self.problems.push(problem.field("handling"));
                None
            }
        };
        self.payload.clear();
        self.mapping.encode(path, row, &mut self.payload, &mut self.problems);
        if let (Some(handling), Some(id)) = (handling, id)
            && self.problems.count() == before
        {
            self.spooling
                .push(id, handling, &self.payload, (number, row.line))
                .map_err(|error| spool(self.holder, &error))?;
        }
        Ok(())
    }

    fn id(&mut self, path: &Path, row: &Row) -> Option<OpaqueId> {
        let cells = || self.mapping.id.iter().map(|at| row.cell(*at).unwrap_or_default().trim());
        if let Some(empty) = cells().position(str::is_empty) {
            let column = self.mapping.id.get(empty).and_then(|at| self.mapping.header.get(*at));
            let problem = Problem::new(Cause::Missing, path, "an id is required").at(row.line);
            self.problems.push(problem.column(column.cloned().unwrap_or_default()));
            return None;
        }
        Some(self.holder.id_key.opaque(self.mapping.record_type.name().as_str(), cells()))
    }

    fn note_time(&mut self, path: &Path, row: &Row) {
        let ReadAt::Column { column, formats, offset } = &self.mapping.as_of else { return };
        let cell = row.cell(*column).unwrap_or_default().trim();
        match formats.iter().find_map(|format| format.read(cell)) {
            Some(read) => self.latest = self.latest.max(Some(read.unix(*offset))),
            None => {
                let column = self.mapping.header.get(*column).cloned().unwrap_or_default();
                let detail = "not a time in the given format";
                let problem = Problem::new(Cause::Value, path, detail).at(row.line);
                self.problems.push(problem.column(column).field("data_as_of"));
            }
        }
    }
}

fn data_as_of(
    mapping: &Mapping,
    latest: Option<i64>,
    files: &[(PathBuf, Stamp)],
) -> Result<i64, Problem> {
    let unknown =
        |detail| Problem::new(Cause::Setting, &mapping.path, detail).field("`data_as_of`");
    match &mapping.as_of {
        ReadAt::Fixed(at) => Ok(*at),
        ReadAt::Column { .. } => latest.ok_or_else(|| unknown("no row has a time")),
        ReadAt::FileModified => files
            .iter()
            .filter_map(|(_, stamp)| {
                let since = stamp.as_ref()?.1.duration_since(SystemTime::UNIX_EPOCH).ok()?;
                i64::try_from(since.as_secs()).ok()
            })
            .min()
            .ok_or_else(|| unknown("the files have no modification time")),
    }
}

fn stamp(path: &Path) -> Stamp {
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.len(), metadata.modified().ok()?))
}

fn spool(holder: &Holder, error: &std::io::Error) -> Problem {
    Problem::new(Cause::FileUnreadable, &holder.spool_dir, format!("cannot spool: {error}"))
}

fn name_duplicates(mapping: &Mapping, duplicates: &[super::spool::Duplicate]) -> Problems {
    let path = |number: u16| mapping.files.get(usize::from(number)).map_or(&*mapping.path, |p| p);
    let ids: Vec<&str> =
        mapping.id.iter().filter_map(|at| mapping.header.get(*at)).map(String::as_str).collect();
    let mut problems = Problems::default();
    for duplicate in duplicates {
        let (file, line) = duplicate.first;
        let detail = format!("same id as {}:{line}", path(file).display());
        let problem = Problem::new(Cause::Duplicate, path(duplicate.second.0), detail);
        problems.push(problem.at(duplicate.second.1.into()).column(ids.join(", ")));
    }
    problems
}
