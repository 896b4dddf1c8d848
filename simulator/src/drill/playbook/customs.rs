//! What customs look for: goods that travel on (T01, from either side), goods that never came (T02), goods that change
//! their code on the way (T04), and licences on which more leaves than they allow (T08).

use super::{Found, Judgement, Lead, Own, Playbook, Test, field, same_name, share_numbers};
use crate::detect::records::{Alike, At, serial};
use crate::table::Table;
use crate::world::Office;

fn exports(own: &Own) -> bool {
    own.text("direction") == "EXPORT"
}

/// The heading of the goods; their chapter where nothing of the heading shared their numbers, for codes drift.
fn code(own: &Own, found: &[Found]) -> Option<String> {
    let digits = match found {
        [] => 4,
        [Some(rows)] if !rows.iter().any(|row| is_same(own, row)) => 2,
        _ => return None,
    };
    Some(own.text("hs_code").chars().take(digits).collect())
}

fn is_same(own: &Own, row: &super::Row) -> bool {
    share_numbers(own.text("description"), field(row, "items.description"))
}

/// Whether goods could be told apart by their numbers.
fn both_numbered(own: &Own, row: &super::Row) -> bool {
    let theirs = serial(field(row, "items.description")).is_some();
    theirs && serial(own.text("description")).is_some()
}

fn first(found: &[Found]) -> &[super::Row] {
    found.first().and_then(Option::as_ref).map_or(&[], Vec::as_slice)
}

/// Goods leave again: were they declared for who sells them on? Asked by customs of the country in between, of those of the
/// country that the import came from.
pub struct ReExport;

/// Days that goods stay at most before they leave again.
const STAY: f64 = 75.0;
/// Imports that goods may have come by, at most.
const CAME_BY: usize = 2;

impl ReExport {
    /// Imports of the seller that these goods may have come by: the same chapter, not long ago, about the same mass or half
    /// of it; the closest first.
    fn came_by(own: &Own) -> Vec<At> {
        let chapter: String = own.text("hs_code").chars().take(2).collect();
        let number = |at: At, name: &str| own.number_of(at, name);
        let fits = |at: &At| {
            let before = number(own.at, "accepted_at").zip(number(*at, "accepted_at"));
            let days = before.map(|(left, came)| (left - came) / 86_400.0);
            own.text_of(*at, "direction") == "IMPORT"
                && own.text_of(*at, "hs_code").starts_with(&chapter)
                && days.is_some_and(|days| (0.0..STAY).contains(&days))
        };
        let differs = |at: &At| {
            let both = number(own.at, "net_mass_grams").zip(number(*at, "net_mass_grams"));
            both.filter(|(_, came)| *came > 0.0).map_or(9.0, |(left, came)| {
                let share = left / came;
                (share - 1.0).abs().min((share - 0.5).abs())
            })
        };
        let seller = own.text("exporter_id");
        let mut all: Vec<(f64, At)> = own
            .own(Table::Declaration, "importer_id", seller, Alike::Exactly)
            .into_iter()
            .filter(fits)
            .map(|at| (differs(&at), at))
            .filter(|(differs, _)| *differs < 0.15)
            .collect();
        all.sort_by(|one, other| one.0.total_cmp(&other.0).then(one.1.cmp(&other.1)));
        all.into_iter().take(CAME_BY).map(|(_, at)| at).collect()
    }
}

impl Playbook for ReExport {
    fn scheme(&self) -> &'static str {
        "T01"
    }

    fn table(&self) -> Table {
        Table::Declaration
    }

    fn needs(&self) -> &'static [(Table, &'static [&'static str])] {
        &[(Table::Declaration, &["ucr", "items.description", "end_user.name.original"])]
    }

    fn alone(&self, own: &Own) -> Option<Judgement> {
        let passes = exports(own) && own.text("regime") == "31";
        (passes && !Self::came_by(own).is_empty())
            .then(|| Judgement::new(0.15, "what came in not long ago leaves again"))
    }

    fn lead(&self, own: &Own, found: &[Found]) -> Option<Lead> {
        let import = *Self::came_by(own).get(found.len())?;
        let of = own.abroad(own.text_of(import, "exporter_country"), Office::Customs)?;
        Some(Lead {
            of: of.to_owned(),
            table: Table::Declaration,
            tests: vec![
                ("ucr", Test::Is(own.text_of(import, "ucr").to_owned())),
                ("direction", Test::Is("EXPORT".to_owned())),
            ],
            fields: &["ucr", "items.description", "end_user.name.original"],
        })
    }

    fn judge(&self, own: &Own, found: &[Found]) -> Judgement {
        let rows = || found.iter().flatten().flatten();
        let named = |row: &super::Row, name: &str| {
            same_name(field(row, "end_user.name.original"), own.text(name))
        };
        let kept = |row: &super::Row| named(row, "exporter_name");
        if rows().any(|row| kept(row) && is_same(own, row)) {
            Judgement::new(0.95, "declared as used here by the firm that sells it on")
        } else if rows().any(|row| named(row, "importer_name")) {
            Judgement::new(0.02, "declared from the start for who buys it now")
        } else if rows().any(|row| kept(row) && !both_numbered(own, row)) {
            Judgement::new(0.6, "as much as was declared as used here by the firm that sells it on")
        } else {
            Judgement::new(0.06, "nobody was named as who uses it here")
        }
    }
}

