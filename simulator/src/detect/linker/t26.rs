//! T26: from a tip to the journeys of whom it speaks of, and to the licences of the firm. Keys: the person's name with the firm
//! as employer; the firm's name.

use super::columns::{LICENCE, TIP, TRAVEL};
use super::t19::{exits, most_often};
use super::{Linker, many};
use crate::detect::ground::Roster;
use crate::detect::look::Look;
use crate::detect::records::{Alike, At, Records};
use crate::detect::sheet::Sheet;
use crate::table::Table;
use crate::world::Office;

/// Links a tip, border crossings and licences.
#[derive(Debug)]
pub struct Assistance;

impl Linker for Assistance {
    fn scheme(&self) -> &'static str {
        "T26"
    }

    fn tables(&self) -> &'static [Table] {
        &[Table::Tip, Table::Travel, Table::Licence]
    }

    fn begins(&self) -> (Table, &'static str) {
        (Table::Tip, "INT")
    }

    /// Authority and bureau of the same state.
    fn partners(&self, roster: &Roster, records: &Records, at: At) -> Vec<Vec<u32>> {
        let agency = records.agency(at);
        let both = roster
            .sister(agency, Office::Licensing)
            .zip(roster.sister(agency, Office::Police))
            .map(|(authority, bureau)| vec![authority, bureau]);
        both.into_iter().collect()
    }

    fn links(&self, look: &Look, at: At, sheet: &mut Sheet) {
        match at.table {
            Table::Tip => tip(look, at, sheet),
            Table::Travel => {
                let document = (Table::Travel, TRAVEL.document_id);
                let journeys = exits(look, (at, TRAVEL.document_id), document.1, Alike::Exactly);
                sheet.number("journeys", &[document], many(journeys.len()));
                let reads = [document, (Table::Travel, TRAVEL.at)];
                sheet.number("longest stay, days", &reads, longest(look, &journeys));
            }
            Table::Licence => {
                let name = (Table::Licence, LICENCE.exporter_name);
                let others = look.linked((at, name.1), name, Alike::AsName).count();
                sheet.number("other licences of the firm", &[name], many(others));
            }
            _ => {}
        }
    }
}

fn tip(look: &Look, at: At, sheet: &mut Sheet) {
    let (t, v, l) = (&*TIP, &*TRAVEL, &*LICENCE);
    let works = |row: &At| {
        look.same((at, t.subject_name), (*row, v.employer_name), Alike::AsName) == Some(true)
    };
    let mut journeys = exits(look, (at, t.subject_person), v.person_name, Alike::AsName);
    journeys.retain(works);
    let (to, most) = most_often(look, &journeys);
    let licences: Vec<At> = look
        .linked((at, t.subject_name), (Table::Licence, l.exporter_name), Alike::AsName)
        .filter(|row| look.text(*row, l.status).is_none_or(|status| status == "GRANTED"))
        .collect();
    let goods = |row: &&At| {
        look.digits_alike((at, t.hs_code), (**row, l.hs_code)).is_some_and(|digits| digits > 5.0)
    };
    let there = |row: &&At| {
        to.is_some_and(|to| {
            let (own, its) = ((**row, l.country_of_destination), (to, v.country_to));
            look.same(own, its, Alike::Exactly) == Some(true)
        })
    };
    let person = [
        (Table::Tip, t.subject_person),
        (Table::Tip, t.subject_name),
        (Table::Travel, v.person_name),
        (Table::Travel, v.employer_name),
        (Table::Travel, v.kind),
    ];
    let firm = [(Table::Tip, t.subject_name), (Table::Licence, l.exporter_name)];
    let codes = [firm.as_slice(), &[(Table::Tip, t.hs_code), (Table::Licence, l.hs_code)]].concat();
    let places = [person.as_slice(), &[(Table::Travel, v.country_to)]].concat();
    let both = [places.as_slice(), &firm, &[(Table::Licence, l.country_of_destination)]].concat();
    let of_goods = licences.iter().filter(goods).count();
    let allowed = licences.iter().filter(there).count();
    sheet.rule(
        "a firm with a licence for the goods sends whom a tip speaks of where it has none for",
        &[both.as_slice(), &codes].concat(),
        of_goods > 0 && most > 0 && allowed == 0,
    );
    sheet.flag(
        "speaks of a firm",
        &[(Table::Tip, t.subject_name)],
        look.present(at, t.subject_name),
    );
    sheet.number("journeys for the firm", &person, many(journeys.len()));
    sheet.number("journeys for the firm to one state", &places, many(most));
    sheet.words(
        "which state",
        &places,
        to.map(|row| look.tokens(row, v.country_to)).unwrap_or_default(),
    );
    let stay = [person.as_slice(), &[(Table::Travel, v.at)]].concat();
    sheet.number("longest stay, days", &stay, longest(look, &journeys));
    sheet.number("licences of the firm", &firm, many(licences.len()));
    sheet.number("of them for the goods", &codes, many(of_goods));
    sheet.number("of them for where the person goes", &both, many(allowed));
}

/// Days of the longest of some journeys whose end was written down.
fn longest(look: &Look, journeys: &[At]) -> Option<f64> {
    let v = &*TRAVEL;
    let stay = |leaves: &At| {
        let document = (*leaves, v.document_id);
        let back = look.linked(document, (Table::Travel, v.document_id), Alike::Exactly);
        let back = back.filter(|row| look.text(*row, v.kind).is_none_or(|kind| kind == "ENTRY"));
        let days = back.filter_map(|row| look.days((*leaves, v.at), (row, v.at)));
        days.filter(|days| *days > 0.0).reduce(f64::min)
    };
    journeys.iter().filter_map(stay).reduce(f64::max)
}
