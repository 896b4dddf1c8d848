//! A mapping file that was read, before anybody looked at the data: which kind of data it maps, and which
//! columns it names. From here it is compiled, with the header of its files or the columns of its table.

use std::path::{Path, PathBuf};

use portcullis_core::handling::Environment;

use super::compile::{Compiler, Data, Mapping, ReadAt, pieces};
use super::mapping::{AsOf, MappingFile};
use super::problem::{Cause, Lines, Problem, Problems};

impl Mapping {
    /// Record type of a mapping, and the columns that make up the id, without a look at the data.
    ///
    /// # Errors
    /// A file that cannot be read or is no mapping.
    pub fn key_of(path: &Path) -> Result<(String, Vec<String>), Problems> {
        let Declared { file, .. } = Declared::read(path, None)?;
        Ok((file.record_type.into_inner(), file.id.into_inner()))
    }
}

/// A mapping file that was read, before anybody looked at the data.
pub struct Declared {
    /// The mapping file.
    pub path: PathBuf,
    /// What it says.
    pub file: MappingFile,
    /// Its lines.
    pub lines: Lines,
    /// The folder that data are relative to.
    pub base: PathBuf,
}

impl Declared {
    /// Reads a mapping. Data are relative to `data_dir`, or to the mapping file where none is given.
    ///
    /// # Errors
    /// A file that cannot be read or is no mapping.
    pub fn read(path: &Path, data_dir: Option<&Path>) -> Result<Self, Problems> {
        let text = std::fs::read_to_string(path).map_err(|error| {
            Problem::new(Cause::FileUnreadable, path, format!("cannot be read: {error}"))
        })?;
        let lines = Lines::of(&text);
        let file: MappingFile = toml::from_str(&text).map_err(|error| {
            let line = lines.line(error.span().map_or(0, |span| span.start));
            Problem::new(Cause::Syntax, path, error.message().trim()).at(line)
        })?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let base = data_dir.unwrap_or(folder).to_owned();
        Ok(Self { path: path.to_owned(), file, lines, base })
    }

    /// Compiles a mapping of files.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn files(&self, environment: Environment) -> Result<Mapping, Problems> {
        let mut compiler = self.compiler();
        let dialect = compiler.dialect(&self.file);
        let (at, named) = match &self.file.files {
            Some(files) => (files.span().start, files.get_ref().as_slice()),
            None => (0, &[][..]),
        };
        let files: Vec<PathBuf> = named.iter().map(|one| self.base.join(one)).collect();
        if files.is_empty() || files.len() > usize::from(u16::MAX) {
            compiler.refuse(Cause::Setting, at, "files", "names at least one file");
        }
        let header = dialect.and_then(|dialect| compiler.header(&files, dialect));
        let data = dialect.map(|dialect| Data::Files { files, dialect });
        compiler.compile(&self.file, data.zip(header), ReadAt::FileModified, environment)
    }

    /// Compiles a mapping of a table that has these columns.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn table(
        &self,
        columns: Vec<String>,
        environment: Environment,
    ) -> Result<Mapping, Problems> {
        let found = Some((Data::Table, columns));
        self.compiler().compile(&self.file, found, ReadAt::Search, environment)
    }

    /// Every column that the mapping names, with the byte offset of the place, in the order of the file.
    pub fn columns(&self) -> Vec<(usize, String)> {
        let mut named: Vec<(usize, String)> = vec![];
        let file = &self.file;
        let at = file.id.span().start;
        named.extend(file.id.get_ref().iter().map(|name| (at, name.clone())));
        for column in &file.column {
            let (at, column) = (column.span().start, column.get_ref());
            let from = column.from.as_ref().map(|from| from.all()).unwrap_or_default();
            named.extend(from.into_iter().map(|name| (at, name)));
            let template = column.template.as_deref().unwrap_or_default();
            // A template that is none is refused when it is compiled.
            let _ = pieces(template, |name| {
                named.push((at, name.to_owned()));
                Ok(0)
            });
            let currency = column.convert.as_ref().and_then(|one| one.currency_column.clone());
            named.extend(currency.map(|name| (at, name)));
        }
        for constant in &file.constant {
            let currency = &constant.get_ref().convert;
            let currency = currency.as_ref().and_then(|one| one.currency_column.clone());
            named.extend(currency.map(|name| (constant.span().start, name)));
        }
        for only in &file.only {
            named.push((only.span().start, only.get_ref().column.clone()));
        }
        if let Some(handling) = &file.handling {
            let at = handling.span().start;
            named.extend(handling.get_ref().settings.columns().map(|name| (at, name.clone())));
            for when in &handling.get_ref().when {
                let (at, when) = (when.span().start, when.get_ref());
                named.push((at, when.condition.column.clone()));
                named.extend(when.settings.columns().map(|name| (at, name.clone())));
            }
        }
        if let Some(as_of) = &file.data_as_of
            && let AsOf::Column(by) = as_of.get_ref()
        {
            named.push((as_of.span().start, by.column.clone()));
        }
        let watermark = file.watermark.as_ref();
        named.extend(watermark.map(|name| (name.span().start, name.get_ref().clone())));
        named
    }

    fn compiler(&self) -> Compiler<'_> {
        Compiler { path: &self.path, lines: &self.lines, problems: Problems::default() }
    }
}