/// The same from the other side: did what was to be used there leave again? Asked by customs of the country of export.
pub struct SentOn;

impl Playbook for SentOn {
    fn scheme(&self) -> &'static str {
        "T01"
    }

    fn table(&self) -> Table {
        Table::Declaration
    }

    fn needs(&self) -> &'static [(Table, &'static [&'static str])] {
        &[(Table::Declaration, &["items.description", "country_of_destination"])]
    }

    fn alone(&self, own: &Own) -> Option<Judgement> {
        let there = same_name(own.text("end_user_name"), own.text("importer_name"));
        let numbered = serial(own.text("description")).is_some();
        (exports(own) && there && numbered)
            .then(|| Judgement::new(0.05, "for use by the buyer, with serial numbers"))
    }

    fn lead(&self, own: &Own, found: &[Found]) -> Option<Lead> {
        let of = own.abroad(own.text("country_of_destination"), Office::Customs)?;
        let code = code(own, found)?;
        Some(Lead {
            of: of.to_owned(),
            table: Table::Declaration,
            tests: vec![
                ("direction", Test::Is("EXPORT".to_owned())),
                ("regime", Test::Is("31".to_owned())),
                ("items.hs_code", Test::Begins(code)),
            ],
            fields: &["items.description", "country_of_destination"],
        })
    }

    fn judge(&self, own: &Own, found: &[Found]) -> Judgement {
        let mine = serial(own.text("description"));
        let same =
            |row: &super::Row| mine.is_some() && serial(field(row, "items.description")) == mine;
        if first(found).iter().any(same) {
            Judgement::new(0.95, "what was to be used there left again")
        } else {
            Judgement::new(0.03, "nothing with these numbers left again so far")
        }
    }
}

/// A transit that was opened and whose goods never came. Asked by customs of the country of export.
pub struct NeverCame;

/// Seconds after which goods of a discharged transit should have been declared.
const SOON: i64 = 10 * 86_400;

impl Playbook for NeverCame {
    fn scheme(&self) -> &'static str {
        "T02"
    }

    fn table(&self) -> Table {
        Table::Declaration
    }

    fn needs(&self) -> &'static [(Table, &'static [&'static str])] {
        &[(Table::Transit, &["ucr", "due_at", "discharged_at"]), (Table::Declaration, &["ucr"])]
    }

    fn alone(&self, own: &Own) -> Option<Judgement> {
        let controlled = !own.text("end_user_name").is_empty();
        (exports(own) && controlled).then(|| Judgement::new(0.03, "goods under control leave"))
    }

    fn lead(&self, own: &Own, found: &[Found]) -> Option<Lead> {
        let of = own.abroad(own.text("country_of_destination"), Office::Customs)?.to_owned();
        let ucr = ("ucr", Test::Is(own.text("ucr").to_owned()));
        match found {
            [] => Some(Lead {
                of,
                table: Table::Transit,
                tests: vec![ucr],
                fields: &["ucr", "opened_at", "due_at", "discharged_at"],
            }),
            // Only where there is a transit does it matter whether goods came.
            [Some(rows)] if !rows.is_empty() => Some(Lead {
                of,
                table: Table::Declaration,
                tests: vec![ucr, ("direction", Test::Is("IMPORT".to_owned()))],
                fields: &["ucr", "accepted_at"],
            }),
            _ => None,
        }
    }

    fn judge(&self, own: &Own, found: &[Found]) -> Judgement {
        let day = |row: &super::Row, path: &str| {
            let text = field(row, path);
            crate::calendar::parse_day(text.get(..10).unwrap_or_default()).map(|day| day * 86_400)
        };
        match found {
            [Some(transits), Some(imports)] if imports.is_empty() => {
                let late = transits.iter().any(|row| {
                    let end = day(row, "discharged_at").map(|at| at + SOON);
                    let due = day(row, "due_at").map(|at| at + SOON);
                    end.or(due).is_some_and(|until| until < own.now)
                });
                if late {
                    Judgement::new(0.93, "announced there, and nothing came")
                } else {
                    Judgement::new(0.08, "announced there, and on its way")
                }
            }
            _ => Judgement::new(0.02, "no transit, or the goods came"),
        }
    }
}

