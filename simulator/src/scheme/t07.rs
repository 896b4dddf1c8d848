//! T07: a forged or reused end-user certificate.
//!
//! *Mechanism.* An exporter supports its application with a certificate that the end user never signed: in the name of
//! a firm that exists and knows of nothing, or of one that does not. The stamp is cut from other papers or made. The
//! authority sees a certificate like any other and grants; goods go to a trader in the end user's state.
//!
//! *Traces.* LIC: the licence and the certificate on its file. NCB of the end user's state: it asked, and the end user
//! denies, or is not to be found. The authority has not asked; the bureau does not know that anything was granted.
//!
//! *Parameters* (`schemes.toml`): `real_firm`, `stamp_reused`.
//!
//! *Innocent likes.* Certificates that firms deny and no licence rests on; applications that came to nothing; end users
//! who do not answer; licences for one order (`shipment/orders.rs`); stamps of chambers and notaries on the papers of many firms (`shipment/checks.rs`).
//!
//! *Indicators from public sources.* Wassenaar Arrangement, "End-User Assurances Commonly Used, Consolidated Indicative
//! List" (1999, amended 2005); Organization for Security and Co-operation in Europe, "Template for End User
//! Certificates for Small Arms and Light Weapons" (2011): forged and reused certificates, verification with the state
//! of the end user; Bureau of Industry and Security, "Know Your Customer" guidance and red flags: an end user that
//! cannot be found at its address.

use super::case::{Case, Role};
use super::grant::Application;
use super::mechanism::{Mechanism, Trace};
use super::{Holder, cast};
use crate::shipment::checks::Certified;
use crate::shipment::draft::Draft;
use crate::shipment::licence::Licence;
use crate::shipment::orders::APART_DAYS;
use crate::shipment::{Consignment, Engine};
use crate::table::{Out, Table};
use crate::world::{Founding, Office};

/// The scheme.
#[derive(Debug)]
pub struct ForgedCertificate;

/// Consignments of a case at most.
const ORDERS: usize = 2;

struct Cast {
    a: u32,
    b: u32,
    exporter: u32,
    trader: u32,
    /// Who the certificate names, where that firm exists.
    real: Option<u32>,
    goods: u32,
    dollars: [f64; ORDERS],
    stamp_reused: bool,
    orders: usize,
}

fn cast(engine: &Engine, case: u64) -> Cast {
    let (world, params) = (engine.world, engine.world.schemes.parameters("T07"));
    let mut cell = engine.cases.cell(case);
    let (a, b) = cast::partners(world, &mut cell);
    let goods = world.trade.controlled(cell.bits64());
    let sector = world.commodities.id(goods).sector;
    let trader = world.trade.small(b, sector, &mut cell);
    // Another firm than the trader, where its state has another in the sector.
    let named = [(); 4].map(|()| world.trade.small(b, sector, &mut cell));
    let named = named.into_iter().find(|firm| *firm != trader).unwrap_or(trader);
    Cast {
        a,
        b,
        exporter: world.trade.seller(a, sector, cell.bits64()),
        trader,
        real: cell.chance(params.number("real_firm", 0.6)).then_some(named),
        goods,
        dollars: [(); ORDERS].map(|()| cast::log_even(3_000.0, 200_000.0, &mut cell)),
        stamp_reused: cell.chance(params.number("stamp_reused", 0.5)),
        orders: if cell.chance(0.3) { ORDERS } else { 1 },
    }
}

impl Cast {
    fn end_user(&self, engine: &Engine, case: u64) -> u32 {
        self.real.unwrap_or_else(|| engine.case_firm(case, 0))
    }

    fn licence(&self, engine: &Engine, case: &Case) -> Licence {
        let of = Application {
            from: self.a,
            to: self.b,
            exporter: self.exporter,
            consignee: self.trader,
            goods: self.goods,
        };
        Licence { end_user: self.end_user(engine, case.number), ..engine.case_grant(case, 0, &of) }
    }
}

impl Mechanism for ForgedCertificate {
    fn roles(engine: &Engine, case: u64) -> Vec<Role> {
        let days = [0.0, APART_DAYS];
        let orders = cast(engine, case).orders;
        engine.cases.places(days.get(..orders).unwrap_or(&days), engine.period_days())
    }

    /// The firm that is named and does not exist: no register has it.
    fn firm(engine: &Engine, case: u64, _place: u64) -> Founding {
        let cast = cast(engine, case);
        let sector = engine.world.commodities.id(cast.goods).sector;
        Founding { country: cast.b, sector, ..Founding::default() }
    }

    fn shape(engine: &Engine, case: &Case, role: usize, draft: &mut Draft) {
        let cast = cast(engine, case.number);
        draft.sell((cast.a, cast.b), (cast.exporter, cast.trader), cast.goods);
        engine.reprice(draft, cast.dollars.get(role).copied().unwrap_or(50_000.0));
        engine.choose_agents(draft);
    }

