//! Norvia's declarations and inspections, and Solmark's declarations of the same goods.

use super::SamplesError;
use super::dress::{comma, duty, kilograms, money, name, norvian, pounds, solmarkian, stamped};
use super::lines::Lines;
use super::pick::{Declared, Picked};
use super::rows::Record;
use crate::world::World;

const EXPORTS: &str = "Entry No,UCR,Way,Accepted,Office,Process,Procedure,Mode,Declarant ID,Declarant,Exporter ID,Exporter,\
    Exporter Script,Exporter Language,Exporter Latin,Exporter Country,Importer ID,Importer,Importer Script,\
    Importer Language,Importer Latin,Importer City,Importer Country,Carrier ID,Carrier,End User ID,End User,\
    End User Country,Departure,Destination,Loading,Discharge,IMO,Containers,HS,Goods,Control,Origin,Net kg,Gross kg,Pieces,\
    Price,Currency,Duty,Licence,HS 2,Goods 2,Net kg 2,Pieces 2,Price 2,Invoice,Lat,Lon,Remarks,Releasable,Compartments,\
    Marking";

/// What officers note; `None`s keep most declarations without.
const REMARKS: [Option<&str>; 5] = [
    Some("Second set of papers found in the cab"),
    None,
    Some("Seals intact on presentation"),
    Some("Driver could not name the consignee"),
    None,
];

/// Markings by place among the exports of electrical machinery that Solmark declares too: the first two are watched
/// in an operation, the third has handling code H1, and three others may go to those named and nobody else.
fn marks(place: usize) -> Marks {
    let watched = "Watched under OP-LANTERN; do not hold without the joint cell";
    let releasable = |releasable| Marks { releasable, ..Marks::default() };
    match place {
        0 | 1 => Marks {
            remark: Some(watched),
            compartments: "OP-LANTERN",
            marking: "H3",
            ..Marks::default()
        },
        2 => Marks { marking: "H1", ..Marks::default() },
        3 => releasable("sm-customs"),
        4 => releasable("vl-fiu"),
        5 => releasable("sm-customs;vl-fiu"),
        _ => Marks::default(),
    }
}

#[derive(Default)]
struct Marks {
    remark: Option<&'static str>,
    releasable: &'static str,
    compartments: &'static str,
    marking: &'static str,
}

/// Declarations of Norvian customs.
pub fn exports(world: &World, picked: &Picked) -> Result<String, SamplesError> {
    let mut out = Lines::new(b',', EXPORTS)?;
    let mut marked = 0;
    for (number, one) in picked.declared.iter().enumerate() {
        let row = one.row;
        let both = picked.imports.iter().any(|import| import.text("ucr") == row.text("ucr"));
        let marks = if both && row.text("hs_code").starts_with("85") {
            marked += 1;
            marks(marked - 1)
        } else {
            Marks::default()
        };
        export(world, picked, (number, one), &marks, &mut out)?;
    }
    out.text()
}

fn export(
    world: &World,
    picked: &Picked,
    (number, Declared { row, second }): (usize, &Declared),
    marks: &Marks,
    out: &mut Lines,
) -> Result<(), SamplesError> {
    let text = |column: &str| row.text(column);
    let importer = picked.firms.get(text("importer_id"));
    let end_user = picked.names.get(text("end_user_name"));
    let user = end_user.map_or_else(
        || name(world, text("importer_country"), text("end_user_name")),
        |firm| name(world, firm.text("country"), text("end_user_name")),
    );
    let seller = name(world, text("exporter_country"), text("exporter_name"));
    let buyer = name(world, text("importer_country"), text("importer_name"));
    let remark = marks.remark.or_else(|| REMARKS.get(number % REMARKS.len()).copied().flatten());
    let examined = picked.inspections.iter().any(|one| one.text("declaration_id") == text("id"));
    let place = world.countries.iter().find(|state| state.code == "XN").map(|state| state.point);
    let place = place.filter(|_| examined);
    // Within a quarter of a degree of the middle of Norvia's trade; prime steps spread them.
    let off = |step: usize| (number * step % 50) as f64 / 100.0 - 0.25;
    let degrees = |value: Option<f64>| value.map_or(String::new(), |value| format!("{value:.4}"));
    let quantity = |row: &Record| row.number("quantity").map_or(String::new(), |n| n.to_string());
    let way = if text("direction") == "EXPORT" { "EX" } else { "IM" };
    let other = |of: fn(&Record) -> String| second.map_or(String::new(), of);
    out.add(&[
        text("id"),
        text("ucr"),
        way,
        &norvian(row.moment("accepted_at")),
        text("office"),
        if text("control_code").is_empty() { "E" } else { "P" },
        &format!("{}00", text("regime")),
        text("transport_mode"),
        text("declarant_id"),
        text("declarant_name"),
        text("exporter_id"),
        &seller.original,
        seller.script,
        &seller.language,
        &seller.latin,
        text("exporter_country"),
        text("importer_id"),
        &buyer.original,
        buyer.script,
        &buyer.language,
        &buyer.latin,
        importer.map_or("", |firm| firm.text("city")),
        text("importer_country"),
        text("carrier_id"),
        text("carrier_name"),
        end_user.map_or("", |firm| firm.text("id")),
        &user.original,
        end_user.map_or("", |firm| firm.text("country")),
        text("country_of_departure"),
        text("country_of_destination"),
        text("port_of_loading"),
        text("port_of_discharge"),
        text("vessel_imo"),
        &text("containers").replace(';', "|"),
        text("hs_code"),
        text("description"),
        text("control_code"),
        text("country_of_origin"),
        &kilograms(row.number("net_mass_grams")),
        &kilograms(row.number("gross_mass_grams")),
        &quantity(row),
        &money(row.number("value")),
        text("currency"),
        duty(text("hs_code")),
        text("licence_id"),
        &other(|row| row.text("hs_code").to_owned()),
        &other(|row| row.text("description").to_owned()),
        &other(|row| kilograms(row.number("net_mass_grams"))),
        &other(|row| row.number("quantity").map_or(String::new(), |n| n.to_string())),
        &other(|row| money(row.number("value"))),
        &format!("INV-{}", text("ucr").get(4..).unwrap_or_default()),
        &degrees(place.map(|at| at.lat + off(7))),
        &degrees(place.map(|at| at.lon + off(11))),
        remark.unwrap_or_default(),
        marks.releasable,
        marks.compartments,
        marks.marking,
    ])
}

