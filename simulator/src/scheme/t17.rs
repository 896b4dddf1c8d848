//! T17: a third party pays, and pays too much.
//!
//! *Mechanism.* Controlled goods go to a trader in a hub. Neither the trader nor its parent pays, but a firm in a
//! third state, and it pays more than the invoice asks for: the surplus is the price of silence, or money for the
//! next order. The money often went through other firms before, from the state that wants the goods, in amounts
//! that shrink by fees from day to day.
//!
//! *Traces.* FIU of the exporter's state: payer and amount, with the invoice's number. XC: the invoice, with buyer
//! and amount. The unit knows neither the buyer nor what was asked for; customs know nothing of the payment. What
//! went on before the last payment lies with units of other states.
//!
//! *Parameters* (`schemes.toml`): `premium_percent`, `hops`.
//!
//! *Innocent likes.* Agents and financiers pay for importers, parents for subsidiaries; importers pay in advance of
//! the next order; treasuries send money from firm to firm (`background.rs`, `Engine::pay_oddly`).
//!
//! *Indicators from public sources.* Financial Action Task Force and Egmont Group, "Trade-Based Money Laundering:
//! Risk Indicators" (March 2021): payment by a third party without a link to the trade, payment above the invoice;
//! Bureau of Industry and Security, Financial Crimes Enforcement Network, "Joint Alert" of 28 June 2022: payment
//! from a third-party country or business not on the end-user form.

use super::case::{Case, Role};
use super::mechanism::{Mechanism, Trace};
use super::{Holder, cast};
use crate::shipment::background::with_fee;
use crate::shipment::draft::{Draft, round};
use crate::shipment::rows::{REMITTANCES, Transfer};
use crate::shipment::{Consignment, Engine};
use crate::table::{Out, Table};
use crate::world::Office;

/// The scheme.
#[derive(Debug)]
pub struct ThirdPartyPayer;

/// Consignments of a case at most.
const ORDERS: usize = 3;

struct Cast {
    a: u32,
    b: u32,
    exporter: u32,
    trader: u32,
    /// Who pays the exporter first, then who paid those before, up to the state that wants the goods.
    payers: Vec<u32>,
    goods: u32,
    dollars: [f64; ORDERS],
    premium: f64,
    orders: usize,
}

fn cast(engine: &Engine, case: u64) -> Cast {
    let (world, params) = (engine.world, engine.world.schemes.parameters("T17"));
    let mut cell = engine.cases.cell(case);
    let (a, b) = (cast::supplier(world, &mut cell), cast::hub(world, &mut cell));
    let a = cast::other_than(world, a, b);
    let d = cast::embargoed(world, &mut cell);
    let goods = world.trade.controlled(cell.bits64());
    let sector = world.commodities.id(goods).sector;
    let hops = round(params.within("hops", (1.0, 4.99), &mut cell)).max(1);
    let mut payers = vec![];
    for hop in 0..hops {
        // Only the longer chains begin in the state that wants the goods: nobody else sees that far.
        let state = if hop >= 2 { d } else { cast::third(world, [a, b], &mut cell) };
        let mut firm = || world.trade.small(state, cell.place(crate::world::SECTORS), &mut cell);
        let drawn = [firm(), firm(), firm(), firm()];
        payers.extend(drawn.into_iter().find(|firm| !payers.contains(firm)));
    }
    Cast {
        a,
        b,
        exporter: world.trade.seller(a, sector, cell.bits64()),
        trader: world.trade.small(b, sector, &mut cell),
        payers,
        goods,
        dollars: [(); ORDERS].map(|()| cell.between(55_000.0, 300_000.0)),
        premium: params.within("premium_percent", (10.0, 300.0), &mut cell) / 100.0,
        orders: 1 + cell.place(ORDERS),
    }
}

impl Mechanism for ThirdPartyPayer {
    fn roles(engine: &Engine, case: u64) -> Vec<Role> {
        let days = [0.0, 24.0, 51.0];
        let orders = cast(engine, case).orders;
        engine.cases.places(days.get(..orders).unwrap_or(&days), engine.period_days())
    }

