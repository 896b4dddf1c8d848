//! T08: a licence and what customs released on it. Key: the licence's number.

use std::collections::BTreeSet;

use super::columns::{DECLARATION, LICENCE};
use super::{Linker, many};
use crate::detect::ground::Roster;
use crate::detect::look::Look;
use crate::detect::records::{Alike, At, Records};
use crate::detect::sheet::Sheet;
use crate::table::Table;
use crate::world::Office;

/// Links a licence and its releases.
#[derive(Debug)]
pub struct OverdrawnLicence;

/// Logarithm of what counts as more than allowed: a fiftieth, as scales and counts differ.
const MORE: f64 = 0.02;

impl Linker for OverdrawnLicence {
    fn scheme(&self) -> &'static str {
        "T08"
    }

    fn tables(&self) -> &'static [Table] {
        &[Table::Licence, Table::Declaration]
    }

    fn begins(&self) -> (Table, &'static str) {
        (Table::Licence, "LIC")
    }

    /// Customs of the authority's state.
    fn partners(&self, roster: &Roster, records: &Records, at: At) -> Vec<Vec<u32>> {
        let customs = roster.sister(records.agency(at), Office::Customs);
        customs.map(|customs| vec![customs]).into_iter().collect()
    }

    fn links(&self, look: &Look, at: At, sheet: &mut Sheet) {
        let (l, d) = (&*LICENCE, &*DECLARATION);
        let number = match at.table {
            Table::Licence => l.id,
            Table::Declaration => d.licence_id,
            _ => return,
        };
        let licence = if at.table == Table::Licence {
            Some(at)
        } else {
            look.linked((at, number), (Table::Licence, l.id), Alike::Exactly).next()
        };
        let others = look.linked((at, number), (Table::Declaration, d.licence_id), Alike::Exactly);
        let mut releases: Vec<At> = others.collect();
        if at.table == Table::Declaration && look.text(at, d.licence_id).is_some() {
            releases.push(at);
        }
        releases.retain(|row| look.text(*row, d.direction).is_none_or(|word| word == "EXPORT"));
        let sum: f64 = releases.iter().filter_map(|row| look.number(*row, d.quantity)).sum();
        let over = |column: usize| {
            let whole = licence.and_then(|row| look.number(row, column))?;
            (sum > 0.0 && whole > 0.0).then(|| libm::log(sum / whole))
        };
        let beyond = over(l.quantity);
        let on = (Table::Declaration, d.licence_id);
        let sums = [(Table::Licence, l.id), on, (Table::Declaration, d.quantity)];
        let with = |column| [sums.as_slice(), &[(Table::Licence, column)]].concat();
        sheet.rule(
            "more was released than the licence allows",
            &with(l.quantity),
            beyond.is_some_and(|beyond| beyond > MORE),
        );
        sheet.number("released over allowed", &with(l.quantity), beyond);
        sheet.number("released over written off", &with(l.drawn_quantity), over(l.drawn_quantity));
        sheet.number(
            "written off over allowed",
            &[(Table::Licence, l.drawn_quantity), (Table::Licence, l.quantity)],
            licence.and_then(|row| look.log_ratio((row, l.drawn_quantity), (row, l.quantity))),
        );
        sheet.number("releases on the licence", &[on], many(releases.len()));
        let offices: BTreeSet<_> =
            releases.iter().filter_map(|row| look.text(*row, d.office)).collect();
        sheet.number(
            "offices that released",
            &[on, (Table::Declaration, d.office)],
            many(offices.len()),
        );
        let mut moments: Vec<f64> =
            releases.iter().filter_map(|row| look.number(*row, d.accepted_at)).collect();
        moments.sort_by(f64::total_cmp);
        let days = |seconds: f64| seconds / 86_400.0;
        let span = moments.first().zip(moments.last()).map(|(first, last)| days(last - first));
        let when = [on, (Table::Declaration, d.accepted_at)];
        sheet.number("days from first to last", &when, span);
        let gap = (moments.len() > 1).then(|| {
            span.unwrap_or_default() / f64::from(u32::try_from(moments.len() - 1).unwrap_or(1))
        });
        sheet.number("days between releases", &when, gap);
    }
}
