//! Plans as `portcullis explain --json` prints them, by who asks: the active policy, as a view can apply it.
//!
//! A folder of plans has a folder for each requester, named after its agency, with a file for each record type:
//! `nv-customs/declaration.json`, say, that holds what `portcullis explain --json --fields '*'` printed to `nv-customs` of
//! declarations. The file's name gives the record type: a table's name, or a record's, short or full. Where several
//! agreements give a record type, each has a file, with what tells them apart behind an `@`: `Payment@vl-fiu.json`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::detect::look::{Level, Shown, Treatment};
use crate::table::Table;

/// Why plans cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// A file or folder.
    #[error("cannot read {}: {cause}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// What the system says.
        cause: std::io::Error,
    },
    /// Not an explanation.
    #[error("{}: not what `portcullis explain --json` prints: {cause}", path.display())]
    Content {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        cause: serde_json::Error,
    },
    /// A record type nobody generates.
    #[error("{}: `{name}` is no record type of the simulator", path.display())]
    RecordType {
        /// Which file.
        path: PathBuf,
        /// What it says.
        name: String,
    },
    /// A word of a later gateway.
    #[error("{}: unknown treatment `{word}`", path.display())]
    Treatment {
        /// Which file.
        path: PathBuf,
        /// The word.
        word: String,
    },
}

#[derive(Deserialize)]
struct Document {
    #[serde(default = "yes")]
    allowed: bool,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    rules: Vec<String>,
    #[serde(default)]
    plans: Vec<PlanText>,
}

fn yes() -> bool {
    true
}

#[derive(Deserialize)]
struct PlanText {
    originator: String,
    fields: Vec<FieldText>,
}

#[derive(Deserialize)]
struct FieldText {
    path: String,
    treatment: String,
    #[serde(default)]
    rule: String,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    usable_in_filter: bool,
}

/// What a plan does with a field, and by which rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Treated {
    /// What is done.
    pub treatment: Treatment,
    /// As the plan writes it.
    pub word: String,
    /// Rule that says so.
    pub rule: String,
    /// One word on why.
    pub reason: String,
}

/// What one agency is shown of a table of another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Disclosure {
    /// By column.
    Fields(Vec<Treated>),
    /// Nothing, for this reason and by these rules.
    Refused {
        /// One word.
        reason: String,
        /// Rules behind it.
        rules: Vec<String>,
    },
}

/// All plans that are known: by requester, originator and table.
#[derive(Debug, Clone, Default)]
pub struct Plans {
    by: BTreeMap<(String, String, Table), Disclosure>,
    refused: BTreeMap<(String, Table), Disclosure>,
}

impl Plans {
    /// Reads a folder of plans.
    ///
    /// # Errors
    /// The first file that cannot be read, or says what no explanation says.
    pub fn read(folder: &Path) -> Result<Self, PlanError> {
        let mut plans = Self::default();
        for requester in entries(folder)?.into_iter().filter(|path| path.is_dir()) {
            let agency = name(&requester);
            for path in entries(&requester)? {
                if path.extension().is_none_or(|ending| ending != "json") {
                    continue;
                }
                let text = std::fs::read_to_string(&path)
                    .map_err(|cause| PlanError::Read { path: path.clone(), cause })?;
                plans.add(&agency, &text, &path)?;
            }
        }
        Ok(plans)
    }

    /// Adds an explanation that an agency was given, from a file of this name.
    ///
    /// # Errors
    /// When it is none, or of a record type that nobody generates.
    pub fn add(&mut self, requester: &str, text: &str, path: &Path) -> Result<(), PlanError> {
        let (table, document) = explanation(text, path)?;
        if !document.allowed {
            let refused = Disclosure::Refused { reason: document.reason, rules: document.rules };
            self.refused.insert((requester.to_owned(), table), refused);
            return Ok(());
        }
        for plan in document.plans {
            let fields = columns(table, &plan.fields, path)?;
            let key = (requester.to_owned(), plan.originator, table);
            self.by.insert(key, Disclosure::Fields(fields));
        }
        Ok(())
    }

