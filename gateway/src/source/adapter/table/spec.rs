//! What a mapping says about its table: which one, in which database, how it is reached. Passwords stand in
//! files of their own; an address with one in it is refused, and no address is ever repeated in an error.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use super::super::declared::Declared;
use super::super::mapping::{AsOf, DatabaseRef, DatabaseWith};
use super::super::problem::{Cause, Problem, Problems};

/// How often rows that appeared or vanished are looked for, unless the mapping says so.
const USUAL_REFRESH: u64 = 60;
/// Longest pause between two looks, a day.
const LONGEST_REFRESH: u64 = 86_400;
const NOT_INLINE: &str = "a password does not stand in a mapping: put it into a file that others cannot \
read, and write { url = \"postgres://USER@HOST/NAME\", password_file = \"FILE\" }";

/// A table or view and how to get at it.
#[derive(Debug, Clone)]
pub struct TableSpec {
    /// Which one.
    pub name: TableName,
    /// Where it is looked which rows there are, if not in the table itself.
    pub index: Option<TableName>,
    /// Where it is.
    pub database: DatabaseSpec,
    /// How often rows that appeared or vanished are looked for.
    pub refresh: Duration,
    /// A column that grows with every change.
    pub watermark: Option<String>,
    /// Line of the mapping that names the table.
    pub line: u64,
}

/// Name of a table or view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableName {
    /// Its schema; none: `public` of PostgreSQL, `main` of SQLite.
    pub schema: Option<String>,
    /// Its own name.
    pub name: String,
}

/// A database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DatabaseSpec {
    /// A file of SQLite.
    Sqlite(PathBuf),
    /// A database of PostgreSQL.
    Postgres(Address),
}

/// Where a database of PostgreSQL is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// Who reads it.
    pub user: String,
    /// Its name.
    pub database: String,
    /// A loopback address, or the folder of a Unix socket.
    pub host: String,
    /// The port, part of the socket's name too.
    pub port: u16,
    /// The file that holds the password.
    pub password_file: Option<PathBuf>,
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.schema {
            Some(schema) => write!(f, "{schema}.{}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

impl TableName {
    fn parse(text: &str) -> Result<Self, &'static str> {
        let parts: Vec<&str> = text.split('.').collect();
        let named = |part: &str| !part.is_empty() && part.len() <= 63 && !part.contains('\0');
        let wrong = "is `table` or `schema.table`; a name with a dot in it needs a view";
        if !parts.iter().all(|part| named(part)) {
            return Err(wrong);
        }
        match parts.as_slice() {
            [name] => Ok(Self { schema: None, name: (*name).to_owned() }),
            [schema, name] => {
                Ok(Self { schema: Some((*schema).to_owned()), name: (*name).to_owned() })
            }
            _ => Err(wrong),
        }
    }
}

impl TableSpec {
    /// What a mapping says about its table; none: it maps files.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn of(declared: &Declared) -> Result<Option<Self>, Problems> {
        let file = &declared.file;
        let mut problems = Problems::default();
        let mut refuse = |at: usize, key: &str, detail: &str| {
            let problem = Problem::new(Cause::Setting, &declared.path, detail);
            problems.push(problem.at(declared.lines.line(at)).field(format!("`{key}`")));
        };
        let Some(table) = &file.table else {
            let needs = "goes with a `table`";
            if let Some(given) = &file.database {
                refuse(given.span().start, "database", needs);
            }
            if let Some(given) = &file.index_table {
                refuse(given.span().start, "index_table", needs);
            }
            if let Some(given) = &file.refresh_seconds {
                refuse(given.span().start, "refresh_seconds", needs);
            }
            if let Some(given) = &file.watermark {
                refuse(given.span().start, "watermark", needs);
            }
            if file.files.is_none() {
                refuse(0, "files", "needs either `files`, or `table` and `database`");
            }
            return problems.or(None);
        };
        let at = table.span().start;
        let excluded = [
            ("files", file.files.as_ref().map(|given| given.span().start)),
            ("encoding", file.encoding.as_ref().map(|given| given.span().start)),
            ("delimiter", file.delimiter.as_ref().map(|given| given.span().start)),
            ("quote", file.quote.as_ref().map(|given| given.span().start)),
        ];
        for (key, at) in excluded {
            if let Some(at) = at {
                refuse(at, key, "is for files, and this maps a `table`");
            }
        }
        let name =
            TableName::parse(table.get_ref()).map_err(|detail| refuse(at, "table", detail)).ok();
        let index = file.index_table.as_ref().and_then(|given| {
            let at = given.span().start;
            // The latest moment of all rows would tell of those that are not shown yet.
            if let Some(AsOf::Column(_)) = file.data_as_of.as_ref().map(|as_of| as_of.get_ref()) {
                refuse(at, "index_table", "does not go with a `data_as_of` of a column");
            }
            TableName::parse(given.get_ref())
                .map_err(|detail| refuse(at, "index_table", detail))
                .ok()
        });
        let refresh = file.refresh_seconds.as_ref();
        let seconds = refresh.map_or(USUAL_REFRESH, |given| *given.get_ref());
        if !(1..=LONGEST_REFRESH).contains(&seconds) {
            let at = refresh.map_or(at, |given| given.span().start);
            refuse(at, "refresh_seconds", "is from 1 second to 86,400, a day");
        }
        let database = match &file.database {
            None => {
                refuse(at, "database", "says where the `table` is: `sqlite:FILE` or an address");
                None
            }
            Some(given) => database(declared, given.get_ref())
                .map_err(|detail| refuse(given.span().start, "database", detail))
                .ok(),
        };
        let spec = name.zip(database).map(|(name, database)| Self {
            name,
            index,
            database,
            refresh: Duration::from_secs(seconds),
            watermark: file.watermark.as_ref().map(|name| name.get_ref().clone()),
            line: declared.lines.line(at),
        });
        problems.or(spec)
    }
}

