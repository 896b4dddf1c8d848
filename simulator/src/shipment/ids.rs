//! Numbers of rows: each kind in an order of its own, so that a number tells neither when nor of what.

use super::Engine;
use super::background;
use super::draft::Draft;
use crate::ident::digits;
use crate::permute::Permutation;
use crate::rng::Seed;

/// What is numbered for each consignment.
#[derive(Debug)]
pub struct Ids {
    /// Consignments.
    pub ucr: Permutation,
    /// Export declarations.
    pub export: Permutation,
    /// Import declarations.
    pub import: Permutation,
    /// Papers: invoices and bills, then bills that others took the place of.
    pub paper: Permutation,
    /// What ports see.
    pub port: Permutation,
    /// Payments: for consignments, for other things, and those that a case alone has.
    pub payment: Permutation,
    /// Inspections.
    pub inspection: Permutation,
    /// Transit.
    pub transit: Permutation,
    /// Containers, four to a consignment, used again about twice a period.
    pub boxes: Permutation,
    /// Licences: those of the world, then those that a case alone has.
    pub licences: Permutation,
    /// Records that a case alone has.
    pub cases: Permutation,
}

/// Containers a consignment may have.
pub const BOXES: u64 = 4;
/// Records of a kind that a case may have of its own.
pub const CASE_RECORDS: u64 = 64;

impl Ids {
    /// Those of a world.
    pub fn new(seed: Seed, consignments: u64, cases: u64) -> Self {
        let order = |name: &str| Permutation::new(seed, name, consignments);
        let of_cases = cases.saturating_mul(CASE_RECORDS);
        let pool = (consignments.div_ceil(2) * BOXES).clamp(BOXES, 26_000_000);
        Self {
            ucr: order("id.ucr"),
            export: order("id.export"),
            import: order("id.import"),
            paper: Permutation::new(seed, "id.paper", consignments.saturating_mul(2)),
            port: order("id.port"),
            payment: Permutation::new(
                seed,
                "id.payment",
                consignments + background::transfers(consignments) + of_cases,
            ),
            inspection: order("id.inspection"),
            transit: order("id.transit"),
            boxes: Permutation::new(seed, "id.box", pool),
            licences: Permutation::new(seed, "id.licence", consignments + of_cases),
            cases: Permutation::new(seed, "id.case", of_cases.max(1)),
        }
    }
}

/// Numbers of a register: what anybody may have in it, then what a case has, in one order.
#[derive(Debug, Clone, Copy)]
pub struct Series {
    order: Permutation,
    count: u64,
}

impl Series {
    /// A register with so many rows beside those of cases.
    pub fn new(seed: Seed, name: &str, count: u64, cases: u64) -> Self {
        let length = count + cases.saturating_mul(CASE_RECORDS);
        Self { order: Permutation::new(seed, name, length.max(1)), count }
    }

    /// Rows beside those of cases.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// All its rows, those of cases among them: numbers are below.
    pub fn length(&self) -> u64 {
        self.order.length()
    }

    /// The number of one of them.
    pub fn of(&self, row: u64) -> u64 {
        self.order.apply(row)
    }

    /// The number of a row of a case, by its place there, below [`CASE_RECORDS`].
    pub fn of_case(&self, case: u64, place: u64) -> u64 {
        self.order.apply(self.count + case * CASE_RECORDS + place % CASE_RECORDS)
    }
}

impl Engine<'_> {
    /// The number of the export declaration of a consignment.
    pub fn export_id(&self, draft: &Draft) -> String {
        let code = &self.world.countries.id(draft.from).code;
        numbered(&format!("EX-{code}-"), self.ids.export.apply(draft.number), "")
    }

    /// The number of its import declaration.
    pub fn import_id(&self, draft: &Draft) -> String {
        let code = &self.world.countries.id(draft.to).code;
        numbered(&format!("IM-{code}-"), self.ids.import.apply(draft.number), "")
    }

    /// The number of its transit in a state.
    pub fn transit_id(&self, number: u64, state: u32) -> String {
        let code = &self.world.countries.id(state).code;
        numbered(&format!("TR-{code}-"), self.ids.transit.apply(number), "")
    }

    /// The number of a licence.
    pub fn licence_id(&self, number: u64, state: u32) -> String {
        let code = &self.world.countries.id(state).code;
        numbered(&format!("LIC-{code}-"), self.ids.licences.apply(number), "")
    }

    /// Its unique consignment reference (ISO 15459: issuing agency, then what the exporter numbers).
    pub fn ucr(&self, draft: &Draft) -> String {
        let code = &self.world.countries.id(draft.from).code;
        numbered(&format!("6{code}"), self.ids.ucr.apply(draft.number), "")
    }

    /// The number of a payment for it: 1 in advance, 2 the rest.
    pub fn payment_id(&self, number: u64, part: u8) -> String {
        numbered("PY-", self.ids.payment.apply(number), if part == 1 { "-1" } else { "-2" })
    }

    /// The number of a row that a port makes of one of its boxes: event letter, place of the box.
    pub fn port_id(&self, number: u64, event: char, place: usize) -> String {
        numbered(&format!("P{event}-"), self.ids.port.apply(number), &format!("-{}", place + 1))
    }

    /// The number of its invoice.
    pub fn invoice_id(&self, number: u64) -> String {
        numbered("INV-", self.ids.paper.apply(number), "")
    }

    /// The number of the bill of its last leg.
    pub fn bill_id(&self, number: u64) -> String {
        numbered("BL-", self.ids.paper.apply(number), "")
    }

    /// The number of a bill that this one took the place of.
    pub fn former_bill(&self, number: u64) -> String {
        numbered("BL-", self.ids.paper.apply(self.consignments + number), "")
    }
}

/// A number of nine digits behind a prefix and before a suffix.
pub fn numbered(prefix: &str, number: u64, suffix: &str) -> String {
    let mut out = Vec::with_capacity(prefix.len() + suffix.len() + 9);
    out.extend_from_slice(prefix.as_bytes());
    digits(&mut out, number, 9);
    out.extend_from_slice(suffix.as_bytes());
    String::from_utf8(out).unwrap_or_default()
}
