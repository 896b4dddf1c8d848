//! What police bureaus found when they asked end users whether certificates are theirs, and the stamps on these.
//! Most checks confirm. Some certificates that a bureau is asked about nobody ever used: the application was withdrawn,
//! or lies with an authority elsewhere. That a firm denies one says nothing, until a licence rests on it.

use super::Engine;
use super::ids::numbered;
use super::licence::{Licence, Outcome};
use crate::rng::Cell;
use crate::scheme::cast;
use crate::table::{EndUseCheck, Out};
use crate::world::Office;

/// Share of certificates with an authority that a bureau is asked about.
const CHECKED: f64 = 0.3;
/// Share of those of which the end user cannot be found or does not answer.
const UNABLE: f64 = 0.15;
/// Share of certificates of applications that came to nothing which the end user denies.
const DENIED_IN_VAIN: f64 = 0.4;
/// Share of certificates that carry the stamp of a chamber or notary, who stamp for many firms.
const CHAMBER: f64 = 0.25;
/// Such stamps of each state.
const CHAMBERS: u64 = 8;
/// Checks for each thousand consignments of certificates that no licence rests on.
pub(super) const IN_VAIN: f64 = 24.0;

/// What a bureau writes when the end user stands by a certificate, cannot be asked, denies it, or does not exist.
const CONFIRMED: [&str; 2] =
    ["end user confirms the certificate", "goods known, certificate confirmed"];
const NOT_REACHED: [&str; 2] = ["end user could not be reached", "no answer within the time set"];
/// What it writes of a firm that denies.
pub const DENIED: &str = "end user denies having signed or stamped the certificate";
/// What it writes where there is no such firm.
pub const NO_SUCH_FIRM: &str = "no firm of that name at the address or in the registry";

/// What a certificate is in truth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Certified {
    /// The end user signed it.
    #[default]
    Genuine,
    /// Forged in the name of a firm that exists or of none, with a stamp of its own or one that is on other papers.
    Forged {
        /// Whether the firm exists.
        of_real_firm: bool,
        /// Whether the stamp was taken from other papers.
        stamp_reused: bool,
    },
}

/// A check of a certificate.
struct Check<'a> {
    id: &'a str,
    state: u32,
    end_user: &'a str,
    certificate: &'a str,
    day: i64,
    outcome: &'static str,
    findings: &'static str,
}

