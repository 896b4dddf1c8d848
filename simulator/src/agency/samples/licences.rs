//! Norvian export licences.

use super::SamplesError;
use super::dress::{day, money, name};
use super::lines::Lines;
use super::pick::Picked;
use super::rows::Record;
use crate::calendar::Moment;
use crate::world::World;

/// Licences, with what the exports of the samples say of their worth.
pub fn licences(world: &World, picked: &Picked) -> Result<String, SamplesError> {
    let mut out = Lines::new(
        b',',
        "Licence,Kind,Status,Granted,Expires,Exporter ID,Exporter,Exporter Script,Consignee ID,Consignee,\
                   Consignee Country,End User ID,End User,End User Country,Destination,Control,HS,Goods,Pieces,Value,\
                   Currency,Drawn,Parameters,End Use,Conditions,Assessment,EUC,Releasable",
    )?;
    for (number, row) in picked.licences.iter().enumerate() {
        let text = |column: &str| row.text(column);
        let of_day = |column: &str| day(row.moment(column).map(Moment::day), '-');
        let consignee = picked.firms.get(text("consignee_id"));
        let end_user = picked.names.get(text("end_user_name"));
        let of = |firm: Option<&&Record>, column: &str| {
            name(world, firm.map_or("", |firm| firm.text("country")), text(column)).original
        };
        let (value, currency) = worth(picked, row);
        let pieces = |column: &str| row.number(column).map_or(String::new(), |n| n.to_string());
        let kind = match number % 9 {
            4 => "BRO",
            8 => "GLO",
            _ => "IND",
        };
        let assessment = match (text("status"), number % 3) {
            ("REFUSED", _) => "End user shares an address with a listed institute",
            (_, 0) => "Catch-all considered; quantity plausible",
            (_, 1) => "End use checked by the embassy",
            _ => "",
        };
        out.add(&[
            text("id"),
            kind,
            &text("status").to_lowercase(),
            &of_day("granted_at"),
            &of_day("expires_at"),
            text("exporter_id"),
            text("exporter_name"),
            "Latn",
            text("consignee_id"),
            &of(consignee, "consignee_name"),
            consignee.map_or("", |firm| firm.text("country")),
            end_user.map_or("", |firm| firm.text("id")),
            &of(end_user, "end_user_name"),
            end_user.map_or("", |firm| firm.text("country")),
            text("country_of_destination"),
            text("control_code"),
            text("hs_code"),
            text("description"),
            &pieces("quantity"),
            &value,
            currency,
            &pieces("drawn_quantity"),
            "as in the annex of the application",
            text("end_use"),
            text("condition"),
            assessment,
            text("certificate_id"),
            "",
        ])?;
    }
    out.text()
}

/// What the pieces of a licence are worth by the price that an export under it was declared at.
fn worth<'p>(picked: &Picked<'p>, licence: &Record) -> (String, &'p str) {
    let export = picked
        .declared
        .iter()
        .map(|one| one.row)
        .find(|row| row.text("licence_id") == licence.text("id"));
    let price = |row: &Record| {
        let (value, pieces) = (row.number("value")?, row.number("quantity")?);
        Some(value.checked_div(pieces)?.saturating_mul(licence.number("quantity")?))
    };
    match export.and_then(|row| Some((price(row)?, row))) {
        Some((cents, row)) => (money(Some(cents)), row.text("currency")),
        None => (String::new(), ""),
    }
}
