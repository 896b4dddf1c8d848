//! Writes the exchange of a generated world.

use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::agreements::{self, Agreement};
use crate::drill::known;
use crate::load::{LoadError, Served, Target, execute, load, mapping, mapping_of, quoted};
use crate::table::Table;
use crate::world::{Office, World};

/// Why an exchange was not made.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
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
    /// A database.
    #[error("agency `{agency}`: {cause}")]
    Load {
        /// Whose.
        agency: String,
        /// What went wrong.
        cause: LoadError,
    },
}

/// An agency of the exchange.
#[derive(Debug, Clone, Serialize)]
pub struct Made {
    /// Its id.
    pub agency: String,
    /// What it is.
    pub kind: &'static str,
    /// Rows of its database.
    pub rows: u64,
    /// Tables of its database.
    pub tables: Vec<&'static str>,
}

/// An exchange in the making.
pub struct Exchange<'w> {
    world: &'w World,
    dir: PathBuf,
    made: Vec<(Made, String, String, Vec<Table>)>,
    by_now: bool,
}

/// Which rows there are is looked for once a day in the tables: views by an exercise's now show and hide them by themselves.
const ONCE_A_DAY: u32 = 86_400;

impl<'w> Exchange<'w> {
    /// Begins in a folder.
    pub fn new(world: &'w World, dir: &Path) -> Self {
        Self { world, dir: dir.to_owned(), made: vec![], by_now: false }
    }

    /// Serves views that end at an exercise's now, in place of the tables.
    #[must_use]
    pub fn by_now(self) -> Self {
        Self { by_now: true, ..self }
    }

    /// Makes the database and the mappings of every agency that takes part, from generated files. Goes on as long
    /// as `progress` says yes to what was made.
    ///
    /// # Errors
    /// As [`ExchangeError`].
    pub async fn agencies(
        &mut self,
        generated: &Path,
        mut progress: impl FnMut(&Made) -> bool,
    ) -> Result<(), ExchangeError> {
        for state in self.world.participants() {
            let country = self.world.countries.id(state);
            for office in Office::ALL {
                let id = country.agency(office);
                let folder = self.dir.join("agencies").join(id);
                create(&folder)?;
                let target = Target::Sqlite(folder.join("records.sqlite"));
                let loaded = match load(generated, id, &target).await {
                    Ok(loaded) => loaded.rows,
                    // An agency of which a small world has no record asks, and has nothing to answer with.
                    Err(LoadError::NoRows { .. }) => std::collections::BTreeMap::new(),
                    Err(cause) => return Err(ExchangeError::Load { agency: id.to_owned(), cause }),
                };
                let tables: Vec<Table> = Table::ALL
                    .iter()
                    .copied()
                    .filter(|table| loaded.contains_key(table.name()))
                    .collect();
                if let (true, false, Target::Sqlite(file)) =
                    (self.by_now, tables.is_empty(), &target)
                {
                    let done = execute(file, &known::views(&tables)).await;
                    done.map_err(|cause| ExchangeError::Load { agency: id.to_owned(), cause })?;
                }
                for table in &tables {
                    let database = "sqlite:records.sqlite";
                    let text = if self.by_now {
                        let view = known::view(*table);
                        let beneath = Some(table.name());
                        let served = Served { view: &view, beneath, refresh: Some(ONCE_A_DAY) };
                        mapping_of(*table, served, &target, database)
                    } else {
                        mapping(*table, &target, database)
                    };
                    write(&folder.join(format!("{}.toml", table.name())), &text)?;
                }
                let made = Made {
                    agency: id.to_owned(),
                    kind: office.word(),
                    rows: loaded.values().sum(),
                    tables: loaded.keys().copied().collect(),
                };
                let go_on = progress(&made);
                self.made.push((made, country.name.clone(), country.code.clone(), tables));
                if !go_on {
                    return Err(ExchangeError::Stopped);
                }
            }
        }
        Ok(())
    }

    /// Writes agreements, cases and the file that names everything.
    ///
    /// # Errors
    /// As [`ExchangeError`].
    pub fn finish(self) -> Result<Vec<Made>, ExchangeError> {
        let of = |kind: Office| {
            self.made
                .iter()
                .filter(move |(made, ..)| made.kind == kind.word())
                .map(|(made, ..)| made.agency.as_str())
        };
        let all = agreements::all(|kind| of(kind).collect());
        let folder = self.dir.join("agreements");
        create(&folder)?;
        for Agreement { id, text } in &all {
            write(&folder.join(format!("{id}.toml")), text)?;
        }
        write(&self.dir.join("exchange.toml"), &self.text(&all))?;
        Ok(self.made.into_iter().map(|(made, ..)| made).collect())
    }

    fn text(&self, agreements: &[Agreement]) -> String {
        let list = |names: Vec<String>| {
            names.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", ")
        };
        // All that any agency may come to hold: agreements name types of which a small world has no record.
        let types = Table::ALL.iter().map(|table| table.record_type().to_owned()).collect();
        let files = agreements
            .iter()
            .map(|agreement| format!("agreements/{}.toml", agreement.id))
            .collect();
        let mut text = format!(
            "# An exchange of agencies made from world pack `{}`, seed {}: `portcullis playground --exchange` runs it.\n\
             # Everything in it is made up. Truth about schemes is not in here.\n\
             name = {}\nrecord_types = [{}]\nagreements = [{}]\n",
            self.world.pack_name,
            self.world.seed.0,
            quoted(&self.world.pack_name),
            list(types),
            list(files),
        );
        let members = list(self.made.iter().map(|(made, ..)| made.agency.clone()).collect());
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "\n[[case]]\nid = \"CASE-1\"\nopens = \"2026-01-01T00:00:00Z\"\nmembers = [{members}]\n"
        );
        for (made, state, code, tables) in &self.made {
            let mappings = tables
                .iter()
                .map(|table| format!("agencies/{}/{}.toml", made.agency, table.name()))
                .collect();
            let types = tables.iter().map(|table| table.record_type().to_owned()).collect();
            let _ = write!(
                text,
                "\n[[agency]]\nid = {}\nname = {}\ncountry = {}\nkind = {}\nmax_sensitivity = \"SECRET\"\nsystems = [\"desk\"]\n\
                 mappings = [{}]\nrecord_types = [{}]\n",
                quoted(&made.agency),
                quoted(&format!("{state}, {}", made.kind)),
                quoted(code),
                quoted(made.kind),
                list(mappings),
                list(types),
            );
        }
        text
    }
}

fn create(path: &Path) -> Result<(), ExchangeError> {
    std::fs::create_dir_all(path)
        .map_err(|cause| ExchangeError::Write { path: path.to_owned(), cause })
}

fn write(path: &Path, text: &str) -> Result<(), ExchangeError> {
    std::fs::write(path, text)
        .map_err(|cause| ExchangeError::Write { path: path.to_owned(), cause })
}
