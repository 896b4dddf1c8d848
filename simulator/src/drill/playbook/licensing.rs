//! What licensing authorities look for: certificates that their end users deny (T07), and what others denied before (T23).

use super::{Found, Judgement, Lead, Own, Playbook, Test, field};
use crate::detect::records::Alike;
use crate::table::Table;
use crate::world::Office;

fn first(found: &[Found]) -> &[super::Row] {
    found.first().and_then(Option::as_ref).map_or(&[], Vec::as_slice)
}

/// A certificate whose end user knows nothing of it. Asked of the police bureau of the country of destination.
pub struct ForgedCertificate;

impl Playbook for ForgedCertificate {
    fn scheme(&self) -> &'static str {
        "T07"
    }

    fn table(&self) -> Table {
        Table::Licence
    }

    fn needs(&self) -> &'static [(Table, &'static [&'static str])] {
        &[(Table::EndUseCheck, &["certificate_id", "outcome"])]
    }

    fn alone(&self, own: &Own) -> Option<Judgement> {
        let certified = !own.text("certificate_id").is_empty();
        certified.then(|| Judgement::new(0.04, "rests on a certificate"))
    }

    fn lead(&self, own: &Own, found: &[Found]) -> Option<Lead> {
        let of = own.abroad(own.text("country_of_destination"), Office::Police)?;
        let certificate = own.text("certificate_id").to_owned();
        found.is_empty().then(|| Lead {
            of: of.to_owned(),
            table: Table::EndUseCheck,
            tests: vec![("certificate_id", Test::Is(certificate))],
            fields: &["certificate_id", "outcome"],
        })
    }

    fn judge(&self, own: &Own, found: &[Found]) -> Judgement {
        let denied = first(found).iter().any(|row| field(row, "outcome").ends_with("UNFAVOURABLE"));
        let refused = own.text("status").ends_with("DENIED");
        match (denied, refused) {
            (true, false) => Judgement::new(0.93, "its end user denies the certificate"),
            (true, true) => Judgement::new(0.3, "denied already, for its end user denies it"),
            (false, _) => Judgement::new(0.03, "nothing is known against the certificate"),
        }
    }
}

/// Another authority denied the same goods for the same end user. Asked of every other authority that takes part.
pub struct DeniedElsewhere;

impl DeniedElsewhere {
    fn others<'p>(own: &Own<'p>) -> Vec<&'p str> {
        let mine = own.ground.records.agency(own.at);
        let all = own.ground.roster.all(Office::Licensing).filter(|other| *other != mine);
        all.map(|other| own.ground.records.text_of(other)).collect()
    }
}

impl Playbook for DeniedElsewhere {
    fn scheme(&self) -> &'static str {
        "T23"
    }

    fn table(&self) -> Table {
        Table::Licence
    }

    fn needs(&self) -> &'static [(Table, &'static [&'static str])] {
        &[(Table::Denial, &["end_user.name.original", "items.hs_code"])]
    }

    fn alone(&self, own: &Own) -> Option<Judgement> {
        let named = !own.text("end_user_name").is_empty();
        let known =
            own.own(Table::Licence, "end_user_name", own.text("end_user_name"), Alike::AsName);
        named.then(|| {
            let often = if known.len() > 1 { 0.04 } else { 0.06 };
            Judgement::new(often, "an application for an end user")
        })
    }

    fn lead(&self, own: &Own, found: &[Found]) -> Option<Lead> {
        let others = Self::others(own);
        let of = others.get(found.len())?;
        Some(Lead {
            of: (*of).to_owned(),
            table: Table::Denial,
            tests: vec![("end_user.name.original", Test::Is(own.text("end_user_name").to_owned()))],
            fields: &["end_user.name.original", "items.hs_code", "denied_at"],
        })
    }

    fn judge(&self, own: &Own, found: &[Found]) -> Judgement {
        let mine = own.text("hs_code");
        let rows = found.iter().flatten().flatten();
        let same = rows.filter(|row| field(row, "items.hs_code") == mine).count();
        if same > 0 {
            Judgement::new(0.9, "denied elsewhere for the same goods and end user")
        } else {
            Judgement::new(0.03, "nobody denied it before")
        }
    }
}
