//! T18: a phantom shipment, a repeated invoice.
//!
//! *Mechanism.* Money goes abroad against papers of goods that never moved. The importer's bank pays under a documentary
//! credit and cites a bill of lading. Either no carrier ever issued that bill, while other goods came before from the same
//! seller and were never paid; or it is a copy of the bill of other people's goods, which did come.
//!
//! *Traces.* FIU of the importer's state: the payment and the bill that it cites. PT: bills of what was landed, none of
//! that number, or one that names other people; goods that came and that nobody paid. XC has an export declaration like any other; nothing was loaded.
//!
//! *Parameters* (`schemes.toml`): `bill_reused`, `lag_days` (from the bill's goods to the payment's, where it is used again).
//!
//! *Innocent likes* (`parties.rs`). Most payments for goods by sea cite the bill; others cite none, and
//! goods by air or road never have one; cargo sold at sea has a bill that names another buyer.
//!
//! *Indicators from public sources.* Financial Action Task Force, "Trade-Based Money Laundering" (2006), phantom shipping
//! and multiple invoicing; Financial Action Task Force and Egmont Group, "Trade-Based Money Laundering: Risk Indicators"
//! (2021): shipping documents that cannot be verified or were used before; Wolfsberg Group, ICC and BAFT, "Trade Finance
//! Principles" (2019): check of bills of lading with carriers and ports.

use super::Holder;
use super::case::{Case, Role};
use super::coast::{Wanted, usual_dollars};
use super::mechanism::{Mechanism, Trace};
use crate::shipment::draft::Draft;
use crate::shipment::{Consignment, Engine};
use crate::table::Table;
use crate::world::Office;

/// The scheme.
#[derive(Debug)]
pub struct Phantom;

/// Least that is paid, US dollars: each of two parts of it is reported.
const LEAST_DOLLARS: f64 = 22_000.0;
/// Most that is paid, US dollars.
const MOST_DOLLARS: f64 = 2e6;
/// Most mass of the goods whose bill is used again, kilograms.
const MOST_KG: f64 = 60_000.0;

struct Cast {
    a: u32,
    b: u32,
    /// Who is paid, and who pays.
    payee: u32,
    payer: u32,
    goods: u32,
    dollars: f64,
    /// Whether it is the bill of goods that did come, to others.
    reused: bool,
    /// Who sold and who bought the goods that did come, and for how much.
    real: (u32, u32, f64),
    lag_days: f64,
}

fn cast(engine: &Engine, case: u64) -> Cast {
    let (world, params) = (engine.world, engine.world.schemes.parameters("T18"));
    let mut cell = engine.cases.cell(case);
    let sea = Wanted { offices: &[Office::Customs], sea: true };
    let a = sea.of(world, &world.roles.suppliers, &[], &mut cell);
    let both = Wanted { offices: &[Office::Fiu, Office::Port], sea: true };
    let b = both.of(world, &world.roles.hubs, &[a], &mut cell);
    let goods = world.trade.goods(cell.bits64());
    let sector = world.commodities.id(goods).sector;
    let reused = cell.chance(params.number("bill_reused", 0.5));
    let payee = world.trade.seller(a, sector, cell.bits64());
    let payer = world.trade.buyer(b, sector, cell.bits64());
    let mut others = [0; 2];
    for (other, (state, taken)) in others.iter_mut().zip([(a, payee), (b, payer)]) {
        let drawn = [(); 6].map(|()| world.trade.buyer(state, sector, cell.bits64()));
        *other = drawn.into_iter().find(|firm| *firm != taken).unwrap_or(taken);
    }
    let [seller, buyer] = others;
    let dollars = usual_dollars(world, (LEAST_DOLLARS, MOST_DOLLARS), &mut cell);
    Cast {
        a,
        b,
        payee,
        payer,
        goods,
        dollars: usual_dollars(world, (LEAST_DOLLARS, MOST_DOLLARS), &mut cell),
        reused,
        real: if reused { (seller, buyer, dollars) } else { (payee, payer, dollars) },
        lag_days: params.within("lag_days", (3.0, 60.0), &mut cell),
    }
}

/// Role of the goods that did come; what comes after it never was.
const REAL: usize = 0;

impl Mechanism for Phantom {
    fn roles(engine: &Engine, case: u64) -> Vec<Role> {
        let cast = cast(engine, case);
        engine.cases.places(&[0.0, cast.lag_days], engine.period_days())
    }