impl Engine<'_> {
    /// The id of the end-user certificate of a licence.
    pub fn certificate_id(&self, licence: u64, state: u32) -> String {
        let id = self.licence_id(licence, state);
        format!("EUC-{}", id.get(4..).unwrap_or_default())
    }

    /// The id of the check of a licence's certificate.
    pub fn check_id(&self, licence: u64) -> String {
        numbered("EC-", self.ids.licences.apply(licence), "")
    }

    /// The stamp on a certificate: the end user's own, or one that stands on others as well.
    pub(super) fn stamp(&self, facts: &Licence, own: i64, certified: Certified) -> String {
        let to = &self.world.countries.id(facts.to).code;
        let mut cell = self.streams.stamp.row(facts.number);
        let shared = match certified {
            Certified::Genuine => cell.chance(CHAMBER),
            Certified::Forged { stamp_reused, .. } => stamp_reused,
        };
        let number = if shared { self.chamber_stamp(facts.to, &mut cell) } else { own };
        format!("ST-{to}-{number:04}")
    }

    fn chamber_stamp(&self, state: u32, cell: &mut Cell) -> i64 {
        let which = u64::from(state) * CHAMBERS + cell.place(cast::at(CHAMBERS)) as u64;
        self.streams.stamp.row(u64::MAX - which).whole(0, 9999)
    }

    /// What the bureau of the end user's state found, where it was asked about a licence's certificate.
    pub(super) fn put_check<O: Out>(&self, facts: &Licence, certified: Certified, out: &mut O) {
        let mut cell = self.streams.end_use_check.row(facts.number);
        let (asked, unable, after) =
            (cell.chance(CHECKED), cell.chance(UNABLE), cell.whole(5, 200));
        let (outcome, findings) = match certified {
            Certified::Forged { of_real_firm: true, .. } => ("UNFAVOURABLE", DENIED),
            Certified::Forged { .. } => ("UNFAVOURABLE", NO_SUCH_FIRM),
            // An application that was not granted is one that somebody found something about.
            Certified::Genuine
                if facts.outcome != Outcome::Granted && cell.chance(DENIED_IN_VAIN) =>
            {
                ("UNFAVOURABLE", DENIED)
            }
            Certified::Genuine => answer(unable, &mut cell),
        };
        if !asked && certified == Certified::Genuine {
            return;
        }
        self.check(
            &Check {
                id: &self.check_id(facts.number),
                state: facts.to,
                end_user: &self.firm(facts.end_user).name,
                certificate: &self.certificate_id(facts.number, facts.from),
                day: facts.decided().day() + after,
                outcome,
                findings,
            },
            out,
        );
    }

    /// A check of a certificate that no licence rests on.
    pub(super) fn check_in_vain<O: Out>(&self, number: u64, out: &mut O) {
        let world = self.world;
        let mut cell = self.streams.end_use_check.row(u64::MAX - number);
        let from = cast::participant(world, &mut cell);
        let to = cast::participant(world, &mut cell);
        let sector = world.commodities.id(world.trade.controlled(cell.bits64())).sector;
        let real = world.trade.small(to, sector, &mut cell);
        let made_up =
            world.registrar.names().firm(world.countries.id(to).culture, sector, &mut cell);
        let exists = cell.chance(0.6);
        let (denied, unable) = (cell.chance(DENIED_IN_VAIN), cell.chance(UNABLE));
        let (outcome, findings) = match (denied, exists) {
            (true, true) => ("UNFAVOURABLE", DENIED),
            (true, false) => ("UNFAVOURABLE", NO_SUCH_FIRM),
            (false, _) => answer(unable, &mut cell),
        };
        let name = if denied && !exists { &made_up } else { &world.firms.id(real).name };
        // Numbers of licences behind those of the world are nobody's.
        let licence = self.licences.count() + number;
        if licence >= self.consignments {
            return;
        }
        let first = world.calendar.first_day();
        self.check(
            &Check {
                id: &self.check_id(licence),
                state: to,
                end_user: name,
                certificate: &self.certificate_id(licence, from),
                day: first + cell.whole(-60, world.calendar.days() + 60),
                outcome,
                findings,
            },
            out,
        );
    }

    fn check<O: Out>(&self, check: &Check, out: &mut O) {
        let agency = self.world.countries.id(check.state).agency(Office::Police);
        // A state that takes no part answers nobody.
        if agency.is_empty() {
            return;
        }
        out.put(&EndUseCheck {
            agency,
            id: check.id,
            end_user_name: check.end_user,
            certificate_id: check.certificate,
            checked_on: Some(check.day),
            outcome: check.outcome,
            findings: check.findings,
        });
    }
}

fn answer(unable: bool, cell: &mut Cell) -> (&'static str, &'static str) {
    let (outcome, all) = if unable { ("UNABLE", NOT_REACHED) } else { ("FAVOURABLE", CONFIRMED) };
    (outcome, all.get(cell.place(all.len())).copied().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use crate::scheme::witness::innocent;
    use crate::table::Table;

    #[test]
    fn end_users_deny_certificates_but_none_that_an_honest_licence_rests_on() {
        let rows = innocent(5);
        let granted: BTreeMap<String, bool> = rows
            .of(Table::Licence)
            .into_iter()
            .map(|row| (row["certificate_id"].clone(), row["status"] == "GRANTED"))
            .collect();
        let mut counts = BTreeMap::new();
        for check in rows.of(Table::EndUseCheck) {
            let of = granted.get(&check["certificate_id"]).copied();
            *counts.entry((of, check["outcome"].clone())).or_insert(0) += 1;
        }
        let count = |of, outcome: &str| counts.get(&(of, outcome.to_owned())).copied().unwrap_or(0);
        assert_eq!(count(Some(true), "UNFAVOURABLE"), 0);
        assert!(count(Some(true), "FAVOURABLE") > 10, "{counts:?}");
        assert!(count(Some(false), "UNFAVOURABLE") > 0, "{counts:?}");
        assert!(count(None, "UNFAVOURABLE") > 80, "{counts:?}");
        // The stamp of a chamber is on the certificates of several end users.
        let mut stamps: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for row in rows.of(Table::EndUserCertificate) {
            stamps.entry(row["stamp"].clone()).or_default().push(row["end_user_name"].clone());
        }
        assert!(stamps.values().filter(|of| of.len() > 1).count() > 5, "{stamps:?}");
    }
}