    /// Adds one of a query that asked this originator alone.
    ///
    /// # Errors
    /// As [`Plans::add`].
    pub fn add_from(
        &mut self,
        requester: &str,
        originator: &str,
        text: &str,
        path: &Path,
    ) -> Result<(), PlanError> {
        let (table, document) = explanation(text, path)?;
        if document.allowed {
            return self.add(requester, text, path);
        }
        let key = (requester.to_owned(), originator.to_owned(), table);
        self.by.insert(key, Disclosure::Refused { reason: document.reason, rules: document.rules });
        Ok(())
    }

    /// Says that a requester is shown nothing of an originator's table.
    pub fn refuse(&mut self, requester: &str, originator: &str, table: Table, reason: &str) {
        let refused = Disclosure::Refused { reason: reason.to_owned(), rules: vec![] };
        self.by.insert((requester.to_owned(), originator.to_owned(), table), refused);
    }

    /// What a requester is shown of an originator's table.
    pub fn of(&self, requester: &str, originator: &str, table: Table) -> Disclosure {
        let known = self.by.get(&(requester.to_owned(), originator.to_owned(), table));
        let refused = || self.refused.get(&(requester.to_owned(), table));
        known
            .or_else(refused)
            .cloned()
            .unwrap_or_else(|| Disclosure::Refused { reason: "NO_PLAN".to_owned(), rules: vec![] })
    }

    /// What a requester is shown of tables of some originators. Where several hold one table, the first that shows it.
    pub fn shown(&self, requester: &str, originators: &[&str], tables: &[Table]) -> Shown {
        let mut shown = Shown::default();
        for table in tables {
            let fields = originators.iter().find_map(|originator| {
                match self.of(requester, originator, *table) {
                    Disclosure::Fields(fields) => Some(fields),
                    Disclosure::Refused { .. } => None,
                }
            });
            if let Some(fields) = fields {
                shown.0.insert(*table, fields.iter().map(|field| field.treatment).collect());
            }
        }
        shown
    }
}

/// Reads an explanation; the file's name says of which record type it is.
fn explanation(text: &str, path: &Path) -> Result<(Table, Document), PlanError> {
    let document = serde_json::from_str(text)
        .map_err(|cause| PlanError::Content { path: path.to_owned(), cause })?;
    let stem = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let name = stem.strip_suffix(".json").unwrap_or(&stem).split('@').next().unwrap_or_default();
    let short = name.rsplit('.').next().unwrap_or_default();
    let is = |table: &&Table| {
        table.name() == short || table.record_type().rsplit('.').next() == Some(short)
    };
    let unknown = || PlanError::RecordType { path: path.to_owned(), name: name.to_owned() };
    Ok((*Table::ALL.iter().find(is).ok_or_else(unknown)?, document))
}

/// Treatments by column. A column that fills no field of the record is not shown, and the holder is always known.
fn columns(table: Table, fields: &[FieldText], path: &Path) -> Result<Vec<Treated>, PlanError> {
    let nothing = |reason: &str| Treated {
        treatment: Treatment::Withhold,
        word: "withhold".to_owned(),
        rule: String::new(),
        reason: reason.to_owned(),
    };
    let columns = table.columns().iter().enumerate();
    columns
        .map(|(place, column)| {
            if place == 0 {
                return Ok(Treated { treatment: Treatment::Clear, ..nothing("") });
            }
            let Some(field) = fields.iter().find(|field| field.path == column.path) else {
                return Ok(nothing("NOT_IN_PLAN"));
            };
            Ok(Treated {
                treatment: treatment(field).ok_or_else(|| PlanError::Treatment {
                    path: path.to_owned(),
                    word: field.treatment.clone(),
                })?,
                word: field.treatment.clone(),
                rule: field.rule.clone(),
                reason: field.reason.clone(),
            })
        })
        .collect()
}

fn treatment(field: &FieldText) -> Option<Treatment> {
    Some(match field.treatment.as_str() {
        "clear" => Treatment::Clear,
        "mask" => Treatment::Mask,
        "pseudonymise" => Treatment::Pseudonymise { matchable: field.usable_in_filter },
        "presence" => Treatment::Presence,
        "withhold" => Treatment::Withhold,
        word => Treatment::Generalise(Level::parse(word.strip_prefix("generalise:")?)?),
    })
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, PlanError> {
    let failed = |cause| PlanError::Read { path: folder.to_owned(), cause };
    let mut all = vec![];
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        all.push(entry.map_err(failed)?.path());
    }
    all.sort();
    Ok(all)
}