fn database(declared: &Declared, given: &DatabaseRef) -> Result<DatabaseSpec, &'static str> {
    let (url, password_file) = match given {
        DatabaseRef::Url(url) => (url, None),
        DatabaseRef::With(DatabaseWith { password: Some(_), .. }) => return Err(NOT_INLINE),
        DatabaseRef::With(DatabaseWith { url, password_file, .. }) => {
            (url, password_file.as_ref().map(|file| declared.base.join(file)))
        }
    };
    if let Some(path) = url.strip_prefix("sqlite:") {
        let path = path.strip_prefix("//").unwrap_or(path);
        return match (path, password_file) {
            ("", _) => Err("names its file: `sqlite:FILE`"),
            (_, Some(_)) => Err("a file of SQLite has no password"),
            (path, None) => Ok(DatabaseSpec::Sqlite(declared.base.join(path))),
        };
    }
    let rest = url.strip_prefix("postgres://").or_else(|| url.strip_prefix("postgresql://"));
    let rest = rest.ok_or("is `sqlite:FILE` or `postgres://USER@HOST/NAME`")?;
    Ok(DatabaseSpec::Postgres(address(rest, password_file)?))
}

/// `USER@HOST[:PORT]/NAME`, or `USER@/NAME?host=FOLDER[&port=PORT]` for a Unix socket.
fn address(rest: &str, password_file: Option<PathBuf>) -> Result<Address, &'static str> {
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let wrong = "is `postgres://USER@HOST:PORT/NAME`, or `postgres://USER@/NAME?host=FOLDER` for a \
Unix socket";
    let (user, place) = match rest.rsplit_once('@') {
        Some((user, _)) if user.contains(':') => return Err(NOT_INLINE),
        Some((user, place)) => (decode(user).ok_or(wrong)?, place),
        None => return Err(wrong),
    };
    let (authority, name) = place.split_once('/').ok_or(wrong)?;
    let (mut host, mut port) = split_port(authority).ok_or(wrong)?;
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        match pair.split_once('=') {
            Some(("host", folder)) if host.is_empty() => host = decode(folder).ok_or(wrong)?,
            Some(("port", given)) => port = given.parse().map_err(|_| wrong)?,
            Some((key, _)) if key.contains("pass") => return Err(NOT_INLINE),
            _ => return Err(wrong),
        }
    }
    let database = decode(name).ok_or(wrong)?;
    if user.is_empty() || database.is_empty() || host.is_empty() {
        return Err(wrong);
    }
    let loopback = host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    if !(host.starts_with('/') || host == "localhost" || loopback) {
        return Err(
            "is on another machine, and this driver has no TLS: use a Unix socket, or the \
loopback end of a tunnel",
        );
    }
    Ok(Address { user, database, host, port, password_file })
}

fn split_port(authority: &str) -> Option<(String, u16)> {
    const USUAL_PORT: u16 = 5432;
    if let Some(bracketed) = authority.strip_prefix('[') {
        let (host, rest) = bracketed.split_once(']')?;
        let port = match rest.strip_prefix(':') {
            Some(port) => port.parse().ok()?,
            None if rest.is_empty() => USUAL_PORT,
            None => return None,
        };
        return Some((host.to_owned(), port));
    }
    match authority.split_once(':') {
        Some((host, port)) => Some((host.to_owned(), port.parse().ok()?)),
        None => Some((authority.to_owned(), USUAL_PORT)),
    }
}

/// `%41` is `A`.
fn decode(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut out = vec![];
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let digits = [bytes.next()?, bytes.next()?];
            out.extend(hex::decode(digits).ok()?);
        } else {
            out.push(byte);
        }
    }
    String::from_utf8(out).ok().filter(|text| !text.contains('\0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_local_and_without_passwords() {
        let read = |text: &str| address(text, None);
        let full = read("reader@127.0.0.1:6000/customs").unwrap();
        assert_eq!(
            (&*full.user, &*full.host, full.port, &*full.database),
            ("reader", "127.0.0.1", 6000, "customs")
        );
        assert_eq!(read("r@localhost/c").unwrap().port, 5432);
        assert_eq!(read("r@[::1]:1/c").unwrap().host, "::1");
        assert_eq!(read("r%40x@/c?host=%2Frun%2Fpg&port=7").unwrap().host, "/run/pg");
        for inline in
            ["r:secret@localhost/c", "r@localhost/c?password=secret", "r@/c?sslpassword=secret"]
        {
            assert_eq!(read(inline).unwrap_err(), NOT_INLINE, "{inline}");
        }
        for far in ["r@db.example/c", "r@10.0.0.1/c", "r@[2001:db8::1]/c"] {
            assert!(read(far).unwrap_err().contains("no TLS"), "{far}");
        }
        for wrong in [
            "localhost/c",
            "@localhost/c",
            "r@localhost",
            "r@localhost/",
            "r@/c",
            "r@localhost:x/c",
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        assert!(read("r@localhost/c?options=-c%20default_transaction_read_only=off").is_err());
    }

    #[test]
    fn names_are_one_or_two_words() {
        assert_eq!(TableName::parse("a.b").unwrap().to_string(), "a.b");
        assert_eq!(TableName::parse("b").unwrap().schema, None);
        for wrong in ["", ".", "a.", ".b", "a.b.c", "a\0"] {
            assert!(TableName::parse(wrong).is_err(), "{wrong:?}");
        }
        assert_eq!(TableName::parse("x\"; drop table y").unwrap().name, "x\"; drop table y");
    }
}
