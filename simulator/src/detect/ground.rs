//! A world as a detector meets it: its records, who holds them, and, to learn from and to be judged by, the truth.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::records::{Alike, At, Records, hash, place};
use crate::describe::read::{Folder, ReadError, Row};
use crate::generate::Truth;
use crate::scheme::Holder;
use crate::table::Table;
use crate::world::{Office, World};

/// Agencies that take part, by their number among the words of the records.
#[derive(Debug, Clone, Default)]
pub struct Roster {
    of: BTreeMap<u32, (u32, Office)>,
    by: BTreeMap<(u32, Office), u32>,
    states: HashMap<String, u32>,
}

impl Roster {
    /// Those of a world that hold any row.
    pub fn new(world: &World, records: &Records) -> Self {
        let mut roster = Self::default();
        for state in world.participants() {
            let country = world.countries.id(state);
            roster.states.insert(country.code.clone(), state);
            for office in Office::ALL {
                if let Some(agency) = records.word(country.agency(office)).filter(|it| *it != 0) {
                    roster.of.insert(agency, (state, office));
                    roster.by.insert((state, office), agency);
                }
            }
        }
        roster
    }

    /// What an agency is.
    pub fn office(&self, agency: u32) -> Option<Office> {
        self.of.get(&agency).map(|(_, office)| *office)
    }

    /// An agency of the same state.
    pub fn sister(&self, agency: u32, office: Office) -> Option<u32> {
        let (state, _) = self.of.get(&agency)?;
        self.by.get(&(*state, office)).copied()
    }

    /// An agency of a state, by the state's code.
    pub fn abroad(&self, code: &str, office: Office) -> Option<u32> {
        self.by.get(&(*self.states.get(code)?, office)).copied()
    }

    /// All agencies of a kind.
    pub fn all(&self, office: Office) -> impl Iterator<Item = u32> {
        self.of.iter().filter(move |(_, (_, kind))| *kind == office).map(|(agency, _)| *agency)
    }

    /// Whether an agency takes part.
    pub fn has(&self, agency: u32) -> bool {
        self.of.contains_key(&agency)
    }
}

/// The kind of agency that plays a part.
pub fn office(holder: &str) -> Option<Office> {
    [
        (Holder::ExportCustoms, Office::Customs),
        (Holder::OtherExportCustoms, Office::Customs),
        (Holder::ImportCustoms, Office::Customs),
        (Holder::Licensing, Office::Licensing),
        (Holder::OtherLicensing, Office::Licensing),
        (Holder::Port, Office::Port),
        (Holder::CoastGuard, Office::CoastGuard),
        (Holder::Fiu, Office::Fiu),
        (Holder::Intelligence, Office::Intelligence),
        (Holder::PoliceBureau, Office::Police),
    ]
    .into_iter()
    .find(|(known, _)| known.word() == holder)
    .map(|(_, office)| office)
}

/// A case of the truth.
#[derive(Debug, Clone, Default)]
pub struct KnownCase {
    /// Its name.
    pub id: String,
    /// Scheme or decoy.
    pub kind: String,
    /// Whether it is a scheme.
    pub is_true: bool,
    /// Smallest sets of agencies that should suffice.
    pub needs: Vec<Vec<String>>,
    /// Its records with the part in which their agency holds them; an empty part for those that are no trace.
    pub rows: Vec<(At, String)>,
}

impl KnownCase {
    /// Whether agencies are one of its smallest sets.
    pub fn needs(&self, ground: &Ground, agencies: &[u32]) -> bool {
        let names: BTreeSet<&str> =
            agencies.iter().map(|agency| ground.records.text_of(*agency)).collect();
        self.needs
            .iter()
            .any(|set| set.iter().map(String::as_str).collect::<BTreeSet<_>>() == names)
    }
}

/// The truth of a world, by record.
#[derive(Debug, Default)]
pub struct Known {
    /// All cases, in their order.
    pub cases: Vec<KnownCase>,
    /// Of a record, the case it belongs to and its part there.
    pub of: HashMap<At, (usize, String)>,
    /// Declarations that are fraud or a decoy of one consignment.
    pub odd: HashSet<At>,
}

/// A world as a detector meets it.
#[derive(Debug)]
pub struct Ground {
    /// Its records.
    pub records: Records,
    /// Who holds them.
    pub roster: Roster,
    /// What is true.
    pub known: Known,
}

type Cells<'a> = &'a mut dyn FnMut(&[&str]);

impl Ground {
    /// From an engine.
    pub fn made(engine: &crate::shipment::Engine, wanted: &BTreeSet<Table>) -> Self {
        let (records, truth) = Records::made(engine, wanted);
        Self::with_truth(engine.world, records, &truth)
    }

    /// From records and the truth about them.
    pub fn with_truth(world: &World, records: Records, truth: &Truth) -> Self {
        let roster = Roster::new(world, &records);
        let known = Known::of(&records, |kind, width, each| {
            let bytes = match kind {
                "cases" => &truth.cases,
                "traces" => &truth.traces,
                _ => &truth.labels,
            };
            let mut reader =
                csv::ReaderBuilder::new().has_headers(false).from_reader(bytes.as_slice());
            for row in reader.records().flatten() {
                let cells: Vec<&str> =
                    (0..width).map(|at| row.get(at).unwrap_or_default()).collect();
                each(&cells);
            }
            Ok(())
        });
        Self { records, roster, known: known.unwrap_or_default() }
    }

