//! Names of firms, people, streets and cities, put together from the parts of a culture.

use super::pack::Culture;
use crate::list::List;
use crate::rng::Cell;

/// The cultures of a pack.
#[derive(Debug, Clone)]
pub struct Names {
    cultures: List<Culture>,
}

/// Words for what a firm deals in, by sector; ours, in the trade's English.
const TRADES: [&[&str]; super::firms::SECTORS] = [
    &["Foods", "Agro", "Provisions"],
    &["Minerals", "Energy", "Petrol"],
    &["Chemicals", "Pharma", "Reagents"],
    &["Polymers", "Plastics", "Rubber"],
    &["Paper", "Timber", "Print"],
    &["Textiles", "Apparel", "Garments"],
    &["Ceramics", "Glass", "Stone"],
    &["Metals", "Steel", "Tools"],
    &["Machinery", "Engineering", "Dynamics"],
    &["Electronics", "Devices", "Components"],
    &["Motors", "Marine", "Aero"],
    &["Instruments", "Optics", "Supplies"],
];

impl Names {
    /// Names of these cultures; `None` for none, or for one that lacks a part.
    pub fn new(cultures: Vec<Culture>) -> Option<Self> {
        let whole = cultures.iter().all(Culture::is_whole);
        List::new(cultures).filter(|_| whole).map(|cultures| Self { cultures })
    }

    /// The number of a culture by its id.
    pub fn culture(&self, id: &str) -> Option<usize> {
        self.cultures.iter().position(|culture| culture.id == id)
    }

    /// A firm of a sector.
    pub fn firm(&self, culture: usize, sector: usize, cell: &mut Cell) -> String {
        let parts = self.cultures.at(culture);
        let (stem, second) = (pick(&parts.stems, cell), pick(&parts.stems, cell));
        let family = pick(&parts.family, cell);
        let trade = TRADES.get(sector).map_or("Trading", |words| pick_str(words, cell));
        let suffix = pick(&parts.suffixes, cell);
        match cell.place(5) {
            0 => format!("{stem} {trade} {suffix}"),
            1 => format!("{family} & {second} {suffix}"),
            2 => format!("{stem}-{second} {trade} {suffix}"),
            3 => format!("{family} {trade} {suffix}"),
            _ => format!("{stem} {second} {suffix}"),
        }
    }

    /// A person.
    pub fn person(&self, culture: usize, cell: &mut Cell) -> String {
        let parts = self.cultures.at(culture);
        format!("{} {}", pick(&parts.given, cell), pick(&parts.family, cell))
    }

    /// Legal forms of a culture's firms.
    pub fn forms(&self, culture: usize) -> &[String] {
        &self.cultures.at(culture).suffixes
    }

    /// A ship: two words in the trade's way.
    pub fn ship(&self, cell: &mut Cell) -> String {
        const FIRST: [&str; 12] = [
            "Amber", "Silver", "Northern", "Bright", "Grand", "Coral", "Iron", "Calm", "Swift",
            "Golden", "Eastern", "Stella",
        ];
        const SECOND: [&str; 12] = [
            "Heron", "Trader", "Horizon", "Pearl", "Venture", "Bridge", "Star", "Current",
            "Pioneer", "Harbour", "Falcon", "Meridian",
        ];
        let culture = self.cultures.at(cell.place(self.cultures.len()));
        format!(
            "{} {} {}",
            pick_str(&FIRST, cell),
            pick_str(&SECOND, cell),
            pick(&culture.stems, cell)
        )
    }

    /// A street and a number.
    pub fn street(&self, culture: usize, cell: &mut Cell) -> String {
        let parts = self.cultures.at(culture);
        format!("{} {}", pick(&parts.streets, cell), cell.whole(1, 240))
    }

    /// A city.
    pub fn city(&self, culture: usize, cell: &mut Cell) -> String {
        let parts = self.cultures.at(culture);
        pick(&parts.cities, cell).to_owned()
    }
}

fn pick<'a>(parts: &'a [String], cell: &mut Cell) -> &'a str {
    parts.get(cell.place(parts.len())).map_or("", String::as_str)
}

fn pick_str<'a>(parts: &[&'a str], cell: &mut Cell) -> &'a str {
    parts.get(cell.place(parts.len())).copied().unwrap_or_default()
}
