//! A mapping file and the header of its data (or the columns of its table) to a compiled mapping: every name
//! resolved, every conversion checked against the type of its field, or a list of all that is wrong with it.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use encoding_rs::{Encoding, REPLACEMENT, UTF_8};
use portcullis_core::handling::Environment;
use portcullis_core::label::RecordType;
use toml::Spanned;

use super::binding::{Binding, Piece, Text};
use super::calendar::{self, Format};
use super::conversion;
use super::convert::CodeList;
use super::encode::MessagePlan;
use super::handling::{HandlingPlan, Test};
use super::mapping::{AsOf, Column, Constant, MappingFile};
use super::problem::{Cause, Lines, Problem, Problems};
use super::rows::{Dialect, Row, Rows};
use super::target::{self, Builder};

/// A compiled mapping.
pub struct Mapping {
    /// The mapping file.
    pub path: PathBuf,
    /// What the rows become.
    pub record_type: Arc<RecordType>,
    /// Where the rows are.
    pub data: Data,
    /// Their columns; of a table, those that the mapping names.
    pub header: Vec<String>,
    /// When the data were read.
    pub as_of: ReadAt,
    /// Columns of the id.
    pub id: Vec<usize>,
    /// Rows that are served.
    pub only: Vec<Test>,
    /// What fills the fields.
    pub bindings: Vec<Binding>,
    /// Where they stand.
    pub plan: MessagePlan,
    /// Handling of the rows.
    pub handling: HandlingPlan,
}

/// Where rows are.
#[derive(Debug, Clone)]
pub enum Data {
    /// In files.
    Files {
        /// The files, in order.
        files: Vec<PathBuf>,
        /// How they are written down.
        dialect: Dialect,
    },
    /// In a table or view of a database.
    Table,
}

/// When the data were read.
#[derive(Debug, Clone)]
pub enum ReadAt {
    /// At this moment, seconds since the epoch.
    Fixed(i64),
    /// When the oldest file was last written.
    FileModified,
    /// When a search asks.
    Search,
    /// The latest moment in a column.
    Column {
        /// The column.
        column: usize,
        /// Formats of its cells.
        formats: Vec<Format>,
        /// Seconds east where a cell has no offset.
        offset: i64,
    },
}

impl Mapping {
    /// Names of the columns of the id.
    pub fn id_columns(&self) -> String {
        let names = self.id.iter().filter_map(|at| self.header.get(*at)).map(String::as_str);
        names.collect::<Vec<_>>().join(", ")
    }
}

/// Compiles a mapping.
pub(super) struct Compiler<'a> {
    /// The mapping file.
    pub path: &'a Path,
    /// Its lines.
    pub lines: &'a Lines,
    /// What is wrong so far.
    pub problems: Problems,
}

