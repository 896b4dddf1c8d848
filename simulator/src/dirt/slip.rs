//! Slips, and the columns in which they happen. By name, so that a new table has the dirt of its like.

use crate::rng::Cell;
use crate::table::{Column, Kind, Table};
use crate::world::pack::Slips;

/// What goes wrong when somebody enters a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Slip {
    /// It is left empty.
    Missing,
    /// A name is written otherwise.
    Spelling,
    /// Two neighbouring digits are swapped.
    Digits,
    /// It is entered late, and the time of the entry stands where the event's should.
    Late,
}

impl Slip {
    /// All of them, in the order in which a cell's number is held against their rates.
    pub(super) const ALL: [Self; 4] = [Self::Missing, Self::Spelling, Self::Digits, Self::Late];

    /// Its word in the truth.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Spelling => "spelling",
            Self::Digits => "digits",
            Self::Late => "late",
        }
    }

    /// The share of cells that it hits.
    pub(super) fn rate(self, slips: &Slips) -> f64 {
        match self {
            Self::Missing => slips.missing,
            Self::Spelling => slips.spelling,
            Self::Digits => slips.digits,
            Self::Late => slips.late,
        }
    }

    fn happens_in(self, table: Table, column: &Column) -> bool {
        let name = column.name;
        match self {
            Self::Missing => OPTIONAL.contains(&name) && column.kind != Kind::Flag,
            Self::Spelling => {
                column.kind == Kind::Text && (NAMES.contains(&name) || name.ends_with("_name"))
            }
            // Nobody enters the positions of ships.
            Self::Digits | Self::Late if table == Table::Track => false,
            Self::Digits => TYPED.contains(&name) && matches!(column.kind, Kind::Word | Kind::Text),
            Self::Late => column.kind == Kind::Moment && ENTERED.contains(&name),
        }
    }
}

/// Names, beside columns that end in `_name`.
const NAMES: [&str; 3] = ["name", "director", "operator"];

/// Numbers that somebody copies from a paper, a box or a plate. Numbers of firms come from registers and are picked.
const TYPED: [&str; 16] = [
    "certificate_id",
    "container",
    "containers",
    "discharge_reference",
    "document_id",
    "invoice_id",
    "licence_id",
    "phone",
    "plate",
    "postcode",
    "registration_number",
    "seal",
    "stamp",
    "switched_from",
    "vessel_imo",
    "voyage",
];

/// What a record is a record without.
const OPTIONAL: [&str; 33] = [
    "assessment",
    "birth_date",
    "built",
    "carrier_name",
    "certificate_id",
    "city",
    "condition",
    "conveyance",
    "declarant_name",
    "director",
    "discharge_reference",
    "draught_cm",
    "end_use",
    "end_user_name",
    "findings",
    "former_flags",
    "gross_mass_grams",
    "gross_tonnage",
    "notify_name",
    "owner_birth_date",
    "payee_bank",
    "payer_bank",
    "phone",
    "plate",
    "postcode",
    "quantity",
    "reference",
    "seal",
    "speed",
    "street",
    "tare_grams",
    "terminal",
    "voyage",
];

/// Times that somebody enters by hand.
const ENTERED: [&str; 7] = [
    "accepted_at",
    "at",
    "decided_at",
    "discharged_at",
    "inspected_at",
    "opened_at",
    "received_at",
];

/// What can happen in a column. Nothing does to the agency and the id of a row: they are how truth names it.
pub(super) fn of(table: Table, place: usize, column: &Column) -> impl Iterator<Item = Slip> {
    Slip::ALL.into_iter().filter(move |slip| place > 1 && slip.happens_in(table, column))
}

/// A number with two neighbouring digits swapped; `None` where no two differ.
pub(super) fn swap_digits(number: &str, cell: &mut Cell) -> Option<String> {
    let mut bytes = number.as_bytes().to_vec();
    let unlike = |pair: &[u8]| match pair {
        [one, other] => one.is_ascii_digit() && other.is_ascii_digit() && one != other,
        _ => false,
    };
    let pairs = bytes.windows(2).enumerate();
    let places: Vec<usize> = pairs.filter(|(_, pair)| unlike(pair)).map(|(at, _)| at).collect();
    let at = *places.get(cell.place(places.len()))?;
    bytes.get_mut(at..at + 2)?.reverse();
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Seed, Stream};

    #[test]
    fn every_column_that_is_named_is_one() {
        let known: Vec<&str> = Table::ALL
            .iter()
            .flat_map(|table| table.columns().iter().map(|column| column.name))
            .collect();
        for name in NAMES.iter().chain(&TYPED).chain(&OPTIONAL).chain(&ENTERED) {
            assert!(known.contains(name), "no table has `{name}`");
        }
    }

    #[test]
    fn no_slip_touches_what_truth_names_a_row_by() {
        for table in Table::ALL {
            for (place, column) in table.columns().iter().enumerate() {
                let slips: Vec<Slip> = of(*table, place, column).collect();
                assert!(slips.is_empty() || !matches!(column.name, "agency" | "id"), "{table:?}");
            }
        }
        let declared = Table::Declaration.columns();
        let place = declared.iter().position(|column| column.name == "licence_id").unwrap();
        let slips: Vec<Slip> = of(Table::Declaration, place, &declared[place]).collect();
        assert_eq!(slips, [Slip::Digits]);
    }

    #[test]
    fn swapped_digits_are_the_same_digits_and_another_number() {
        let stream = Stream::new(Seed(1), "swap");
        for row in 0..200 {
            let mut cell = stream.row(row);
            let swapped = swap_digits("MSKU4072310;MSKU1", &mut cell).unwrap();
            assert_ne!(swapped, "MSKU4072310;MSKU1");
            let sorted = |text: &str| {
                let mut letters: Vec<char> = text.chars().collect();
                letters.sort_unstable();
                letters
            };
            assert_eq!(sorted(&swapped), sorted("MSKU4072310;MSKU1"));
            assert!(swapped.starts_with("MSKU") && swapped.ends_with(";MSKU1"), "{swapped}");
            for same in ["", "7", "A-1-2", "AB-999"] {
                assert_eq!(swap_digits(same, &mut cell), None);
            }
        }
    }
}
