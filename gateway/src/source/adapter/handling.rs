//! Handling of a row: constants, columns and conditions of the mapping, interned into classes so that a
//! record carries a number. Contradictions are refused here, at the agency's own door, with the row's line.

use std::collections::HashMap;

use portcullis_core::handling::{Environment, Tlp};
use portcullis_core::policy::Purpose;
use portcullis_proto::handling::v1 as wire;

use super::calendar::{self, Format};
use super::conversion;
use super::mapping::{Condition, HandlingFile, HandlingSettings, HandlingWhen};
use super::rows::Row;

/// Most classes of handling that a data set can have.
const MOST_CLASSES: usize = 10_000;

/// What policy decides on, without the originator and the environment, which are the source's.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Class {
    releasable_to: Vec<String>,
    compartments: Vec<String>,
    permitted_use: Vec<String>,
    tlp: i32,
    code: String,
}

/// Handling of one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowHandling {
    /// Position of its class.
    pub class: u32,
    /// Seconds since the epoch.
    pub delete_by: Option<i64>,
    /// Version at the originator; 0: not told.
    pub version: u64,
}

/// Compiled handling of a mapping.
#[derive(Debug, Clone, Default)]
pub struct HandlingPlan {
    base: Settings,
    when: Vec<(Test, Settings)>,
}

#[derive(Debug, Clone, Default)]
struct Settings {
    releasable_to: Option<List>,
    compartments: Option<List>,
    permitted_use: Option<Vec<String>>,
    tlp: Option<i32>,
    code: Option<String>,
    delete_by: Option<DeleteBy>,
    version: Option<Version>,
}

#[derive(Debug, Clone)]
enum List {
    Fixed(Vec<String>),
    Column(usize),
}

#[derive(Debug, Clone)]
enum DeleteBy {
    Fixed(i64),
    After { column: usize, formats: Vec<Format>, offset: i64, days: u32 },
}

#[derive(Debug, Clone)]
enum Version {
    Fixed(u64),
    Column(usize),
}

/// A compiled condition.
#[derive(Debug, Clone)]
pub struct Test {
    column: usize,
    is: Is,
}

#[derive(Debug, Clone)]
enum Is {
    In(Vec<String>),
    NotIn(Vec<String>),
    StartsWith(String),
}

impl Test {
    /// Compiles a condition.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn new(
        condition: &Condition,
        column: impl Fn(&str) -> Option<usize>,
    ) -> Result<Self, String> {
        let Condition { column: name, equals, r#in, not_in, starts_with } = condition;
        let column = column(name).ok_or_else(|| format!("there is no column `{name}`"))?;
        let is = match (equals, r#in, not_in, starts_with) {
            (Some(one), None, None, None) => Is::In(vec![one.clone()]),
            (None, Some(some), None, None) => Is::In(some.clone()),
            (None, None, Some(some), None) => Is::NotIn(some.clone()),
            (None, None, None, Some(start)) => Is::StartsWith(start.clone()),
            _ => return Err("takes exactly one of `equals`, `in`, `not_in`, `starts_with`".into()),
        };
        Ok(Self { column, is })
    }

    /// Does a row meet it?
    pub fn holds(&self, row: &Row) -> bool {
        let cell = row.cell(self.column).unwrap_or_default().trim();
        match &self.is {
            Is::In(some) => some.iter().any(|one| one == cell),
            Is::NotIn(some) => some.iter().all(|one| one != cell),
            Is::StartsWith(start) => cell.starts_with(start),
        }
    }
}

impl HandlingPlan {
    /// Compiles the handling of a mapping.
    ///
    /// # Errors
    /// What is wrong with it, and the byte offset of the `when` that it is in.
    pub fn new(
        file: &HandlingFile,
        environment: Environment,
        column: impl Fn(&str) -> Option<usize> + Copy,
    ) -> Result<Self, (Option<usize>, String)> {
        let base =
            Settings::new(&file.settings, environment, column).map_err(|detail| (None, detail))?;
        let mut when = vec![];
        for entry in &file.when {
            let at = |detail| (Some(entry.span().start), detail);
            let HandlingWhen { condition, settings } = entry.get_ref();
            let settings = Settings::new(settings, environment, column).map_err(at)?;
            when.push((Test::new(condition, column).map_err(at)?, settings));
        }
        Ok(Self { base, when })
    }