impl Compiler<'_> {
    /// Compiles what a mapping says about rows with these columns; none: what is wrong was said already.
    pub fn compile(
        mut self,
        file: &MappingFile,
        found: Option<(Data, Vec<String>)>,
        usual_as_of: ReadAt,
        environment: Environment,
    ) -> Result<Mapping, Problems> {
        let folder = self.path.parent().unwrap_or(Path::new(""));
        let record_type = self.record_type(file, folder);
        let (Some(record_type), Some((data, header))) = (record_type, found) else {
            return Err(self.problems);
        };
        let column = |name: &str| header.iter().position(|column| column == name);
        let (bindings, plan) = self.bindings(file, &record_type, column);
        let mapping = Mapping {
            path: self.path.to_owned(),
            as_of: self.as_of(file, usual_as_of, column),
            id: self.id(file, column),
            only: self.only(file, column),
            handling: self.handling(file, environment, column),
            bindings,
            plan,
            record_type,
            data,
            header: header.clone(),
        };
        self.problems.or(mapping)
    }

    /// Refuses what stands at a byte offset.
    pub fn refuse(&mut self, cause: Cause, offset: usize, key: &str, detail: impl Into<String>) {
        let problem = Problem::new(cause, self.path, detail).at(self.lines.line(offset));
        self.problems.push(problem.field(format!("`{key}`")));
    }

    fn record_type(&mut self, file: &MappingFile, folder: &Path) -> Option<Arc<RecordType>> {
        let name = file.record_type.get_ref();
        let set = match &file.descriptor_set {
            None => Bytes::from_static(portcullis_proto::DESCRIPTOR_SET),
            Some(path) => match std::fs::read(folder.join(path.get_ref())) {
                Ok(bytes) => Bytes::from(bytes),
                Err(error) => {
                    let detail = format!("cannot be read: {error}");
                    self.refuse(Cause::FileUnreadable, path.span().start, "descriptor_set", detail);
                    return None;
                }
            },
        };
        match RecordType::register(&set, name) {
            Ok(record_type) => Some(Arc::new(record_type)),
            Err(errors) => {
                let at = file.record_type.span().start;
                for error in errors {
                    self.refuse(Cause::SchemaRefused, at, "record_type", error.to_string());
                }
                None
            }
        }
    }

    /// How files are written down.
    pub fn dialect(&mut self, file: &MappingFile) -> Option<Dialect> {
        let mut ascii = |given: &Option<Spanned<char>>, usual: u8, key: &str| match given {
            None => Some(usual),
            Some(sign) => {
                let byte = u8::try_from(*sign.get_ref()).ok();
                let byte = byte.filter(|byte| byte.is_ascii() && !matches!(byte, b'\n' | b'\r'));
                if byte.is_none() {
                    self.refuse(Cause::Setting, sign.span().start, key, "is one ASCII character");
                }
                byte
            }
        };
        let delimiter = ascii(&file.delimiter, b',', "delimiter");
        let quote = ascii(&file.quote, b'"', "quote");
        let encoding = match &file.encoding {
            None => Some(UTF_8),
            Some(label) => {
                let found = Encoding::for_label(label.get_ref().as_bytes());
                let found = found.filter(|encoding| *encoding != REPLACEMENT);
                if found.is_none() {
                    let detail =
                        "is a label of the WHATWG Encoding Standard, such as utf-8 or euc-kr";
                    self.refuse(Cause::Setting, label.span().start, "encoding", detail);
                }
                found
            }
        };
        if delimiter.is_some() && delimiter == quote {
            self.refuse(Cause::Setting, 0, "delimiter", "is another character than `quote`");
        }
        Some(Dialect { encoding: encoding?, delimiter: delimiter?, quote: quote? })
    }

    /// The header that all files share; a column that is there twice cannot be named and is refused.
    pub fn header(&mut self, files: &[PathBuf], dialect: Dialect) -> Option<Vec<String>> {
        let mut first: Option<Vec<String>> = None;
        for path in files {
            match header_of(path, dialect) {
                Err(problem) => self.problems.push(problem),
                Ok(header) => match &first {
                    None => first = Some(header),
                    Some(first) if *first != header => self.problems.push(
                        Problem::new(Cause::Header, path, "header differs from the first file's")
                            .at(1),
                    ),
                    Some(_) => {}
                },
            }
        }
        let header = first?;
        for (at, name) in header.iter().enumerate() {
            if header.iter().take(at).any(|other| other == name) {
                let file = files.first().map_or(self.path, PathBuf::as_path);
                let problem = Problem::new(Cause::Header, file, "is in the header twice").at(1);
                self.problems.push(problem.column(name));
            }
        }
        Some(header)
    }

    fn bindings(
        &mut self,
        file: &MappingFile,
        record_type: &RecordType,
        column: impl Fn(&str) -> Option<usize> + Copy,
    ) -> (Vec<Binding>, MessagePlan) {
        let usual_null = file.null.clone().unwrap_or_else(|| vec![String::new()]);
        let (mut bindings, mut builder) = (vec![], Builder::default());
        for entry in &file.column {
            let line = self.lines.line(entry.span().start);
            let made = self.column(entry.get_ref(), line, &usual_null, record_type, column);
            self.bind(entry.span().start, &entry.get_ref().to, made, &mut bindings, &mut builder);
        }
        for entry in &file.constant {
            let line = self.lines.line(entry.span().start);
            let made = constant(entry.get_ref(), line, record_type, column);
            self.bind(entry.span().start, &entry.get_ref().to, made, &mut bindings, &mut builder);
        }
        if file.column.is_empty() {
            self.refuse(Cause::Setting, 0, "column", "maps at least one column");
        }
        (bindings, builder.build())
    }

    fn bind(
        &mut self,
        at: usize,
        to: &str,
        made: Result<(Binding, target::Target), (Cause, String)>,
        bindings: &mut Vec<Binding>,
        builder: &mut Builder,
    ) {
        let added = made.and_then(|(binding, target)| {
            builder.add(&target, bindings.len()).map_err(|detail| (Cause::Target, detail))?;
            Ok(binding)
        });
        match added {
            Ok(binding) => bindings.push(binding),
            Err((cause, detail)) => {
                let problem = Problem::new(cause, self.path, detail).at(self.lines.line(at));
                self.problems.push(problem.field(to));
            }
        }
    }

    fn column(
        &self,
        entry: &Column,
        line: u64,
        usual_null: &[String],
        record_type: &RecordType,
        column: impl Fn(&str) -> Option<usize> + Copy,
    ) -> Result<(Binding, target::Target), (Cause, String)> {
        let target = target::resolve(record_type, &entry.to).map_err(|e| (Cause::Target, e))?;
        let find = |name: &str| {
            column(name).ok_or_else(|| (Cause::Header, format!("there is no column `{name}`")))
        };
        let (text, label) = match (&entry.from, &entry.template) {
            (Some(from), None) => {
                let names = from.all();
                let columns: Result<Vec<usize>, _> = names.iter().map(|name| find(name)).collect();
                (Text::Columns(columns?), names.join(", "))
            }
            (None, Some(template)) => (Text::Template(pieces(template, find)?), template.clone()),
            _ => return Err((Cause::Setting, "needs either `from` or `template`".into())),
        };
        let convert = conversion::compile(entry.convert.as_ref(), &target, column)
            .map_err(|detail| (Cause::Setting, detail))?;
        let pair = matches!(convert, super::convert::Conversion::Point(_));
        let wrong = match &text {
            Text::Columns(columns) if pair && columns.len() != 2 => {
                Some("takes two columns: latitude, longitude")
            }
            Text::Columns(columns) if columns.is_empty() => Some("`from` names no column"),
            Text::Template(_) if pair => Some("takes two columns, not a template"),
            _ if entry.split.is_some() && !target.list => {
                Some("`split` fills repeated fields only")
            }
            _ if entry.split.as_deref() == Some("") => Some("`split` is not empty"),
            _ if entry.default.is_some() && entry.map.is_none() => {
                Some("`default` goes with a `map`")
            }
            _ => None,
        };
        if let Some(detail) = wrong {
            return Err((Cause::Setting, detail.into()));
        }
        let codes = entry.map.clone().map(|map| CodeList { map, default: entry.default.clone() });
        let binding = Binding {
            text,
            pair,
            label,
            field: entry.to.clone(),
            line,
            null: entry.null.clone().unwrap_or_else(|| usual_null.to_vec()),
            required: entry.required,
            split: entry.split.clone(),
            codes,
            convert,
        };
        // A code list is checked where it is written, not when a row first uses the code.
        binding.check_codes().map_err(|detail| (Cause::Setting, detail))?;
        Ok((binding, target))
    }

    fn id(&mut self, file: &MappingFile, column: impl Fn(&str) -> Option<usize>) -> Vec<usize> {
        let at = file.id.span().start;
        if file.id.get_ref().is_empty() {
            self.refuse(Cause::Setting, at, "id", "names at least one column");
        }
        let mut columns = vec![];
        for name in file.id.get_ref() {
            match column(name) {
                Some(found) => columns.push(found),
                None => {
                    self.refuse(Cause::Header, at, "id", format!("there is no column `{name}`"))
                }
            }
        }
        columns
    }

    fn only(
        &mut self,
        file: &MappingFile,
        column: impl Fn(&str) -> Option<usize> + Copy,
    ) -> Vec<Test> {
        let mut tests = vec![];
        for condition in &file.only {
            match Test::new(condition.get_ref(), column) {
                Ok(test) => tests.push(test),
                Err(detail) => self.refuse(Cause::Setting, condition.span().start, "only", detail),
            }
        }
        tests
    }

    fn handling(
        &mut self,
        file: &MappingFile,
        environment: Environment,
        column: impl Fn(&str) -> Option<usize> + Copy,
    ) -> HandlingPlan {
        let Some(handling) = &file.handling else { return HandlingPlan::default() };
        HandlingPlan::new(handling.get_ref(), environment, column).unwrap_or_else(|(at, detail)| {
            self.refuse(Cause::Setting, at.unwrap_or(handling.span().start), "handling", detail);
            HandlingPlan::default()
        })
    }

    fn as_of(
        &mut self,
        file: &MappingFile,
        usual: ReadAt,
        column: impl Fn(&str) -> Option<usize>,
    ) -> ReadAt {
        let Some(given) = &file.data_as_of else { return usual };
        let read = match given.get_ref() {
            AsOf::Fixed(text) => calendar::moment(text)
                .map(ReadAt::Fixed)
                .ok_or_else(|| "is an RFC 3339 time or a date".to_owned()),
            AsOf::Column(by) => column(&by.column)
                .ok_or_else(|| format!("there is no column `{}`", by.column))
                .and_then(|column| {
                    let formats = conversion::formats(Some(&by.format))?;
                    let offset = conversion::offset(by.offset.as_deref(), &formats)?;
                    Ok(ReadAt::Column { column, formats, offset })
                }),
        };
        read.unwrap_or_else(|detail| {
            self.refuse(Cause::Setting, given.span().start, "data_as_of", detail);
            usual
        })
    }
}