    fn shape(engine: &Engine, case: &Case, role: usize, draft: &mut Draft) {
        let cast = cast(engine, case.number);
        draft.sell((cast.a, cast.b), (cast.exporter, cast.trader), cast.goods);
        engine.reprice(draft, cast.dollars.get(role).copied().unwrap_or(50_000.0));
        engine.choose_agents(draft);
    }

    fn twist(engine: &Engine, case: &Case, _role: usize, consignment: &mut Consignment) {
        let cast = cast(engine, case.number);
        consignment.twist.payer = cast.payers.first().copied();
        consignment.twist.paid = 1.0 + cast.premium;
    }

    fn records<O: Out>(engine: &Engine, case: &Case, out: &mut O) {
        let cast = cast(engine, case.number);
        for (role, number) in case.consignments(engine) {
            let [_, rest] = engine.instalments(&engine.consignment(number));
            let mut cell = engine.cases.records_cell(case.number, role as u64);
            let (mut cents, mut day) = (rest.cents, rest.day);
            for (hop, (payee, payer)) in
                (0..).zip(cast.payers.iter().zip(cast.payers.iter().skip(1)))
            {
                cents = with_fee(cents, &mut cell);
                day -= cell.whole(1, 4);
                let reference =
                    REMITTANCES.get(cell.place(REMITTANCES.len())).copied().unwrap_or_default();
                let number = engine.case_transfer(case.number, role as u64 * 8 + hop);
                let (payer, payee) = (*payer, *payee);
                engine.put_transfer(&Transfer { number, payer, payee, cents, day, reference }, out);
            }
        }
    }

    fn traces(engine: &Engine, case: &Case) -> Vec<Trace> {
        let cast = cast(engine, case.number);
        let customs = engine.world.countries.id(cast.a).agency(Office::Customs);
        let mut traces = vec![];
        for (_, number) in case.consignments(engine) {
            let consignment = engine.consignment(number);
            traces.extend(engine.payment_traces(
                &consignment,
                "paid by a firm of a third state, more than the invoice",
            ));
            traces.push(Trace {
                table: Table::Invoice,
                id: engine.invoice_id(number),
                agency: customs.to_owned(),
                holder: Holder::ExportCustoms,
                shows: "who bought, and for how much",
            });
        }
        traces
    }
}

#[cfg(test)]
mod tests {
    use super::super::Kind;
    use super::super::witness::{each, number};
    use super::*;

    #[test]
    fn a_firm_that_is_neither_consignee_nor_its_parent_pays_too_much() {
        let mut chains = 0;
        each(Kind::T17, 30, |engine, case, rows| {
            let invoices = rows.of(Table::Invoice);
            assert_eq!(invoices.len(), case.roles.len());
            let fiu = engine.world.countries.id(cast(engine, case.number).a).agency(Office::Fiu);
            for invoice in invoices {
                let paid: Vec<_> = rows
                    .held(Table::Payment, fiu)
                    .into_iter()
                    .filter(|payment| payment["invoice_id"] == invoice["id"])
                    .collect();
                let sum: f64 = paid.iter().map(|payment| number(payment, "amount")).sum();
                let premium = sum / number(&invoice, "amount") - 1.0;
                assert!((0.099..3.01).contains(&premium), "{premium}");
                for payment in &paid {
                    assert_ne!(payment["payer_id"], invoice["buyer_id"]);
                    let buyer =
                        engine.world.firms.iter().find(|firm| firm.id == invoice["buyer_id"]);
                    let parent = buyer.unwrap().parent.map(|parent| engine.firm(parent));
                    assert!(parent.is_none_or(|parent| parent.id != payment["payer_id"]));
                    assert_eq!(payment["payee_id"], invoice["seller_id"]);
                }
            }
            // What goes before is earlier and a little more, and ends with who pays.
            let hops =
                rows.of(Table::Payment).into_iter().filter(|row| row["invoice_id"].is_empty());
            for hop in hops {
                chains += 1;
                let next = rows.of(Table::Payment).into_iter().find(|next| {
                    next["payer_id"] == hop["payee_id"]
                        && next["value_date"] > hop["value_date"]
                        && number(next, "amount") < number(&hop, "amount")
                });
                assert!(next.is_some(), "{hop:?} leads nowhere");
            }
        });
        assert!(chains > 10, "{chains}");
    }
}