    fn shape(engine: &Engine, case: &Case, role: usize, draft: &mut Draft) {
        let cast = cast(engine, case.number);
        if role == REAL {
            let (seller, buyer, dollars) = cast.real;
            draft.sell((cast.a, cast.b), (seller, buyer), cast.goods);
            engine.reprice(draft, dollars);
            engine.by_sea(draft, MOST_KG);
        } else {
            draft.sell((cast.a, cast.b), (cast.payee, cast.payer), cast.goods);
            engine.reprice(draft, cast.dollars);
        }
        engine.choose_agents(draft);
    }

    fn twist(engine: &Engine, case: &Case, role: usize, consignment: &mut Consignment) {
        let reused = cast(engine, case.number).reused;
        if role == REAL {
            if !reused {
                consignment.twist.paid = 0.0;
            }
            return;
        }
        let number = consignment.draft.number;
        let used = engine.of_role(case, REAL).filter(|_| reused);
        consignment.twist.phantom = true;
        consignment.twist.cited_bill =
            Some(used.map_or_else(|| engine.former_bill(number), |first| engine.bill_id(first)));
    }

    fn traces(engine: &Engine, case: &Case) -> Vec<Trace> {
        let cast = cast(engine, case.number);
        let agency =
            |state: u32, office| engine.world.countries.id(state).agency(office).to_owned();
        let mut traces = vec![];
        for (role, number) in case.consignments(engine) {
            let consignment = engine.consignment(number);
            if role == REAL {
                traces.push(Trace {
                    table: Table::BillOfLading,
                    id: engine.bill_id(number),
                    agency: agency(cast.b, Office::Port),
                    holder: Holder::Port,
                    shows: if cast.reused {
                        "the bill that is cited, of other people's goods"
                    } else {
                        "goods came under another bill, and nobody paid for them"
                    },
                });
                continue;
            }
            let paid = engine.paid_by(&consignment, cast.b);
            traces.extend(paid.into_iter().map(|id| Trace {
                table: Table::Payment,
                id,
                agency: agency(cast.b, Office::Fiu),
                holder: Holder::Fiu,
                shows: "cites a bill under which nothing came for who pays",
            }));
            traces.push(Trace {
                table: Table::Declaration,
                id: engine.export_id(&consignment.draft),
                agency: agency(cast.a, Office::Customs),
                holder: Holder::ExportCustoms,
                shows: "declared, and never loaded",
            });
        }
        traces
    }
}

#[cfg(test)]
mod tests {
    use super::super::Kind;
    use super::super::witness::each;
    use super::*;

    #[test]
    fn payments_cite_a_bill_that_nobody_issued_or_that_is_of_other_goods() {
        let (mut used, mut others) = (0, 0);
        each(Kind::T18, 40, |engine, case, rows| {
            let cast = cast(engine, case.number);
            let (payer, payee) = (engine.firm(cast.payer), engine.firm(cast.payee));
            let paid: Vec<_> = rows
                .of(Table::Payment)
                .into_iter()
                .filter(|row| row["payer_id"] == payer.id && row["payee_id"] == payee.id)
                .collect();
            assert!(!paid.is_empty(), "nothing was paid");
            let (phantom, real) = (engine.of_role(case, 1), engine.of_role(case, REAL).unwrap());
            let invoice = engine.invoice_id(real);
            let for_real =
                rows.of(Table::Payment).into_iter().any(|row| row["invoice_id"] == invoice);
            assert!(cast.reused || !for_real, "goods of the same two that came are not paid");
            others += usize::from(for_real);
            let bills = rows.of(Table::BillOfLading);
            for payment in &paid {
                let (_, cited) = payment["reference"].split_once(';').expect("a bill is cited");
                let bill = bills.iter().find(|row| row["id"] == cited);
                assert_eq!(bill.is_some(), cast.reused);
                if let Some(bill) = bill {
                    used += 1;
                    assert_ne!(bill["consignee_id"], payer.id);
                    assert_ne!(bill["shipper_id"], payee.id);
                }
            }
            let ucr = engine.ucr(&engine.consignment(phantom.unwrap()).draft);
            let declared: Vec<_> =
                rows.of(Table::Declaration).into_iter().filter(|row| row["ucr"] == ucr).collect();
            assert_eq!(declared.len(), 1, "declared at export, and nowhere else");
            assert!(bills.iter().all(|bill| bill["ucr"] != ucr));
        });
        assert!(used > 8, "{used} payments cite a bill again");
        assert!(others > 4, "{others} payments for goods of others");
    }
}
