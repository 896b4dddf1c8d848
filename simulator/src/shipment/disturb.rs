//! What happens to a consignment that belongs to no case: others pay for it, bills are switched; ordinary fraud;
//! lawful things that look like schemes.

use super::{Consignment, Decoy, Engine, Fraud};
use crate::rng::Cell;

/// Share of consignments that somebody else than the importer pays for.
const OTHERS_PAY: f64 = 0.025;
/// Share of consignments for which the importer pays more than was asked for.
const OVERPAID: f64 = 0.02;
/// The same where somebody else pays.
const OVERPAID_BY_OTHERS: f64 = 0.0005;
/// Share of bills that took the place of another, so that the buyer does not learn of his trader's supplier.
const SWITCHED: f64 = 0.012;

impl Engine<'_> {
    /// Somebody else pays, or more is paid than was asked for: an agent or a financier in the importer's state or
    /// elsewhere; an advance on the next order. Both at once is rare in honest trade.
    fn pay_oddly(&self, consignment: &mut Consignment) {
        let world = self.world;
        let mut cell = self.streams.odd.row(consignment.draft.number);
        let (other, more) = (cell.chance(OTHERS_PAY), cell.unit());
        let twist = &mut consignment.twist;
        if other {
            let state = if cell.chance(0.6) {
                consignment.draft.to
            } else {
                u32::try_from(cell.place(world.countries.len())).unwrap_or_default()
            };
            let sector = world.commodities.id(consignment.draft.goods).sector;
            twist.payer = Some(world.trade.buyer(state, sector, cell.bits64()));
            twist.paid = if cell.chance(0.3) { cell.between(0.96, 1.06) } else { 1.0 };
        }
        if cell.chance(SWITCHED) {
            let state = u32::try_from(cell.place(world.countries.len())).unwrap_or_default();
            let sector = world.commodities.id(consignment.draft.goods).sector;
            twist.shipper = Some(world.trade.seller(state, sector, cell.bits64()));
            twist.switched = Some(self.former_bill(consignment.draft.number));
        }
        if more < if other { OVERPAID_BY_OTHERS } else { OVERPAID } {
            twist.paid = cell.between(1.05, 2.2);
        }
    }

    /// Ordinary fraud and single decoys.
    pub(super) fn disturb(&self, consignment: &mut Consignment) {
        let number = consignment.draft.number;
        self.pay_oddly(consignment);
        let mut cell = self.streams.fraud.row(number);
        let importer = self.firm(consignment.draft.importer);
        if cell.chance(importer.propensity) {
            let fraud = [
                Fraud::Undervalued,
                Fraud::Undervalued,
                Fraud::Misdescribed,
                Fraud::FalseOrigin,
                Fraud::ShortMass,
            ];
            let fraud = fraud.get(cell.place(fraud.len())).copied().unwrap_or(Fraud::Undervalued);
            self.defraud(fraud, consignment, &mut cell);
            return;
        }
        let mut cell = self.streams.decoy.row(number);
        let share = cell.unit();
        let mut below = 0.0;
        for decoy in [
            Decoy::HonestClassification,
            Decoy::ParentPays,
            Decoy::Consolidator,
            Decoy::SealReplaced,
        ] {
            below += self.cases.single_share(decoy);
            if share < below {
                self.deceive(decoy, consignment, &mut cell);
                return;
            }
        }
    }

    fn defraud(&self, fraud: Fraud, consignment: &mut Consignment, cell: &mut Cell) {
        let twist = &mut consignment.twist;
        match fraud {
            Fraud::Undervalued => twist.import_value = cell.between(0.3, 0.85),
            Fraud::Misdescribed => {
                twist.import_goods = Some(self.alike(consignment.draft.goods, cell))
            }
            Fraud::FalseOrigin => {
                twist.import_origin = Some(self.world.trade.pair(cell.bits64()).0)
            }
            Fraud::ShortMass => {
                twist.import_mass = cell.between(0.6, 0.95);
                twist.import_value = twist.import_mass;
            }
        }
        consignment.fraud = Some(fraud);
    }

    fn deceive(&self, decoy: Decoy, consignment: &mut Consignment, cell: &mut Cell) {
        let world = self.world;
        let twist = &mut consignment.twist;
        match decoy {
            Decoy::HonestClassification => self.dispute(consignment, cell),
            Decoy::ParentPays => {
                let Some(parent) = world.firms.id(consignment.draft.importer).parent else {
                    return;
                };
                twist.payer = Some(parent);
                let params = world.schemes.parameters("parent_pays");
                twist.paid = 1.0 + params.within("premium_percent", (0.0, 8.0), cell) / 100.0;
            }
            Decoy::Consolidator => {
                twist.consignee = Some(world.trade.forwarder(consignment.draft.to, cell.bits64()));
            }
            Decoy::SealReplaced => {
                if consignment.movement.boxes.is_empty() {
                    return;
                }
                twist.arrival_seal = Some(format!("CU{:07}", cell.whole(0, 9_999_999)));
                twist.seal_explained = true;
            }
        }
        consignment.decoy = Some(decoy);
    }

    /// Other goods of the same sector, near in the tariff where there are any.
    pub fn alike(&self, goods: u32, cell: &mut Cell) -> u32 {
        let commodities = &self.world.commodities;
        let this = commodities.id(goods);
        if let Some(neighbour) = this.neighbour.filter(|_| cell.chance(0.5)) {
            return neighbour;
        }
        let heading = this.hs.get(..2).unwrap_or_default();
        let near: Vec<u32> = commodities
            .numbered()
            .filter(|(number, other)| *number != goods && other.hs.starts_with(heading))
            .map(|(number, _)| number)
            .collect();
        near.get(cell.place(near.len())).copied().unwrap_or(goods)
    }
}