    /// The handling of a row.
    ///
    /// # Errors
    /// What was expected, never what stood there.
    pub fn of(&self, row: &Row, classes: &mut Classes) -> Result<RowHandling, &'static str> {
        let mut merged = self.base.by_reference();
        for (_, settings) in self.when.iter().filter(|(test, _)| test.holds(row)) {
            merged.replace_with(settings);
        }
        let class = merged.class(row)?;
        Ok(RowHandling {
            class: classes.intern(class)?,
            delete_by: merged.delete_by(row)?,
            version: merged.version(row)?,
        })
    }
}

#[derive(Default)]
struct Merged<'a> {
    releasable_to: Option<&'a List>,
    compartments: Option<&'a List>,
    permitted_use: Option<&'a Vec<String>>,
    tlp: Option<i32>,
    code: Option<&'a String>,
    delete_by: Option<&'a DeleteBy>,
    version: Option<&'a Version>,
}

impl Settings {
    fn new(
        given: &HandlingSettings,
        environment: Environment,
        column: impl Fn(&str) -> Option<usize> + Copy,
    ) -> Result<Self, String> {
        let find = |name: &str| column(name).ok_or_else(|| format!("there is no column `{name}`"));
        let list = |fixed: &Option<Vec<String>>, by: &Option<String>, key: &str| match (fixed, by) {
            (Some(_), Some(_)) => Err(format!("`{key}` and `{key}_column` exclude each other")),
            (Some(some), None) => Ok(Some(List::Fixed(some.clone()))),
            (None, Some(name)) => Ok(Some(List::Column(find(name)?))),
            (None, None) => Ok(None),
        };
        if given.environment.as_deref().is_some_and(|word| word != environment.word()) {
            return Err(format!("`environment` is not the source's, {}", environment.word()));
        }
        for word in given.permitted_use.iter().flatten() {
            if Purpose::from_word(word).is_none() {
                return Err(format!("`{word}` is no purpose"));
            }
        }
        let tlp = given
            .tlp
            .as_deref()
            .map(|word| {
                let known = Tlp::from_word(word).map(|tlp| tlp as i32);
                known.ok_or_else(|| {
                    format!("`{word}` is no TLP; CLEAR, GREEN, AMBER, AMBER_STRICT, RED")
                })
            })
            .transpose()?;
        let version = match (given.version, &given.version_column) {
            (Some(_), Some(_)) => {
                return Err("`version` and `version_column` exclude each other".into());
            }
            (Some(number), None) => Some(Version::Fixed(number)),
            (None, Some(name)) => Some(Version::Column(find(name)?)),
            (None, None) => None,
        };
        let delete_by = match (&given.delete_by, &given.delete_after) {
            (Some(_), Some(_)) => {
                return Err("`delete_by` and `delete_after` exclude each other".into());
            }
            (Some(text), None) => {
                let at = calendar::moment(text);
                Some(DeleteBy::Fixed(at.ok_or("`delete_by` is an RFC 3339 time or a date")?))
            }
            (None, Some(after)) => {
                let formats = conversion::formats(Some(&after.format))?;
                let offset = conversion::offset(after.offset.as_deref(), &formats)?;
                let column = find(&after.column)?;
                Some(DeleteBy::After { column, formats, offset, days: after.days })
            }
            (None, None) => None,
        };
        Ok(Self {
            releasable_to: list(
                &given.releasable_to,
                &given.releasable_to_column,
                "releasable_to",
            )?,
            compartments: list(&given.compartments, &given.compartments_column, "compartments")?,
            permitted_use: given.permitted_use.clone().map(sorted),
            tlp,
            code: given.handling_code.clone(),
            delete_by,
            version,
        })
    }

    fn by_reference(&self) -> Merged<'_> {
        let mut merged = Merged::default();
        merged.replace_with(self);
        merged
    }
}

