//! T23: a licence for what another authority denied. Keys: the end user's name, then item and time.

use super::columns::{DENIAL, LICENCE};
use super::{Linker, best, many};
use crate::detect::ground::Roster;
use crate::detect::look::Look;
use crate::detect::records::{Alike, At, Place, Records};
use crate::detect::sheet::Sheet;
use crate::table::Table;
use crate::world::Office;

/// Links a licence and denials for its end user.
#[derive(Debug)]
pub struct LicenceShopping;

/// Columns of a licence or a denial that say the same.
struct Side {
    end_user: Place,
    consignee: Place,
    applicant: Place,
    hs_code: Place,
    control: Place,
    words: Place,
    quantity: Place,
    at: Place,
}

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
        let licence = Side {
            end_user: l.end_user_name,
            consignee: l.consignee_name,
            applicant: l.exporter_name,
            hs_code: l.hs_code,
            control: l.control_code,
            words: l.description,
            quantity: l.quantity,
            at: l.applied_at,
        };
        let denial = Side {
            end_user: n.end_user_name,
            consignee: n.consignee_name,
            applicant: n.exporter_name,
            hs_code: n.hs_code,
            control: n.control_code,
            words: n.description,
            quantity: n.quantity,
            at: n.denied_at,
        };
        let (own, theirs, other) = match at.table {
            Table::Licence => (licence, denial, Table::Denial),
            Table::Denial => (denial, licence, Table::Licence),
            _ => return,
        };
        let linked = look.linked((at, own.end_user), (other, theirs.end_user), Alike::AsName);
        let denials: Vec<At> = linked.collect();
        let digits = |row: At| look.digits_alike((at, own.hs_code), (row, theirs.hs_code));
        let days = |row: At| {
            let days = look.days((row, theirs.at), (at, own.at))?;
            Some(if at.table == Table::Licence { days } else { -days })
        };
        let unlike =
            |row: At| look.log_ratio((at, own.quantity), (row, theirs.quantity)).map(libm::fabs);
        let score = |row: At| {
            let before = days(row).is_none_or(|days| days > -30.0);
            let alike = unlike(row).is_some_and(|unlike| unlike < 0.25);
            digits(row).unwrap_or(0.0)
                + if before { 3.0 } else { 0.0 }
                + if alike { 1.0 } else { 0.0 }
        };
        let found = best(denials.iter().copied(), score);
        let reads = |mine, their| {
            [(at.table, mine), (other, their), (other, theirs.end_user), (at.table, own.end_user)]
        };
        let alike = found.and_then(digits);
        let lag = found.and_then(days);
        sheet.rule(
            "denied to the end user before, for the same item",
            &[reads(own.hs_code, theirs.hs_code), reads(own.at, theirs.at)].concat(),
            alike == Some(6.0) && lag.is_some_and(|days| (-30.0..1_100.0).contains(&days)),
        );
        sheet.number(
            "denials for the end user",
            &reads(own.end_user, theirs.end_user),
            many(denials.len()),
        );
        sheet.number("digits of the codes that agree", &reads(own.hs_code, theirs.hs_code), alike);
        let control = found
            .and_then(|row| look.same((at, own.control), (row, theirs.control), Alike::Exactly));
        sheet.flag("the same control", &reads(own.control, theirs.control), control);
        // Years: regimes ask for three, and nothing is to be learned from a day more or less.
        let years = lag.map(|days| libm::floor(days / 365.0));
        sheet.number("years from denial to application", &reads(own.at, theirs.at), years);
        let like = |mine, their| found.and_then(|row| look.likeness((at, mine), (row, their)));
        let more = found.and_then(unlike);
        sheet.number("unlike in quantity", &reads(own.quantity, theirs.quantity), more);
        let consignee = found
            .and_then(|row| look.same((at, own.consignee), (row, theirs.consignee), Alike::AsName));
        sheet.flag("the same consignee", &reads(own.consignee, theirs.consignee), consignee);
        sheet.number(
            "likeness of the words",
            &reads(own.words, theirs.words),
            like(own.words, theirs.words),
        );
        sheet.number(
            "likeness of the applicants",
            &reads(own.applicant, theirs.applicant),
            like(own.applicant, theirs.applicant),
        );
    }
}