    fn twist(engine: &Engine, case: &Case, _role: usize, consignment: &mut Consignment) {
        let licence = engine.case_licence(case.number, 0);
        consignment.twist.licence = Some(engine.licence_id(licence, consignment.draft.from));
    }

    fn records<O: Out>(engine: &Engine, case: &Case, out: &mut O) {
        let cast = cast(engine, case.number);
        let certified = Certified::Forged {
            of_real_firm: cast.real.is_some(),
            stamp_reused: cast.stamp_reused,
        };
        engine.put_certified(&cast.licence(engine, case), None, certified, out);
    }

    fn traces(engine: &Engine, case: &Case) -> Vec<Trace> {
        let cast = cast(engine, case.number);
        let licence = engine.case_licence(case.number, 0);
        let trace = |table, id, state: u32, office, holder, shows| Trace {
            table,
            id,
            agency: engine.world.countries.id(state).agency(office).to_owned(),
            holder,
            shows,
        };
        vec![
            trace(
                Table::Licence,
                engine.licence_id(licence, cast.a),
                cast.a,
                Office::Licensing,
                Holder::Licensing,
                "granted on the certificate",
            ),
            trace(
                Table::EndUserCertificate,
                engine.certificate_id(licence, cast.a),
                cast.a,
                Office::Licensing,
                Holder::Licensing,
                "the certificate, in the name of who never signed it",
            ),
            trace(
                Table::EndUseCheck,
                engine.check_id(licence),
                cast.b,
                Office::Police,
                Holder::PoliceBureau,
                "the end user denies, or does not exist",
            ),
        ]
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::Kind;
    use super::super::witness::each;
    use super::*;
    use crate::shipment::checks::{DENIED, NO_SUCH_FIRM};

    #[test]
    fn a_licence_rests_on_a_certificate_that_its_end_user_denies() {
        let (mut real, mut stamps) = (0, [vec![], vec![]]);
        each(Kind::T07, 60, |engine, case, rows| {
            let cast = cast(engine, case.number);
            let (licence, certificate, check) = (
                &rows.of(Table::Licence)[0],
                &rows.of(Table::EndUserCertificate)[0],
                &rows.of(Table::EndUseCheck)[0],
            );
            assert_eq!(licence["status"], "GRANTED");
            assert_eq!(licence["certificate_id"], certificate["id"]);
            assert_eq!(check["certificate_id"], certificate["id"]);
            assert_eq!(check["outcome"], "UNFAVOURABLE");
            for row in [licence, certificate] {
                assert_eq!(row["end_user_name"], check["end_user_name"]);
            }
            let known = engine.world.firms.iter().any(|firm| firm.name == check["end_user_name"]);
            assert!(cast.real.is_none() || known, "{check:?}");
            assert_eq!(check["findings"], if cast.real.is_some() { DENIED } else { NO_SUCH_FIRM });
            let [party, company] = [Table::Party, Table::Company].map(|table| rows.of(table));
            assert!(party.is_empty() && company.is_empty(), "the end user is in a register");
            real += usize::from(cast.real.is_some());
            stamps[usize::from(cast.stamp_reused)].push(certificate["stamp"].clone());
            // The goods left after the grant, on this licence, for the trader.
            let exports = rows.held(
                Table::Declaration,
                engine.world.countries.id(cast.a).agency(Office::Customs),
            );
            assert_eq!(exports.len(), case.roles.len());
            assert!(exports.iter().all(|row| row["licence_id"] == licence["id"]
                && row["accepted_at"] > licence["granted_at"]));
        });
        // Asked for: 0.6 and 0.5 of 60.
        assert!((26..47).contains(&real), "{real} of 60 in the name of a real firm");
        let [own, reused] = &stamps;
        assert!((19..42).contains(&reused.len()), "{} of 60 with a reused stamp", reused.len());
        // Taken from other papers: the world's own certificates carry them too.
        let world = super::super::witness::world(11);
        let engine = super::super::witness::engine(&world, Kind::T07, 60);
        let mut others = super::super::witness::Rows::default();
        for licence in 0..4_000 {
            let facts = engine.licence(licence % engine.licences.count());
            engine.put_licence(&Licence { number: licence, ..facts }, None, &mut others);
        }
        let others: BTreeSet<String> = others
            .of(Table::EndUserCertificate)
            .into_iter()
            .map(|row| row["stamp"].clone())
            .collect();
        assert!(reused.iter().all(|stamp| others.contains(stamp)));
        let alike = own.iter().filter(|stamp| others.contains(*stamp)).count();
        assert!(alike < own.len(), "every stamp is on other papers");
    }
}
