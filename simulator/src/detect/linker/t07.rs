//! T07: a licence, the certificate that it rests on, and what its end user says to that. Key: the certificate's number.

use super::columns::{CERTIFICATE, CHECK, LICENCE};
use super::{Linker, many};
use crate::detect::ground::Roster;
use crate::detect::look::Look;
use crate::detect::records::{Alike, At, Records};
use crate::detect::sheet::Sheet;
use crate::table::Table;
use crate::world::Office;

/// Links a licence, certificates and checks.
#[derive(Debug)]
pub struct ForgedCertificate;

impl Linker for ForgedCertificate {
    fn scheme(&self) -> &'static str {
        "T07"
    }

    fn tables(&self) -> &'static [Table] {
        &[Table::Licence, Table::EndUserCertificate, Table::EndUseCheck]
    }

    fn begins(&self) -> (Table, &'static str) {
        (Table::Licence, "LIC")
    }

    /// The bureau of the state of destination.
    fn partners(&self, roster: &Roster, records: &Records, at: At) -> Vec<Vec<u32>> {
        let to = records.text(at, LICENCE.country_of_destination);
        roster.abroad(to, Office::Police).map(|bureau| vec![bureau]).into_iter().collect()
    }

    fn links(&self, look: &Look, at: At, sheet: &mut Sheet) {
        let (l, c, k) = (&*LICENCE, &*CERTIFICATE, &*CHECK);
        // Its own rows of each kind: a certificate leads to its licence, and either to the check.
        let (number, named) = match at.table {
            Table::Licence => (l.certificate_id, l.end_user_name),
            Table::EndUserCertificate => (c.id, c.end_user_name),
            Table::EndUseCheck => (k.certificate_id, k.end_user_name),
            _ => return,
        };
        let by_number = |table: Table, column: usize| {
            if at.table == table {
                Some(at)
            } else {
                look.linked((at, number), (table, column), Alike::Exactly).next()
            }
        };
        let licence = by_number(Table::Licence, l.certificate_id);
        let certificate = by_number(Table::EndUserCertificate, c.id);
        let check = by_number(Table::EndUseCheck, k.certificate_id);
        let is = |row: Option<At>, column: usize, word: &str| {
            row.and_then(|row| Some(look.text(row, column)? == word))
        };
        let granted = is(licence, l.status, "GRANTED");
        let denied = is(check, k.outcome, "UNFAVOURABLE");
        let reads_check = [
            (Table::Licence, l.certificate_id),
            (Table::EndUseCheck, k.certificate_id),
            (Table::EndUseCheck, k.outcome),
        ];
        let reads_both = [reads_check.as_slice(), &[(Table::Licence, l.status)]].concat();
        let both = granted.zip(denied).map(|(granted, denied)| granted && denied);
        sheet.rule(
            "granted on a certificate that its end user denies",
            &reads_both,
            both == Some(true),
        );
        sheet.flag("a check of the certificate is not favourable", &reads_check, denied);
        sheet.flag("the end user was asked", &reads_check, Some(check.is_some()));
        sheet.flag(
            "the licence is granted",
            &[(Table::Licence, l.status), (Table::Licence, l.certificate_id)],
            granted,
        );
        let words = |column| check.map(|row| look.tokens(row, column)).unwrap_or_default();
        sheet.words("what the check found", &[(Table::EndUseCheck, k.findings)], words(k.findings));
        // The same stamp on certificates of other end users.
        let stamp = (Table::EndUserCertificate, c.stamp);
        let same: Vec<At> = certificate
            .into_iter()
            .flat_map(|row| look.linked((row, c.stamp), stamp, Alike::Exactly))
            .collect();
        let others = certificate.map(|own| {
            let own = (own, c.end_user_name);
            let other =
                |row: &&At| look.same(own, (**row, c.end_user_name), Alike::AsName) == Some(false);
            same.iter().filter(other).count()
        });
        let reads = [stamp, (Table::EndUserCertificate, c.end_user_name)];
        sheet.number(
            "certificates of other end users with the stamp",
            &reads,
            others.and_then(many),
        );
        // What else is known of the firm that is named.
        let of_name = |table: Table, column: usize| {
            let found = look.linked((at, named), (table, column), Alike::AsName).count();
            many(found)
        };
        sheet.number(
            "licences for the end user",
            &[(Table::Licence, l.end_user_name)],
            of_name(Table::Licence, l.end_user_name),
        );
        sheet.number(
            "checks of the end user",
            &[(Table::EndUseCheck, k.end_user_name)],
            of_name(Table::EndUseCheck, k.end_user_name),
        );
        let other_consignee = licence.and_then(|row| {
            let same = look.same((row, l.end_user_name), (row, l.consignee_name), Alike::AsName)?;
            Some(!same)
        });
        sheet.flag(
            "the end user is not the consignee",
            &[(Table::Licence, l.end_user_name), (Table::Licence, l.consignee_name)],
            other_consignee,
        );
    }
}
