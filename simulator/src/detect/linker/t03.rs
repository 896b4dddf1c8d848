//! T03: from an export to who bought it: when that firm was registered, and with which other it has something in common. Keys: the
//! buyer's name in the register of companies; there a director, a street, a phone.

use super::columns::{COMPANY, DECLARATION, PAYMENT};
use super::{Linker, best, many};
use crate::detect::ground::Roster;
use crate::detect::look::Look;
use crate::detect::records::{Alike, At, Place, Records};
use crate::detect::sheet::Sheet;
use crate::table::Table;
use crate::world::Office;

/// Links an export, its buyer's registration and what the buyer pays.
#[derive(Debug)]
pub struct FrontCompany;

/// Days for which a firm is new.
const NEW: f64 = 600.0;
/// Likeness of names from which on one reminds of the other.
const REMINDS: f64 = 0.35;

impl Linker for FrontCompany {
    fn scheme(&self) -> &'static str {
        "T03"
    }

    fn tables(&self) -> &'static [Table] {
        &[Table::Declaration, Table::Company, Table::Payment]
    }

    fn begins(&self) -> (Table, &'static str) {
        (Table::Declaration, "XC")
    }

    /// The unit of the buyer's state.
    fn partners(&self, roster: &Roster, records: &Records, at: At) -> Vec<Vec<u32>> {
        let d = &*DECLARATION;
        if records.text(at, d.direction) != "EXPORT" {
            return vec![];
        }
        let unit = roster.abroad(records.text(at, d.importer_country), Office::Fiu);
        unit.map(|unit| vec![unit]).into_iter().collect()
    }

    fn links(&self, look: &Look, at: At, sheet: &mut Sheet) {
        match at.table {
            Table::Declaration => of_export(look, at, sheet),
            Table::Company => of_company(look, at, sheet),
            Table::Payment => of_payment(look, at, sheet),
            _ => {}
        }
    }
}

