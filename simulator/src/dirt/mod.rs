//! Dirt: what happens to clean rows when clerks enter them. Names are spelt otherwise, cells are left empty, digits
//! are swapped, entries are made late. It lies over any [`Out`], so every format and every database gets the same;
//! which cells are hit and how is a function of (pack, seed, table and column, agency and id of the row), so that
//! threads and parts change nothing. The linkage says for each changed cell what it would have held: with it the
//! dirty rows are the clean ones again. Agencies and ids of rows are never touched: truth resolves as before.

mod row;
mod slip;
mod speller;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use crate::rng::Stream;
use crate::table::{Cells as _, Out, Row, Table};
use crate::world::{Office, World};
use crate::write::csv::Line;

use row::{Edited, Held, Value};
use slip::Slip;
use speller::Speller;
pub(crate) use speller::native;

/// What can go wrong in which column of a world's tables.
#[derive(Debug, Clone)]
pub struct Dirt {
    /// By [`Table::index`].
    risks: Vec<Vec<Risk>>,
    speller: Speller,
    /// The culture of each agency.
    cultures: BTreeMap<String, usize>,
    late_hours: [f64; 2],
}

/// A column at risk.
#[derive(Debug, Clone)]
struct Risk {
    place: usize,
    stream: Stream,
    /// Slips that can happen, and the share of cells that each hits; a cell has one at most.
    slips: Vec<(Slip, f64)>,
}

impl Dirt {
    /// That of a world, at its pack's rates.
    pub fn new(world: &World) -> Self {
        let risks = |table: &Table| {
            let places = table.columns().iter().enumerate();
            places
                .filter_map(|(place, column)| {
                    let slips = slip::of(*table, place, column);
                    let slips: Vec<_> = slips.map(|slip| (slip, slip.rate(&world.slips))).collect();
                    let name = format!("dirt.{}.{}", table.name(), column.name);
                    (!slips.is_empty()).then(|| Risk {
                        place,
                        stream: Stream::new(world.seed, &name),
                        slips,
                    })
                })
                .collect()
        };
        let agencies = world.countries.iter().flat_map(|country| {
            Office::ALL.map(|office| (country.agency(office).to_owned(), country.culture))
        });
        Self {
            risks: Table::ALL.iter().map(risks).collect(),
            speller: Speller::new(world),
            cultures: agencies.collect(),
            late_hours: world.slips.late_hours,
        }
    }

    /// Takes rows in place of `out`, which gets them with their dirt.
    pub fn over<'a, O: Out>(&'a self, out: &'a mut O) -> Dirty<'a, O> {
        Dirty { dirt: self, out, held: Held::default(), edits: vec![], linkage: vec![] }
    }

    /// What becomes of a cell, where anything does.
    fn slip(&self, risk: &Risk, held: &Held, row: u64) -> Option<(Slip, Value<'static>)> {
        let mut cell = risk.stream.row(row);
        let mut drawn = cell.unit();
        let slip = risk.slips.iter().find_map(|(slip, rate)| {
            drawn -= rate;
            (drawn < 0.0).then_some(*slip)
        })?;
        let value = held.value(risk.place)?;
        let dirty = match (slip, &value) {
            (_, value) if value.says_nothing() => return None,
            (Slip::Missing, value) => value.nothing(),
            (Slip::Spelling, Value::Text(name)) => {
                let culture = self.cultures.get(held.agency()).copied();
                Value::Text(self.speller.write(name, culture, &mut cell)?.into())
            }
            (Slip::Digits, Value::Word(number)) => {
                Value::Word(slip::swap_digits(number, &mut cell)?.into())
            }
            (Slip::Digits, Value::Text(number)) => {
                Value::Text(slip::swap_digits(number, &mut cell)?.into())
            }
            (Slip::Late, Value::Moment(Some(at))) => {
                let [least, most] = self.late_hours;
                Value::Moment(Some(at.plus_days(cell.between(least, most) / 24.0)))
            }
            _ => return None,
        };
        (dirty != value).then_some((slip, dirty))
    }
}

/// Rows on their way through the hands of clerks.
pub struct Dirty<'a, O> {
    dirt: &'a Dirt,
    out: &'a mut O,
    held: Held,
    edits: Vec<(usize, Value<'static>)>,
    /// What was changed: rows of the truth's `dirt.csv`.
    pub linkage: Vec<u8>,
}

impl<O: Out> Out for Dirty<'_, O> {
    fn put<R: Row>(&mut self, row: &R) {
        let risks = self.dirt.risks.get(R::TABLE.index()).map_or(&[][..], Vec::as_slice);
        if risks.is_empty() {
            return self.out.put(row);
        }
        self.edits.clear();
        self.held.take(row);
        let number = self.held.number();
        for risk in risks {
            if let Some((slip, value)) = self.dirt.slip(risk, &self.held, number) {
                link::<R>(&mut self.linkage, &self.held, risk.place, slip, &value);
                self.edits.push((risk.place, value));
            }
        }
        if self.edits.is_empty() {
            self.out.put(row);
        } else {
            self.out.put(&Edited { row, edits: &self.edits });
        }
    }
}

/// Adds a row of the linkage.
fn link<R: Row>(out: &mut Vec<u8>, held: &Held, place: usize, slip: Slip, dirty: &Value) {
    let column = R::TABLE.columns().get(place).map_or("", |column| column.name);
    let mut line = Line(out);
    for word in [R::TABLE.name(), held.id(), held.agency(), column, slip.word()] {
        line.word(word);
    }
    if let Some(clean) = held.value(place) {
        clean.put(&mut line);
    }
    dirty.put(&mut line);
    if let Some(last) = out.last_mut() {
        *last = b'\n';
    }
}