/// Inspections of Norvian customs.
pub fn inspections(picked: &Picked) -> Result<String, SamplesError> {
    let mut out = Lines::new(
        b',',
        "Inspection No,Entry No,How,Found,When,Office,Inspector,Inspector Script,Inspector Latin,Container,\
                   Mass found kg,Findings,Report,Pages,Compartments",
    )?;
    let count = picked.inspections.len();
    for (number, row) in picked.inspections.iter().enumerate() {
        let declared = picked
            .declared
            .iter()
            .find(|one| one.row.text("id") == row.text("declaration_id"))
            .map(|one| one.row);
        let office = declared.map_or("", |row| row.text("office"));
        let conforming = row.text("outcome") == "CONFORMING";
        // The last two wait for the laboratory; the first that found something is the operation's.
        let waits = number + 2 >= count;
        let earlier = picked.inspections.iter().take(number);
        let first = !conforming && earlier.clone().all(|one| one.text("outcome") == "CONFORMING");
        let (found, findings, compartments) = match (waits, conforming, first) {
            (true, ..) => ("P", "Waiting for the laboratory", ""),
            (_, true, _) => ("C", "As declared", ""),
            (_, _, true) => ("S", row.text("findings"), "OP-LANTERN"),
            _ => ("I", row.text("findings"), ""),
        };
        let how = match number % 4 {
            _ if row.text("container").is_empty() => "DOC",
            0 => "SCAN",
            _ => "OPEN",
        };
        out.add(&[
            row.text("id"),
            row.text("declaration_id"),
            how,
            found,
            &stamped(row.moment("inspected_at")),
            office,
            &super::parties::officer(picked, number % 3),
            "Latn",
            "",
            row.text("container"),
            &kilograms(row.number("mass_found_grams")),
            findings,
            &format!("RPT-{:04}", 700 + number),
            &(1 + number % 6).to_string(),
            compartments,
        ])?;
    }
    out.text()
}

/// Declarations of Solmark's customs, as an older system writes them.
pub fn imports(world: &World, picked: &Picked) -> Result<String, SamplesError> {
    let mut out = Lines::new(
        b';',
        "Nr;UCR;Datum;Amt;Verkehr;Anmelder;Einführer;Einführer Name;Ausführer;Ausführer Name;Herkunft;Versand;\
                   Ladehafen;Löschhafen;IMO;Container;Warennummer;Ware;Masse lb;Stück;Wert;Währung;Satz;Bemerkung;\
                   Verteiler",
    )?;
    const NOTES: [&str; 3] = ["Ohne Befund", "Nachverzollung geprüft", ""];
    let offices = world.countries.iter().find(|state| state.code == "XS").map(|one| &one.offices);
    for (number, row) in picked.imports.iter().enumerate() {
        let text = |column: &str| row.text(column);
        let office = offices
            .and_then(|offices| offices.iter().position(|office| office == text("office")))
            .map_or(String::new(), |at| (7 + 5 * at).to_string());
        out.add(&[
            text("id"),
            text("ucr"),
            &solmarkian(row.moment("accepted_at")),
            &office,
            text("transport_mode"),
            text("declarant_id"),
            text("importer_id"),
            &name(world, "XS", text("importer_name")).original,
            text("exporter_id"),
            text("exporter_name"),
            text("country_of_origin"),
            text("country_of_departure"),
            text("port_of_loading"),
            text("port_of_discharge"),
            text("vessel_imo"),
            &text("containers").replace(';', " / "),
            text("hs_code"),
            text("description"),
            &row.number("net_mass_grams").map_or(String::new(), |grams| comma(pounds(grams))),
            &row.number("quantity").map_or(String::new(), |pieces| pieces.to_string()),
            &row.number("value").map_or(String::new(), comma),
            text("currency"),
            &duty(text("hs_code")).replace('.', ","),
            NOTES.get(number % NOTES.len()).copied().unwrap_or_default(),
            "",
        ])?;
    }
    out.text()
}