/// Other companies that have something in common with one.
fn siblings(look: &Look, company: At) -> Vec<At> {
    let c = &*COMPANY;
    let by = |column: Place, alike| look.linked((company, column), (Table::Company, column), alike);
    let mut all: Vec<At> = by(c.director, Alike::AsName)
        .chain(by(c.street, Alike::Exactly))
        .chain(by(c.phone, Alike::Exactly))
        .collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// The one of some companies whose name is most like that of another, and how much.
fn likest(look: &Look, company: At, others: &[At]) -> Option<f64> {
    let name = COMPANY.name;
    let like = |other: At| look.likeness((company, name), (other, name)).unwrap_or(0.0);
    best(others.iter().copied(), like).map(like)
}

/// Exports of the like of one to some companies.
fn bought_by(look: &Look, companies: &[At], like: At) -> usize {
    let (c, d) = (&*COMPANY, &*DECLARATION);
    let name = (Table::Declaration, d.importer_name);
    let all = companies.iter().flat_map(|row| look.linked((*row, c.name), name, Alike::AsName));
    all.filter(|row| {
        look.digits_alike((like, d.hs_code), (*row, d.hs_code)).is_some_and(|digits| digits >= 2.0)
    })
    .count()
}

fn of_export(look: &Look, at: At, sheet: &mut Sheet) {
    let (d, c, p) = (&*DECLARATION, &*COMPANY, &*PAYMENT);
    let registered = look.linked((at, d.importer_name), (Table::Company, c.name), Alike::AsName);
    let company = best(registered, |row| look.number(row, c.registered_on).unwrap_or(f64::MIN));
    let age = company.and_then(|row| look.days((row, c.registered_on), (at, d.accepted_at)));
    let siblings = company.map(|row| siblings(look, row)).unwrap_or_default();
    let alike = company.and_then(|row| likest(look, row, &siblings));
    let bought: Vec<At> = look
        .linked((at, d.importer_id), (Table::Declaration, d.importer_id), Alike::Exactly)
        .filter(|row| look.text(*row, d.direction).is_none_or(|word| word == "EXPORT"))
        .collect();
    let is_before = |row: &&At| {
        look.days((**row, d.accepted_at), (at, d.accepted_at)).is_some_and(|days| days > 0.0)
    };
    let earlier = bought.iter().filter(is_before).count();
    let controlled = look.present(at, d.end_user_name);
    let is_new = age.is_some_and(|age| (0.0..NEW).contains(&age));
    let before = if is_new { bought_by(look, &siblings, at) } else { 0 };
    let buyer = [(Table::Declaration, d.importer_name), (Table::Company, c.name)];
    let aged = [
        buyer.as_slice(),
        &[(Table::Declaration, d.accepted_at), (Table::Company, c.registered_on)],
    ]
    .concat();
    let common = [
        buyer.as_slice(),
        &[(Table::Company, c.director), (Table::Company, c.street), (Table::Company, c.phone)],
    ]
    .concat();
    let goods = [(Table::Declaration, d.end_user_name)];
    sheet.rule(
        "a new firm of the people and of the like name of another buys what may be controlled",
        &[aged.as_slice(), &common, &goods].concat(),
        is_new && alike.is_some_and(|it| it > REMINDS) && controlled == Some(true),
    );
    let kinds = [common.as_slice(), &[(Table::Declaration, d.hs_code)]].concat();
    sheet.number("like goods for firms with something in common", &kinds, many(before));
    sheet.flag(
        "a new firm buys what one with something in common buys, and it may be controlled",
        &[aged.as_slice(), &kinds, &goods].concat(),
        company.map(|_| before > 0 && controlled == Some(true)),
    );
    sheet.number("days since the buyer was registered", &aged, age);
    sheet.flag("the buyer is new", &aged, age.map(|_| is_new));
    sheet.number("firms with something in common", &common, many(siblings.len()));
    sheet.flag(
        "the buyer is new and has something in common with another",
        &[aged.as_slice(), &common].concat(),
        company.map(|_| is_new && !siblings.is_empty()),
    );
    sheet.number("likeness of the two names", &common, alike);
    let ids = [(Table::Declaration, d.importer_id), (Table::Declaration, d.accepted_at)];
    sheet.number("earlier exports to the buyer", &ids, many(earlier));
    sheet.number("exports to the buyer", &ids, many(bought.len()));
    sheet.flag("goods that may be controlled", &goods, controlled);
    sheet.flag(
        "on a licence",
        &[(Table::Declaration, d.licence_id)],
        look.present(at, d.licence_id),
    );
    let payer = [(Table::Declaration, d.importer_id), (Table::Payment, p.payer_id)];
    let payments =
        look.linked((at, d.importer_id), (Table::Payment, p.payer_id), Alike::Exactly).count();
    sheet.number("payments of the buyer", &payer, many(payments));
}

fn of_company(look: &Look, at: At, sheet: &mut Sheet) {
    let (c, p) = (&*COMPANY, &*PAYMENT);
    let siblings = siblings(look, at);
    let common =
        [(Table::Company, c.director), (Table::Company, c.street), (Table::Company, c.phone)];
    sheet.number("firms with something in common", &common, many(siblings.len()));
    sheet.number("likeness of the two names", &common, likest(look, at, &siblings));
    let days = |other: At| look.days((other, c.registered_on), (at, c.registered_on));
    let after = siblings.iter().filter_map(|other| days(*other)).reduce(f64::max);
    let dates = [common.as_slice(), &[(Table::Company, c.registered_on)]].concat();
    sheet.number("days after the other was registered", &dates, after);
    let names = [(Table::Company, c.name), (Table::Payment, p.payer_name)];
    let paid: Vec<At> =
        look.linked((at, c.name), (Table::Payment, p.payer_name), Alike::AsName).collect();
    let first =
        paid.iter().filter_map(|row| look.days((at, c.registered_on), (*row, p.value_date)));
    sheet.number("its payments", &names, many(paid.len()));
    sheet.number(
        "days from its registration to its first payment",
        &[names.as_slice(), &[(Table::Company, c.registered_on), (Table::Payment, p.value_date)]]
            .concat(),
        first.reduce(f64::min),
    );
    let most = paid.iter().filter_map(|row| look.number(*row, p.amount)).reduce(f64::max);
    sheet.number(
        "the largest of them",
        &[names.as_slice(), &[(Table::Payment, p.amount)]].concat(),
        most.filter(|most| *most > 0.0).map(libm::log),
    );
}

/// What a unit sees of who pays.
fn of_payment(look: &Look, at: At, sheet: &mut Sheet) {
    let (c, p) = (&*COMPANY, &*PAYMENT);
    let registered = look.linked((at, p.payer_name), (Table::Company, c.name), Alike::AsName);
    let company = best(registered, |row| look.number(row, c.registered_on).unwrap_or(f64::MIN));
    let siblings = company.map(|row| siblings(look, row)).unwrap_or_default();
    let names = [(Table::Payment, p.payer_name), (Table::Company, c.name)];
    let age = company.and_then(|row| look.days((row, c.registered_on), (at, p.value_date)));
    sheet.number(
        "days since the payer was registered",
        &[names.as_slice(), &[(Table::Company, c.registered_on), (Table::Payment, p.value_date)]]
            .concat(),
        age,
    );
    let common = [
        names.as_slice(),
        &[(Table::Company, c.director), (Table::Company, c.street), (Table::Company, c.phone)],
    ]
    .concat();
    sheet.number("firms with something in common", &common, many(siblings.len()));
    let paid = look.linked((at, p.payer_id), (Table::Payment, p.payer_id), Alike::Exactly).count();
    sheet.number("other payments of the payer", &[(Table::Payment, p.payer_id)], many(paid));
}
