//! A licence that is under-used, and one that takes its place: a lawful pattern. A holder sends less than the first allows, it
//! runs out, and some weeks later exports go on by the next, of the same goods for the same user. Two licences for the same, and
//! a balance that is never drawn, are what over-drawing (T08) and shopping (T23) look like from one side.

use super::case::{Case, Role};
use super::coast::{Wanted, trading};
use super::grant::Application;
use super::mechanism::{Mechanism, Trace};
use crate::calendar::Moment;
use crate::shipment::draft::{Draft, round};
use crate::shipment::licence::{Licence, VALID_DAYS};
use crate::shipment::{Consignment, Engine};
use crate::table::Out;
use crate::world::Office;

/// The decoy.
#[derive(Debug)]
pub struct LicenceRenewed;

/// Days within which a case has its consignments.
const MOST_DAYS: f64 = 84.0;
/// Days from the end of a licence back to its last export, and from the next grant to its first.
const CLOSE: (f64, f64) = (0.5, 3.0);

struct Cast {
    a: u32,
    b: u32,
    exporter: u32,
    user: u32,
    goods: u32,
    /// Exports by the first licence, by the second, and the days from the first of them.
    exports: (usize, usize),
    days: Vec<f64>,
    used: f64,
    /// Days from the last export of the first to its end, and from the grant of the next to its first.
    close: (f64, f64),
}

fn cast(engine: &Engine, case: u64) -> Cast {
    let (world, params) = (engine.world, engine.world.schemes.parameters("licence_renewed"));
    let mut cell = engine.cases.cell(case);
    let both = Wanted { offices: &[Office::Customs, Office::Licensing], sea: false };
    let any = Wanted { offices: &[], sea: false };
    let (a, b) = trading(world, both, any, &mut cell);
    let goods = world.trade.controlled(cell.bits64());
    let sector = world.commodities.id(goods).sector;
    let exports = (1 + cell.place(2), 1 + cell.place(2));
    let lag = params.within("lag_days", (10.0, 120.0), &mut cell).min(MOST_DAYS - 24.0);
    let mut days = vec![0.0];
    if exports.0 > 1 {
        days.push(11.0);
    }
    let next = days.last().copied().unwrap_or_default() + lag;
    days.push(next);
    if exports.1 > 1 {
        days.push(next + 12.0);
    }
    let close = (cell.between(CLOSE.0, CLOSE.1), cell.between(CLOSE.0, CLOSE.1));
    Cast {
        a,
        b,
        exporter: world.trade.seller(a, sector, cell.bits64()),
        user: world.trade.buyer(b, sector, cell.bits64()),
        goods,
        exports,
        days,
        used: params.within("used_share", (0.2, 0.95), &mut cell),
        close,
    }
}

/// The licence by which a role goes, by its place.
fn place(cast: &Cast, role: usize) -> u64 {
    u64::from(role >= cast.exports.0)
}

/// The two licences: the first has run out when the second is granted.
fn licences(engine: &Engine, case: &Case, cast: &Cast) -> [Licence; 2] {
    let of = Application {
        from: cast.a,
        to: cast.b,
        exporter: cast.exporter,
        consignee: cast.user,
        goods: cast.goods,
    };
    let accepted = |place: u64| {
        let roles = case.consignments(engine).into_iter();
        roles
            .filter(move |(role, _)| self::place(cast, *role) == place)
            .map(|(_, number)| engine.consignment(number).draft.accepted)
    };
    let grant = |place: u64, decided: Moment| {
        let mut licence = engine.case_grant(case, place, &of);
        licence.rounds.retain(|(role, _)| self::place(cast, super::cast::at(*role)) == place);
        let drawn: i64 = licence.rounds.iter().map(|(_, pieces)| pieces).sum();
        licence.pieces = round(drawn as f64 / cast.used).max(drawn).max(1);
        licence.applied = decided.plus_days(-licence.decided_days);
        licence
    };
    let last = accepted(0).max().unwrap_or_default();
    let next = accepted(1).min().unwrap_or_default();
    let (ended, granted) = (last.plus_days(cast.close.0), next.plus_days(-cast.close.1));
    [grant(0, ended.plus_days(-VALID_DAYS)), grant(1, granted)]
}

impl Mechanism for LicenceRenewed {
    fn roles(engine: &Engine, case: u64) -> Vec<Role> {
        engine.cases.places(&cast(engine, case).days, engine.period_days())
    }

    fn shape(engine: &Engine, case: &Case, _role: usize, draft: &mut Draft) {
        let cast = cast(engine, case.number);
        draft.sell((cast.a, cast.b), (cast.exporter, cast.user), cast.goods);
        engine.price(draft, None);
        engine.choose_agents(draft);
    }

    fn twist(engine: &Engine, case: &Case, role: usize, consignment: &mut Consignment) {
        let place = place(&cast(engine, case.number), role);
        let licence = engine.case_licence(case.number, place);
        consignment.twist.licence = Some(engine.licence_id(licence, consignment.draft.from));
    }

    fn records<O: Out>(engine: &Engine, case: &Case, out: &mut O) {
        let cast = cast(engine, case.number);
        for licence in licences(engine, case, &cast) {
            engine.put_licence(&licence, None, out);
        }
    }

    fn traces(_engine: &Engine, _case: &Case) -> Vec<Trace> {
        vec![]
    }
}

#[cfg(test)]
mod tests {
    use super::super::Kind;
    use super::super::witness::{each, number};
    use crate::table::Table;

    #[test]
    fn exports_go_on_by_a_second_licence_when_the_first_has_run_out_and_none_is_drawn_up() {
        let mut shares = vec![];
        each(Kind::LicenceRenewed, 40, |_, case, rows| {
            let mut licences = rows.of(Table::Licence);
            licences.sort_by(|one, other| one["granted_at"].cmp(&other["granted_at"]));
            let [first, second] = &licences[..] else { panic!("{licences:?}") };
            assert!(first["expires_at"] < second["granted_at"], "{first:?} {second:?}");
            for column in ["exporter_name", "end_user_name", "hs_code", "country_of_destination"] {
                assert_eq!(first[column], second[column], "{column}");
            }
            let exports: Vec<_> = rows
                .of(Table::Declaration)
                .into_iter()
                .filter(|row| row["direction"] == "EXPORT")
                .collect();
            assert_eq!(exports.len(), case.roles.len());
            for licence in [first, second] {
                let by: Vec<_> =
                    exports.iter().filter(|row| row["licence_id"] == licence["id"]).collect();
                assert!(!by.is_empty(), "{licence:?}");
                let drawn: f64 = by.iter().map(|row| number(row, "quantity")).sum();
                assert!((drawn - number(licence, "drawn_quantity")).abs() < 0.5);
                shares.push(drawn / number(licence, "quantity"));
                for export in by {
                    assert!(export["accepted_at"] > licence["granted_at"]);
                    assert!(export["accepted_at"] < licence["expires_at"]);
                }
            }
        });
        assert!(shares.iter().all(|share| *share <= 1.0), "{shares:?}");
        let under = shares.iter().filter(|share| **share < 0.6).count();
        assert!(under > 20, "{under} of {} are used in half", shares.len());
    }
}
