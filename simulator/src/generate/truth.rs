//! The truth: which cases there are, which records show them, and which declarations are illicit. In files of
//! its own, never in what is served.

use crate::scheme::{ALL, Case};
use crate::shipment::{Consignment, Engine};

/// Rows of the truth, as CSV without headers.
#[derive(Debug, Default)]
pub struct Truth {
    /// Rows of `cases.csv`.
    pub cases: Vec<u8>,
    /// Rows of `traces.csv`.
    pub traces: Vec<u8>,
    /// Rows of `labels.csv`.
    pub labels: Vec<u8>,
    /// Rows of `dirt.csv`, of a dirty world.
    pub dirt: Vec<u8>,
}

impl Truth {
    /// Header of `cases.csv`: a row a case or decoy of several consignments.
    pub const CASES: &'static str = "case,kind,true,consignments,needs\n";
    /// Header of `traces.csv`: a row for each record of a case and agency that holds it.
    pub const TRACES: &'static str = "case,table,id,agency,holder,shows\n";
    /// Header of `labels.csv`: a row for each consignment that is fraud, part of a case, or a decoy.
    pub const LABELS: &'static str = "export_declaration,import_declaration,label,detail,case\n";

    /// Header of `dirt.csv`: a row for each cell that a clerk's slip changed, with what it would have held.
    pub const DIRT: &'static str = "table,id,agency,column,kind,clean,dirty\n";

    /// Name of a case in every file.
    pub fn case_id(number: u64) -> String {
        format!("C{number:07}")
    }

    /// Takes a case.
    pub fn case(&mut self, engine: &Engine, case: &Case) {
        let id = Self::case_id(case.number);
        let traces = case.traces(engine);
        let scheme = ALL.iter().find(|scheme| scheme.id == case.kind.id());
        let sets = scheme.map_or(&[][..], |scheme| scheme.needs).iter().map(|set| {
            let agencies =
                set.iter().filter_map(|holder| traces.iter().find(|trace| trace.holder == *holder));
            agencies.map(|trace| trace.agency.as_str()).collect::<Vec<_>>().join("+")
        });
        let sets = sets.filter(|set| !set.is_empty()).collect::<Vec<_>>().join(";");
        let row = format!(
            "{id},{},{},{},{sets}\n",
            case.kind.id(),
            case.kind.is_scheme(),
            case.roles.len()
        );
        self.cases.extend_from_slice(row.as_bytes());
        for trace in traces {
            let row = format!(
                "{id},{},{},{},{},\"{}\"\n",
                trace.table.name(),
                trace.id,
                trace.agency,
                trace.holder.word(),
                trace.shows
            );
            self.traces.extend_from_slice(row.as_bytes());
        }
    }

    /// Takes a consignment, where there is something to say of it.
    pub fn label(&mut self, engine: &Engine, consignment: &Consignment) {
        let (label, detail, case) = match (consignment.case, consignment.fraud, consignment.decoy) {
            (Some((case, _)), _, _) => {
                let Some(kind) = engine.cases.kind(case) else { return };
                (
                    if kind.is_scheme() { "STRATEGIC" } else { "DECOY" },
                    kind.id(),
                    Self::case_id(case),
                )
            }
            (None, Some(fraud), _) => ("FRAUD", fraud.word(), String::new()),
            (None, None, Some(decoy)) => ("DECOY", decoy.word(), String::new()),
            (None, None, None) => return,
        };
        let draft = &consignment.draft;
        let twist = &consignment.twist;
        let arrived = !(twist.phantom || twist.lost_in_transit || twist.no_import);
        let import = if arrived { engine.import_id(draft) } else { String::new() };
        let export = if twist.no_export { String::new() } else { engine.export_id(draft) };
        let row = format!("{export},{import},{label},{detail},{case}\n");
        self.labels.extend_from_slice(row.as_bytes());
    }
}
