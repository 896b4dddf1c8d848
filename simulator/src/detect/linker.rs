//! How records of one scheme are linked: which row a candidate begins with, whom its keys lead to, and what the
//! linked rows show together. A file each, as for the schemes themselves.

use super::ground::Roster;
use super::look::Look;
use super::records::{At, Records};
use super::sheet::Sheet;
use crate::table::Table;
use crate::world::Office;

mod t01;
mod t02;
mod t03;
mod t04;
mod t06;
mod t07;
mod t08;
mod t09;
mod t10;
mod t11;
mod t12;
mod t13;
mod t14;
mod t15;
mod t16;
mod t17;
mod t18;
mod t19;
mod t20;
mod t21;
mod t22;
mod t23;
mod t24;
mod t26;
mod way;

/// Links the records of a scheme.
pub trait Linker: Sync {
    /// Its scheme.
    fn scheme(&self) -> &'static str;
    /// Tables that it reads.
    fn tables(&self) -> &'static [Table];
    /// Table of the row that a candidate of several agencies begins with, and the part in which it is held.
    fn begins(&self) -> (Table, &'static str);
    /// Sets of agencies beside the row's own that its keys lead to.
    fn partners(&self, roster: &Roster, records: &Records, at: At) -> Vec<Vec<u32>>;
    /// Adds what a row and those it leads to show, within a view. The same features in the same order for every row
    /// of one table.
    fn links(&self, look: &Look, at: At, sheet: &mut Sheet);
}

/// All linkers.
pub const ALL: &[&dyn Linker] = &[
    &t01::ThirdCountry,
    &t17::ThirdPartyPayer,
    &t22::ListedOwner,
    &t23::LicenceShopping,
    &t02::GhostTransit,
    &t04::Misclassified,
    &t07::ForgedCertificate,
    &t08::OverdrawnLicence,
    &t21::NotReturned,
    &t09::MailDrop,
    &t24::NoticeEvaded,
    &t12::CoLoading,
    &t18::Phantom,
    &t16::ReDocumented,
    &t19::CarriedByHand,
    &t26::Assistance,
    &t15::SwitchedBill,
    &t13::ShipToShip,
    &t14::FalsePositions,
    &t11::RipOn,
    &t06::Split,
    &t10::Twin,
    &t20::Kit,
    &t03::FrontCompany,
];

/// Places of columns by name: a struct with a field a column.
macro_rules! columns {
    ($name:ident $all:ident $table:ident: $($column:ident),* $(,)?) => {
        pub(super) struct $name { $(pub $column: $crate::detect::records::Place),* }
        pub(super) static $all: std::sync::LazyLock<$name> = std::sync::LazyLock::new(|| $name {
            $($column: $crate::detect::records::place($crate::table::Table::$table, stringify!($column))),*
        });
    };
}

mod columns {
    columns!(Declaration DECLARATION Declaration: ucr, direction, accepted_at, regime, importer_id, importer_name,
        importer_country, exporter_id, end_user_name, country_of_departure, country_of_destination, hs_code,
        description, net_mass_grams, quantity, value, licence_id, office, containers, gross_mass_grams, exporter_name,
        country_of_origin);
    columns!(Invoice INVOICE Invoice: id, ucr, buyer_id, amount);
    columns!(Payment PAYMENT Payment: payer_id, payer_country, payee_id, amount, value_date, invoice_id,
        reference, payer_name);
    columns!(Licence LICENCE Licence: exporter_name, end_user_name, applied_at, hs_code, control_code, description,
        id, status, consignee_name, country_of_destination, quantity, drawn_quantity, certificate_id);
    columns!(Denial DENIAL Denial: kind, denied_at, exporter_name, end_user_name, hs_code, control_code, description,
        quantity, consignee_name);
    columns!(Company COMPANY Company: registration_number, name, registered_on, director, street, phone);
    columns!(Owner OWNER Owner: owned_id, owner_id, owner_name, owner_birth_date, share_percent);
    columns!(Certificate CERTIFICATE EndUserCertificate: id, end_user_name, stamp);
    columns!(Check CHECK EndUseCheck: certificate_id, end_user_name, outcome, findings);
    columns!(Transit TRANSIT Transit: ucr, opened_at, due_at, discharged_at, country_of_destination);
    columns!(Bill BILL BillOfLading: id, ucr, issued_at, shipper_id, consignee_id, consignee_name, notify_name,
        port_of_discharge, containers, port_of_loading, vessel_imo, switched_from);
    columns!(Weighing WEIGHING Weighing: container, at, gross_mass_grams, tare_grams);
    columns!(Tip TIP Tip: received_at, subject_name, subject_person, hs_code, content);
    columns!(Travel TRAVEL Travel: kind, person_name, document_id, at, country_to, employer_name);
    columns!(Track TRACK Track: vessel_imo, at, latitude, longitude, speed, draught_cm, silent_since, source);
    columns!(Vessel VESSEL VesselEntry: imo, registered_on);
    columns!(Gate GATE GateMove: container, kind, at, port, vessel_imo, seal);
    columns!(Seal SEAL SealEvent: container, seal, kind, at);
    columns!(Watchlist WATCHLIST WatchlistHit: listed_name, aliases, country, birth_date, ground);
}

/// Customs of where an export goes, where they are not the row's own.
fn customs_of_destination(roster: &Roster, records: &Records, at: At) -> Vec<Vec<u32>> {
    let c = &*columns::DECLARATION;
    if records.text(at, c.direction) != "EXPORT" {
        return vec![];
    }
    let to = roster.abroad(records.text(at, c.country_of_destination), Office::Customs);
    to.filter(|other| *other != records.agency(at)).map(|it| vec![it]).into_iter().collect()
}

/// The best of several by a score; the first of equals.
fn best<T: Copy>(all: impl IntoIterator<Item = T>, score: impl Fn(T) -> f64) -> Option<T> {
    let mut found: Option<(T, f64)> = None;
    for one in all {
        let score = score(one);
        if found.is_none_or(|(_, best)| score > best) {
            found = Some((one, score));
        }
    }
    found.map(|(one, _)| one)
}

/// A count as the logarithm of one more.
fn many(count: usize) -> Option<f64> {
    Some(libm::log1p(f64::from(u32::try_from(count).unwrap_or(u32::MAX))))
}
