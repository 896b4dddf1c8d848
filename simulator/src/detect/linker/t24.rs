//! T24: what left another state for the end user of a notice. Keys: the end user's name, then goods and time.

use super::columns::{DECLARATION, DENIAL};
use super::{Linker, best, many};
use crate::detect::ground::Roster;
use crate::detect::look::Look;
use crate::detect::records::{Alike, At, Records};
use crate::detect::sheet::Sheet;
use crate::table::Table;
use crate::world::Office;

/// Links a notice and exports for its end user.
#[derive(Debug)]
pub struct NoticeEvaded;

/// Days after a notice in which an export counts as evading it.
const SOON: f64 = 240.0;

impl Linker for NoticeEvaded {
    fn scheme(&self) -> &'static str {
        "T24"
    }

    fn tables(&self) -> &'static [Table] {
        &[Table::Denial, Table::Declaration]
    }

    fn begins(&self) -> (Table, &'static str) {
        (Table::Denial, "LIC")
    }

    /// Customs of any other state: where the goods left is for the view to say.
    fn partners(&self, roster: &Roster, records: &Records, at: At) -> Vec<Vec<u32>> {
        let own = roster.sister(records.agency(at), Office::Customs);
        let all = roster.all(Office::Customs).filter(|customs| Some(*customs) != own);
        all.map(|customs| vec![customs]).collect()
    }

    fn links(&self, look: &Look, at: At, sheet: &mut Sheet) {
        let (n, d) = (&*DENIAL, &*DECLARATION);
        if at.table == Table::Declaration {
            let user = (Table::Declaration, d.end_user_name);
            let others = look.linked((at, d.end_user_name), user, Alike::AsName).count();
            sheet.number("other declarations for the end user", &[user], many(others));
            return;
        }
        if at.table != Table::Denial {
            return;
        }
        let exports: Vec<At> = look
            .linked((at, n.end_user_name), (Table::Declaration, d.end_user_name), Alike::AsName)
            .filter(|row| look.text(*row, d.direction).is_none_or(|word| word == "EXPORT"))
            .collect();
        let digits = |row: At| look.digits_alike((at, n.hs_code), (row, d.hs_code));
        let days = |row: At| look.days((at, n.denied_at), (row, d.accepted_at));
        let soon = |row: At| days(row).is_some_and(|days| (0.0..SOON).contains(&days));
        let score = |row: At| digits(row).unwrap_or(0.0) + if soon(row) { 3.0 } else { 0.0 };
        let found = best(exports.iter().copied(), score);
        let caught = look.text(at, n.kind).map(|kind| kind == "CATCH_ALL");
        let users = |own, their| {
            [
                (Table::Denial, n.end_user_name),
                (Table::Declaration, d.end_user_name),
                (Table::Denial, own),
                (Table::Declaration, their),
            ]
        };
        let alike = found.and_then(digits);
        sheet.rule(
            "after a notice the like of it leaves for the end user",
            &[users(n.hs_code, d.hs_code), users(n.denied_at, d.accepted_at)].concat(),
            caught == Some(true) && alike.is_some_and(|it| it >= 4.0) && found.is_some_and(soon),
        );
        sheet.flag("a notice", &[(Table::Denial, n.kind)], caught);
        let count = users(n.end_user_name, d.end_user_name);
        sheet.number("exports for the end user", &count, many(exports.len()));
        sheet.number("digits of the codes that agree", &users(n.hs_code, d.hs_code), alike);
        let lag = found.and_then(days);
        sheet.number("days from notice to export", &users(n.denied_at, d.accepted_at), lag);
        let like = |own, their| found.and_then(|row| look.likeness((at, own), (row, their)));
        sheet.number(
            "likeness of the words",
            &users(n.description, d.description),
            like(n.description, d.description),
        );
        sheet.number(
            "likeness of the exporters",
            &users(n.exporter_name, d.exporter_name),
            like(n.exporter_name, d.exporter_name),
        );
    }
}