fn constant(
    entry: &Constant,
    line: u64,
    record_type: &RecordType,
    column: impl Fn(&str) -> Option<usize>,
) -> Result<(Binding, target::Target), (Cause, String)> {
    let target = target::resolve(record_type, &entry.to).map_err(|e| (Cause::Target, e))?;
    let convert = conversion::compile(entry.convert.as_ref(), &target, column)
        .map_err(|detail| (Cause::Setting, detail))?;
    let binding = Binding {
        text: Text::Constant(entry.value.cell()),
        pair: false,
        label: "constant".into(),
        field: entry.to.clone(),
        line,
        null: vec![],
        required: true,
        split: None,
        codes: None,
        convert,
    };
    binding.check_constant().map_err(|detail| (Cause::Setting, detail))?;
    Ok((binding, target))
}

/// `INS-{Declaration ID}`; `{{` and `}}` stand for braces.
pub(super) fn pieces(
    template: &str,
    mut find: impl FnMut(&str) -> Result<usize, (Cause, String)>,
) -> Result<Vec<Piece>, (Cause, String)> {
    let mut pieces = vec![];
    let (mut literal, mut chars) = (String::new(), template.chars().peekable());
    while let Some(c) = chars.next() {
        if (c == '{' || c == '}') && chars.peek() == Some(&c) {
            chars.next();
            literal.push(c);
        } else if c == '{' {
            let mut name = String::new();
            loop {
                match chars.next() {
                    Some('}') => break,
                    Some(c) => name.push(c),
                    None => {
                        return Err((Cause::Setting, "`template` has a brace without end".into()));
                    }
                }
            }
            pieces.push(Piece::Literal(std::mem::take(&mut literal)));
            pieces.push(Piece::Column(find(&name)?));
        } else if c == '}' {
            return Err((Cause::Setting, "`template` has a brace without beginning".into()));
        } else {
            literal.push(c);
        }
    }
    pieces.push(Piece::Literal(literal));
    Ok(pieces)
}

fn header_of(path: &Path, dialect: Dialect) -> Result<Vec<String>, Problem> {
    let unreadable = |error: std::io::Error| {
        Problem::new(Cause::FileUnreadable, path, format!("cannot be read: {error}"))
    };
    let mut rows = Rows::new(File::open(path).map_err(unreadable)?, dialect);
    let mut row = Row::default();
    match rows.read(&mut row) {
        Ok(true) => Ok(row.cells().map(|cell| cell.trim().to_owned()).collect()),
        Ok(false) => Err(Problem::new(Cause::Header, path, "has no header")),
        Err(error) => Err(Problem::new(Cause::Header, path, error.to_string()).at(row.line)),
    }
}
