//! T23: a licence for what another authority denied. Keys: the end user's name, then item and time.

use super::columns::{DENIAL, LICENCE};
use super::{Linker, best, many};
use crate::detect::ground::Roster;
use crate::detect::look::Look;
use crate::detect::records::{Alike, At, Records};
use crate::detect::sheet::Sheet;
use crate::table::Table;
use crate::world::Office;

/// Links a licence and denials for its end user.
#[derive(Debug)]
pub struct LicenceShopping;

impl Linker for LicenceShopping {
    fn scheme(&self) -> &'static str {
        "T23"
    }

    fn tables(&self) -> &'static [Table] {
        &[Table::Licence, Table::Denial]
    }

    fn begins(&self) -> (Table, &'static str) {
        (Table::Licence, "LIC'")
    }

    /// Any other authority: which of them denied the end user something is for the view to say.
    fn partners(&self, roster: &Roster, records: &Records, at: At) -> Vec<Vec<u32>> {
        let own = records.agency(at);
        roster
            .all(Office::Licensing)
            .filter(|other| *other != own)
            .map(|other| vec![other])
            .collect()
    }

    fn links(&self, look: &Look, at: At, sheet: &mut Sheet) {
        let (l, n) = (&*LICENCE, &*DENIAL);
        let (denials, names): (Vec<At>, _) = match at.table {
            Table::Licence => (
                look.linked((at, l.end_user_name), (Table::Denial, n.end_user_name), Alike::AsName)
                    .collect(),
                (
                    l.end_user_name,
                    l.hs_code,
                    l.control_code,
                    l.description,
                    l.exporter_name,
                    l.applied_at,
                ),
            ),
            Table::Denial => (
                look.linked(
                    (at, n.end_user_name),
                    (Table::Licence, l.end_user_name),
                    Alike::AsName,
                )
                .collect(),
                (
                    n.end_user_name,
                    n.hs_code,
                    n.control_code,
                    n.description,
                    n.exporter_name,
                    n.denied_at,
                ),
            ),
            _ => return,
        };
        let theirs = if at.table == Table::Licence {
            (
                n.end_user_name,
                n.hs_code,
                n.control_code,
                n.description,
                n.exporter_name,
                n.denied_at,
            )
        } else {
            (
                l.end_user_name,
                l.hs_code,
                l.control_code,
                l.description,
                l.exporter_name,
                l.applied_at,
            )
        };
        let other = if at.table == Table::Licence { Table::Denial } else { Table::Licence };
        let digits = |row: At| look.digits_alike((at, names.1), (row, theirs.1));
        let days = |row: At| {
            let days = look.days((row, theirs.5), (at, names.5))?;
            Some(if at.table == Table::Licence { days } else { -days })
        };
        let pieces = if at.table == Table::Licence {
            (l.quantity, n.quantity)
        } else {
            (n.quantity, l.quantity)
        };
        let unlike = |row: At| look.log_ratio((at, pieces.0), (row, pieces.1)).map(libm::fabs);
        let score = |row: At| {
            let before = days(row).is_none_or(|days| days > -30.0);
            let alike = unlike(row).is_some_and(|unlike| unlike < 0.25);
            digits(row).unwrap_or(0.0)
                + if before { 3.0 } else { 0.0 }
                + if alike { 1.0 } else { 0.0 }
        };
        let found = best(denials.iter().copied(), score);
        let reads =
            |own, their| [(at.table, own), (other, their), (other, theirs.0), (at.table, names.0)];
        let alike = found.and_then(digits);
        let lag = found.and_then(days);
        sheet.rule(
            "denied to the end user before, for the same item",
            &[reads(names.1, theirs.1), reads(names.5, theirs.5)].concat(),
            alike == Some(6.0) && lag.is_some_and(|days| (-30.0..1_100.0).contains(&days)),
        );
        sheet.number("denials for the end user", &reads(names.0, theirs.0), many(denials.len()));
        sheet.number("digits of the codes that agree", &reads(names.1, theirs.1), alike);
        let control =
            found.and_then(|row| look.same((at, names.2), (row, theirs.2), Alike::Exactly));
        sheet.flag("the same control", &reads(names.2, theirs.2), control);
        // Years: regimes ask for three, and nothing is to be learned from a day more or less.
        let years = lag.map(|days| libm::floor(days / 365.0));
        sheet.number("years from denial to application", &reads(names.5, theirs.5), years);
        let like = |own, their| found.and_then(|row| look.likeness((at, own), (row, their)));
        let more = found.and_then(unlike);
        sheet.number("unlike in quantity", &reads(pieces.0, pieces.1), more);
        let to = if at.table == Table::Licence {
            (l.consignee_name, n.consignee_name)
        } else {
            (n.consignee_name, l.consignee_name)
        };
        let consignee = found.and_then(|row| look.same((at, to.0), (row, to.1), Alike::AsName));
        sheet.flag("the same consignee", &reads(to.0, to.1), consignee);
        sheet.number("likeness of the words", &reads(names.3, theirs.3), like(names.3, theirs.3));
        sheet.number(
            "likeness of the applicants",
            &reads(names.4, theirs.4),
            like(names.4, theirs.4),
        );
    }
}
