//! T12: declared against verified mass. Keys: the numbers of the boxes, near in time; then the exporter's other exports.

use super::columns::{DECLARATION, WEIGHING};
use super::{Linker, best, many};
use crate::detect::ground::Roster;
use crate::detect::look::Look;
use crate::detect::records::{Alike, At, Records};
use crate::detect::sheet::Sheet;
use crate::table::Table;
use crate::world::Office;

/// Links an export and the weighings of its boxes.
#[derive(Debug)]
pub struct CoLoading;

/// Days after acceptance until a box is weighed at most.
const SOON: f64 = 6.0;
/// What scales and papers may differ by.
const NOISE: f64 = 0.03;
/// Most exports of a firm that are held against each other.
const MOST: usize = 40;

impl Linker for CoLoading {
    fn scheme(&self) -> &'static str {
        "T12"
    }

    fn tables(&self) -> &'static [Table] {
        &[Table::Declaration, Table::Weighing]
    }

    fn begins(&self) -> (Table, &'static str) {
        (Table::Declaration, "XC")
    }

    /// The port of the same state.
    fn partners(&self, roster: &Roster, records: &Records, at: At) -> Vec<Vec<u32>> {
        if records.text(at, DECLARATION.direction) != "EXPORT" {
            return vec![];
        }
        let port = roster.sister(records.agency(at), Office::Port);
        port.map(|port| vec![port]).into_iter().collect()
    }

    fn links(&self, look: &Look, at: At, sheet: &mut Sheet) {
        if at.table != Table::Declaration {
            return;
        }
        let (d, w) = (&*DECLARATION, &*WEIGHING);
        let reads = [
            (Table::Declaration, d.containers),
            (Table::Declaration, d.gross_mass_grams),
            (Table::Weighing, w.container),
            (Table::Weighing, w.gross_mass_grams),
            (Table::Weighing, w.tare_grams),
            (Table::Weighing, w.at),
        ];
        let own = over(look, at);
        let exports = |row: &At| look.text(*row, d.direction).is_none_or(|word| word == "EXPORT");
        let others: Vec<f64> = look
            .linked((at, d.exporter_id), (Table::Declaration, d.exporter_id), Alike::Exactly)
            .filter(exports)
            .take(MOST)
            .filter_map(|row| over(look, row))
            .collect();
        let all = own.iter().chain(&others);
        let (sum, count) = all.fold((0.0, 0.0), |(sum, count), over| (sum + over, count + 1.0));
        let mean = (count > 0.0).then_some(sum / count);
        // As many times what the mean of so many even draws from the noise strays by.
        let strays = mean.map(|mean| mean * libm::sqrt(3.0 * count) / NOISE);
        let most = own.iter().chain(&others).copied().reduce(f64::max);
        let beyond = own.iter().chain(&others).filter(|over| **over > NOISE).count();
        let by_exporter = [reads.as_slice(), &[(Table::Declaration, d.exporter_id)]].concat();
        sheet.rule("more was weighed than scales err by", &reads, own.is_some_and(|it| it > NOISE));
        sheet.number("weighed over declared", &reads, own);
        sheet.number("the same, over the exporter's exports", &by_exporter, mean);
        sheet.number("how far that strays", &by_exporter, strays);
        sheet.number("most of them", &by_exporter, most);
        sheet.number("of them beyond the noise", &by_exporter, many(beyond));
    }
}

/// What was weighed over what was declared, less one; none where a box was not weighed.
fn over(look: &Look, export: At) -> Option<f64> {
    let (d, w) = (&*DECLARATION, &*WEIGHING);
    let boxes = look.text(export, d.containers)?.split(';').count();
    let declared = look.number(export, d.gross_mass_grams)?;
    let days = |row: At| look.days((export, d.accepted_at), (row, w.at));
    let near: Vec<At> = look
        .linked((export, d.containers), (Table::Weighing, w.container), Alike::AnyOf)
        .filter(|row| days(*row).is_some_and(|days| (0.0..SOON).contains(&days)))
        .collect();
    let mut weighed = 0.0;
    let mut seen: Vec<At> = vec![];
    for row in &near {
        let same = |other: &At| {
            look.same((*row, w.container), (*other, w.container), Alike::Exactly) == Some(true)
        };
        let of_box = near.iter().copied().filter(|other| other == row || same(other));
        let first = best(of_box, |row| -days(row).unwrap_or(SOON));
        if first == Some(*row) && !seen.contains(row) {
            seen.push(*row);
            weighed += look.number(*row, w.gross_mass_grams)? - look.number(*row, w.tare_grams)?;
        }
    }
    (seen.len() == boxes && declared > 0.0).then(|| weighed / declared - 1.0)
}
