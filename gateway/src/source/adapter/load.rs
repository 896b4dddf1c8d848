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

use super::compile::{Data, Mapping, ReadAt};
use super::pass::{Converted, Pass};
use super::problem::{Cause, Problem, Problems};
use super::rows::{Dialect, Row, RowError, Rows};
use super::spool::{ID_BYTES, OpaqueId, Spool, Spooling};
use super::table::Table;

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
        let short = "holds at least 32 bytes of secret";
        let secret = secret(path)?;
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

/// What a file holds that others cannot read.
///
/// # Errors
/// Says what is wrong with the file.
pub fn secret(path: &Path) -> Result<Vec<u8>, Problem> {
    use std::os::unix::fs::PermissionsExt as _;
    let unreadable = |error: std::io::Error| {
        Problem::new(Cause::FileUnreadable, path, format!("cannot be read: {error}"))
    };
    let mode = std::fs::metadata(path).map_err(unreadable)?.permissions().mode();
    if mode & 0o007 != 0 {
        let detail = "a key that everybody on this machine can read is none; chmod 600";
        return Err(Problem::new(Cause::Setting, path, detail));
    }
    std::fs::read(path).map_err(unreadable)
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
#[derive(Clone)]
pub enum Held {
    /// Loaded from files.
    Files(Arc<Loaded>),
    /// Read from a table or view, search by search.
    Table(Arc<Table>),
}

impl Held {
    /// The type.
    pub fn record_type(&self) -> &Arc<RecordType> {
        match self {
            Self::Files(loaded) => &loaded.record_type,
            Self::Table(table) => table.record_type(),
        }
    }

    /// How many records there are.
    pub fn records(&self) -> u64 {
        match self {
            Self::Files(loaded) => loaded.spool.records(),
            Self::Table(table) => table.records(),
        }
    }

    /// When the data were read, seconds since the epoch.
    pub fn data_as_of(&self) -> i64 {
        match self {
            Self::Files(loaded) => loaded.data_as_of,
            Self::Table(table) => table.data_as_of(),
        }
    }

    /// Has a file changed since it was loaded? True once only: the loaded state is served on, and the log
    /// should say so once. Tables are read live.
    pub fn changed_now(&self) -> bool {
        match self {
            Self::Files(loaded) => loaded.changed_now(),
            Self::Table(_) => false,
        }
    }
}

/// What was loaded from files.
pub struct Loaded {
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

impl Loaded {
    /// Loads what a mapping maps.
    ///
    /// # Errors
    /// Everything that is wrong with the data.
    pub fn load(mapping: Mapping, holder: &Holder) -> Result<Self, Problems> {
        let Data::Files { files, dialect } = &mapping.data else {
            let detail = "maps a table, and only files can be loaded";
            return Err(Problem::new(Cause::Setting, &mapping.path, detail).into());
        };
        let (files, dialect) = (files.clone(), *dialect);
        let stamps: Vec<_> = files.iter().map(|path| (path.clone(), stamp(path))).collect();
        let mut spooling =
            Spooling::new(&holder.spool_dir).map_err(|error| spool(holder, &error))?;
        let mapping = Arc::new(mapping);
        let mut pass = Pass::new(mapping.clone(), holder.id_key.clone());
        for (number, path) in (0u16..).zip(&files) {
            file(&mut pass, &mut spooling, (number, path), dialect, holder)?;
        }
        let Pass { classes, latest, problems, .. } = pass;
        problems.or(())?;
        let spool = spooling
            .finish(&holder.spool_dir)
            .map_err(|error| spool(holder, &error))?
            .map_err(|duplicates| name_duplicates(&mapping, &files, &duplicates))?;
        let data_as_of = data_as_of(&mapping, latest, &stamps)?;
        Ok(Self {
            record_type: mapping.record_type.clone(),
            spool,
            handlings: classes.to_wire(holder.agency.as_str(), holder.environment, data_as_of),
            data_as_of,
            files: stamps,
            changed: AtomicBool::new(false),
        })
    }

    fn changed_now(&self) -> bool {
        let changed = self.files.iter().any(|(path, loaded)| stamp(path) != *loaded);
        changed && !self.changed.swap(true, Ordering::Relaxed)
    }
}

fn file(
    pass: &mut Pass,
    spooling: &mut Spooling,
    (number, path): (u16, &Path),
    dialect: Dialect,
    holder: &Holder,
) -> Result<(), Problems> {
    let unreadable =
        |error| Problem::new(Cause::FileUnreadable, path, format!("cannot be read: {error}"));
    let mut rows = Rows::new(File::open(path).map_err(unreadable)?, dialect);
    let (mut row, mut header) = (Row::default(), true);
    loop {
        match rows.read(&mut row) {
            Ok(false) => return Ok(()),
            Ok(true) if header => header = false,
            Ok(true) => {
                if let Some(converted) = pass.convert(path, &row) {
                    let Converted { id, handling } = converted;
                    let pushed = spooling.push(id, handling, &pass.payload, (number, row.line));
                    pushed.map_err(|error| spool(holder, &error))?;
                }
            }
            Err(error) => {
                let cause = match error {
                    RowError::Io(_) => Cause::FileUnreadable,
                    _ => Cause::Row,
                };
                let go_on = matches!(error, RowError::TextBehindQuote);
                pass.problems.push(Problem::new(cause, path, error.to_string()).at(row.line));
                if !go_on {
                    return Ok(());
                }
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
        ReadAt::FileModified | ReadAt::Search => files
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

fn name_duplicates(
    mapping: &Mapping,
    files: &[PathBuf],
    duplicates: &[super::spool::Duplicate],
) -> Problems {
    let path = |number: u16| files.get(usize::from(number)).map_or(&*mapping.path, |path| path);
    let ids = mapping.id_columns();
    let mut problems = Problems::default();
    for duplicate in duplicates {
        let (file, line) = duplicate.first;
        let detail = format!("same id as {}:{line}", path(file).display());
        let problem = Problem::new(Cause::Duplicate, path(duplicate.second.0), detail);
        problems.push(problem.at(duplicate.second.1.into()).column(&ids));
    }
    problems
}