/// Goods that are controlled on arrival and were not when they left. Asked by customs of the country of export.
pub struct OtherCode;

impl Playbook for OtherCode {
    fn scheme(&self) -> &'static str {
        "T04"
    }

    fn table(&self) -> Table {
        Table::Declaration
    }

    fn needs(&self) -> &'static [(Table, &'static [&'static str])] {
        &[(Table::Declaration, &["ucr", "items.hs_code", "items.description"])]
    }

    fn alone(&self, own: &Own) -> Option<Judgement> {
        let hs = own.text("hs_code");
        let near = own.world.commodities.iter().any(|goods| {
            let neighbour = goods.neighbour.map(|other| &own.world.commodities.id(other).hs);
            goods.controlled() && neighbour.is_some_and(|other| other == hs)
        });
        (exports(own) && near).then(|| Judgement::new(0.08, "a code beside a controlled one"))
    }

    fn lead(&self, own: &Own, found: &[Found]) -> Option<Lead> {
        let of = own.abroad(own.text("country_of_destination"), Office::Customs)?;
        found.is_empty().then(|| Lead {
            of: of.to_owned(),
            table: Table::Declaration,
            tests: vec![
                ("ucr", Test::Is(own.text("ucr").to_owned())),
                ("direction", Test::Is("IMPORT".to_owned())),
            ],
            fields: &["ucr", "items.hs_code", "items.description"],
        })
    }

    fn judge(&self, own: &Own, found: &[Found]) -> Judgement {
        let told = first(found).iter().find(|row| own.controlled(field(row, "items.hs_code")));
        let hidden = |row: &super::Row| {
            let there = serial(field(row, "items.description")).is_some();
            there && serial(own.text("description")).is_none()
        };
        match told {
            Some(row) if hidden(row) => {
                Judgement::new(0.93, "controlled on arrival, and numbered only there")
            }
            Some(_) => Judgement::new(0.35, "controlled on arrival: a mistake or worse"),
            None => Judgement::new(0.03, "the same to them"),
        }
    }
}

/// More leaves on a licence than it allows. Asked by customs of the authority of their own state.
pub struct OverDrawn;

impl Playbook for OverDrawn {
    fn scheme(&self) -> &'static str {
        "T08"
    }

    fn table(&self) -> Table {
        Table::Declaration
    }

    fn needs(&self) -> &'static [(Table, &'static [&'static str])] {
        &[(Table::Licence, &["id", "items.quantity"])]
    }

    fn alone(&self, own: &Own) -> Option<Judgement> {
        let licence = own.text("licence_id");
        let drawn = own.own(Table::Declaration, "licence_id", licence, Alike::Exactly);
        let several = exports(own) && !licence.is_empty() && drawn.len() > 1;
        several.then(|| Judgement::new(0.06, "several exports on one licence"))
    }

    fn lead(&self, own: &Own, found: &[Found]) -> Option<Lead> {
        let of = own.sister(Office::Licensing)?;
        found.is_empty().then(|| Lead {
            of: of.to_owned(),
            table: Table::Licence,
            tests: vec![("id", Test::Is(own.text("licence_id").to_owned()))],
            fields: &["id", "items.quantity"],
        })
    }

    fn judge(&self, own: &Own, found: &[Found]) -> Judgement {
        let allowed =
            first(found).first().and_then(|row| field(row, "items.quantity").parse::<f64>().ok());
        let drawn =
            own.own(Table::Declaration, "licence_id", own.text("licence_id"), Alike::Exactly);
        let sum: f64 = drawn
            .iter()
            .filter(|at| own.text_of(**at, "direction") == "EXPORT")
            .filter_map(|at| own.number_of(*at, "quantity"))
            .sum();
        match allowed {
            Some(allowed) if sum > allowed * 1.02 => {
                Judgement::new(0.95, "more has left than the licence allows")
            }
            Some(_) => Judgement::new(0.02, "within what the licence allows"),
            None => Judgement::new(0.1, "the authority tells nothing of the licence"),
        }
    }
}