impl<'a> Merged<'a> {
    fn replace_with(&mut self, settings: &'a Settings) {
        self.releasable_to = settings.releasable_to.as_ref().or(self.releasable_to);
        self.compartments = settings.compartments.as_ref().or(self.compartments);
        self.permitted_use = settings.permitted_use.as_ref().or(self.permitted_use);
        self.tlp = settings.tlp.or(self.tlp);
        self.code = settings.code.as_ref().or(self.code);
        self.delete_by = settings.delete_by.as_ref().or(self.delete_by);
        self.version = settings.version.as_ref().or(self.version);
    }

    fn class(&self, row: &Row) -> Result<Class, &'static str> {
        let releasable_to = entries(self.releasable_to, row);
        if !releasable_to.iter().all(|agency| is_agency(agency)) {
            return Err("releasable_to: an agency is [a-z0-9-]{1,63}");
        }
        let compartments = entries(self.compartments, row);
        let tlp = self.tlp.unwrap_or_default();
        if tlp == Tlp::Red as i32 && !releasable_to.is_empty() {
            return Err("TLP:RED contradicts an audience of agencies");
        }
        if tlp == Tlp::Clear as i32 && !compartments.is_empty() {
            return Err("TLP:CLEAR contradicts a compartment");
        }
        Ok(Class {
            releasable_to,
            compartments,
            permitted_use: self.permitted_use.cloned().unwrap_or_default(),
            tlp,
            code: self.code.cloned().unwrap_or_default(),
        })
    }

    fn delete_by(&self, row: &Row) -> Result<Option<i64>, &'static str> {
        match self.delete_by {
            None => Ok(None),
            Some(DeleteBy::Fixed(at)) => Ok(Some(*at)),
            Some(DeleteBy::After { column, formats, offset, days }) => {
                let cell = row.cell(*column).unwrap_or_default().trim();
                let read = formats.iter().find_map(|format| format.read(cell));
                let read = read.ok_or("delete_after: not a time in the given format")?;
                Ok(Some(read.unix(*offset) + i64::from(*days) * 86_400))
            }
        }
    }

    fn version(&self, row: &Row) -> Result<u64, &'static str> {
        match self.version {
            None => Ok(0),
            Some(Version::Fixed(number)) => Ok(*number),
            Some(Version::Column(column)) => {
                let cell = row.cell(*column).unwrap_or_default().trim();
                cell.parse().map_err(|_| "version: not a whole number")
            }
        }
    }
}

fn entries(list: Option<&List>, row: &Row) -> Vec<String> {
    match list {
        None => vec![],
        Some(List::Fixed(some)) => sorted(some.clone()),
        Some(List::Column(column)) => {
            let cell = row.cell(*column).unwrap_or_default();
            let some = cell.split(';').map(str::trim).filter(|one| !one.is_empty());
            sorted(some.map(str::to_owned).collect())
        }
    }
}

fn sorted(mut list: Vec<String>) -> Vec<String> {
    list.sort_unstable();
    list.dedup();
    list
}

/// `[a-z0-9-]{1,63}`?
pub fn is_agency(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// Classes by number.
#[derive(Debug, Default)]
pub struct Classes {
    numbers: HashMap<Class, u32>,
    list: Vec<Class>,
}

impl Classes {
    fn intern(&mut self, class: Class) -> Result<u32, &'static str> {
        if let Some(number) = self.numbers.get(&class) {
            return Ok(*number);
        }
        if self.list.len() >= MOST_CLASSES {
            return Err("more than 10,000 different handlings in one data set");
        }
        let number = u32::try_from(self.list.len()).unwrap_or(u32::MAX);
        self.list.push(class.clone());
        self.numbers.insert(class, number);
        Ok(number)
    }

    /// Every class as the wire has it, by number.
    pub fn to_wire(
        &self,
        originator: &str,
        environment: Environment,
        data_as_of: i64,
    ) -> Vec<wire::Handling> {
        let one = |class: &Class| wire::Handling {
            originator: originator.to_owned(),
            releasable_to: class.releasable_to.clone(),
            compartments: class.compartments.clone(),
            tlp: class.tlp,
            handling_code: class.code.clone(),
            permitted_use: class.permitted_use.clone(),
            delete_by: None,
            version: 0,
            supersedes: String::new(),
            data_as_of: Some(prost_types::Timestamp { seconds: data_as_of, nanos: 0 }),
            environment: environment as i32,
        };
        self.list.iter().map(one).collect()
    }
}