    /// From a generated folder of the same world.
    ///
    /// # Errors
    /// The first file or line that cannot be read.
    pub fn read(
        world: &World,
        folder: &Folder,
        wanted: &BTreeSet<Table>,
    ) -> Result<Self, ReadError> {
        let records = Records::read(folder, wanted)?;
        let roster = Roster::new(world, &records);
        let known = Known::of(&records, |kind, width, each| {
            let header = match kind {
                "cases" => Truth::CASES,
                "traces" => Truth::TRACES,
                _ => Truth::LABELS,
            };
            let columns: Vec<&str> = header.trim_end().split(',').collect();
            folder.truth(kind, &columns, &mut |row: &Row| {
                let cells: Vec<&str> = (0..width).map(|at| row.text(at)).collect();
                each(&cells);
            })
        })?;
        Ok(Self { records, roster, known })
    }
}

impl Ground {
    /// Whether an agency holds any row of a table.
    pub fn holds(&self, agency: u32, table: Table) -> bool {
        self.records.all(table).any(|at| self.records.agency(at) == agency)
    }
}

impl Known {
    fn of(
        records: &Records,
        read: impl Fn(&str, usize, Cells<'_>) -> Result<(), ReadError>,
    ) -> Result<Self, ReadError> {
        let (mut cases, mut numbers) = (vec![], HashMap::new());
        read("cases", 5, &mut |row| {
            if let [id, kind, is_true, _, needs] = row {
                numbers.insert((*id).to_owned(), cases.len());
                cases.push(KnownCase {
                    id: (*id).to_owned(),
                    kind: (*kind).to_owned(),
                    is_true: *is_true == "true",
                    needs: needs
                        .split(';')
                        .filter(|set| !set.is_empty())
                        .map(|set| set.split('+').map(str::to_owned).collect())
                        .collect(),
                    rows: vec![],
                });
            }
        })?;
        let mut known = Self { cases, ..Self::default() };
        let tables: HashMap<&str, Table> =
            Table::ALL.iter().map(|table| (table.name(), *table)).collect();
        read("traces", 5, &mut |row| {
            if let [case, table, id, agency, holder] = row
                && let (Some(case), Some(table)) = (numbers.get(*case), tables.get(table))
            {
                let found = find(records, *table, id, Some(agency));
                found.into_iter().for_each(|at| known.add(*case, at, holder));
            }
        })?;
        read("labels", 5, &mut |row| {
            if let [export, import, _, _, case] = row {
                for id in [export, import] {
                    for at in find(records, Table::Declaration, id, None) {
                        match numbers.get(*case) {
                            Some(case) => known.add(*case, at, ""),
                            None => drop(known.odd.insert(at)),
                        }
                    }
                }
            }
        })?;
        known.spread(records);
        Ok(known)
    }

    /// Papers and payments of a consignment belong where its declarations do.
    fn spread(&mut self, records: &Records) {
        let declared = |at: &At| at.table == Table::Declaration;
        let of: Vec<(At, usize)> = self
            .cases
            .iter()
            .enumerate()
            .flat_map(|(case, known)| known.rows.iter().map(move |(at, _)| (*at, case)))
            .filter(|(at, _)| declared(at))
            .collect();
        for (at, case) in of {
            papers(records, at).into_iter().for_each(|at| self.add(case, at, ""));
        }
        let odd: Vec<At> = self.odd.iter().copied().collect();
        self.odd.extend(odd.into_iter().flat_map(|at| papers(records, at)));
    }

    fn add(&mut self, case: usize, at: At, holder: &str) {
        if self.of.contains_key(&at) {
            return;
        }
        self.of.insert(at, (case, holder.to_owned()));
        if let Some(case) = self.cases.get_mut(case) {
            case.rows.push((at, holder.to_owned()));
        }
    }
}

/// Papers of a declared consignment, and payments for it.
fn papers(records: &Records, declaration: At) -> Vec<At> {
    let follow = |at: At, from: &str, table: Table, to: &str| -> Vec<At> {
        let keys = records.keys(at, place(at.table, from), Alike::Exactly);
        keys.into_iter()
            .flat_map(|key| records.with(table, place(table, to), Alike::Exactly, key))
            .map(|row| At { table, row: *row })
            .collect()
    };
    let invoices = follow(declaration, "ucr", Table::Invoice, "ucr");
    let payments: Vec<At> =
        invoices.iter().flat_map(|at| follow(*at, "id", Table::Payment, "invoice_id")).collect();
    [
        invoices,
        payments,
        follow(declaration, "ucr", Table::Transit, "ucr"),
        follow(declaration, "ucr", Table::BillOfLading, "ucr"),
    ]
    .concat()
}

fn find(records: &Records, table: Table, id: &str, agency: Option<&str>) -> Vec<At> {
    records
        .with(table, place(table, "id"), Alike::Exactly, hash(id.as_bytes()))
        .iter()
        .map(|row| At { table, row: *row })
        .filter(|at| agency.is_none_or(|agency| records.text_of(records.agency(*at)) == agency))
        .collect()
}
