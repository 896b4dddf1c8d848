//! Sample agreements of an exchange. They are where trainers begin, and meant to be changed: what each partner gets
//! stands in them rung by rung, in the language of `gateway/policies/README.md`.

use std::fmt::Write as _;

use crate::load::quoted;

/// A text with its file name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agreement {
    /// Id, and the file's name without its ending.
    pub id: String,
    /// The file.
    pub text: String,
}

fn list(names: &[&str]) -> String {
    format!("[{}]", names.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", "))
}

/// One flow: what `from` shows to `to`.
struct Flow<'a> {
    from: &'a str,
    to: &'a [&'a str],
    record_types: &'a [&'a str],
    clear: &'a [&'a str],
    /// Shown as tokens, and may be asked for by value.
    masked: &'a [&'a str],
    day: &'a [&'a str],
    band: &'a [&'a str],
}

impl Flow<'_> {
    fn write(&self, text: &mut String) {
        let types: Vec<String> =
            self.record_types.iter().map(|name| format!("portcullis.record.v1.{name}")).collect();
        let types: Vec<&str> = types.iter().map(String::as_str).collect();
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "\n[[flow]]\nfrom = {}\nto = {}\nrecord_types = {}\npurposes = [\"SHIPMENT_TARGETING\", \"INVESTIGATION\"]\n\
             case_required = true\npermitted_use = [\"SHIPMENT_TARGETING\", \"INVESTIGATION\"]\ndelete_after_days = 90\n\
             release_by_originator = true\nmatchable = {}\n\n\
             [flow.budgets]\nqueries_per_day = 2000\nrecords_per_day = 200_000\nmatch_probes_per_day = 500\n",
            quoted(self.from),
            list(self.to),
            list(&types),
            list(self.masked),
        );
        let mut ladder = |fields: &[&str], rungs: &[&str]| {
            if !fields.is_empty() {
                let _ = write!(
                    text,
                    "\n[[flow.ladder]]\nfields = {}\nrungs = {}\n",
                    list(fields),
                    list(rungs)
                );
            }
        };
        ladder(self.clear, &["clear", "withhold"]);
        ladder(self.day, &["generalise:day", "generalise:month", "withhold"]);
        ladder(self.band, &["generalise:band", "presence", "withhold"]);
        ladder(self.masked, &["pseudonymise", "presence", "withhold"]);
    }
}

/// Mutual assistance between the customs of several states: goods, ways and serial numbers clear, parties as tokens.
pub fn customs(members: &[&str]) -> Agreement {
    let mut text = head(
        "customs-assistance",
        "Mutual administrative assistance between customs",
        "Agreement on mutual administrative assistance in customs matters (WCO model, 2004), sample",
        members,
    );
    for from in members {
        let to: Vec<&str> = members.iter().copied().filter(|other| other != from).collect();
        Flow {
            from,
            to: &to,
            record_types: &["Declaration"],
            clear: &[
                "direction",
                "ucr",
                "regime",
                "transport_mode",
                "country_of_departure",
                "country_of_destination",
                "port_of_loading",
                "port_of_discharge",
                "vessel_imo",
                "containers",
                "items.hs_code",
                "items.description",
                "items.country_of_origin",
                "items.net_mass_grams",
                "items.gross_mass_grams",
                "items.quantity",
                "end_user.name.original",
                "importer.country",
                "exporter.country",
            ],
            masked: &[
                "exporter.id",
                "importer.id",
                "exporter.name.original",
                "importer.name.original",
            ],
            day: &["accepted_at"],
            band: &["items.value"],
        }
        .write(&mut text);
        Flow {
            from,
            to: &to,
            record_types: &["TransitDeclaration"],
            clear: &[
                "ucr",
                "office_of_departure",
                "office_of_destination",
                "discharge_reference",
                "items.hs_code",
                "gross_mass_grams",
                "containers",
                "country_of_destination",
            ],
            masked: &["principal.id"],
            day: &["opened_at", "due_at", "discharged_at"],
            band: &[],
        }
        .write(&mut text);
    }
    Agreement { id: "customs-assistance".to_owned(), text }
}

/// What a financial intelligence unit tells customs of payments behind a case.
pub fn payments(unit: &str, customs: &[&str]) -> Agreement {
    let id = format!("payments-{unit}");
    let mut members = vec![unit];
    members.extend(customs);
    let mut text = head(
        &id,
        "Payments behind a consignment",
        "Recommendation 40 of the FATF, other forms of cooperation, sample",
        &members,
    );
    Flow {
        from: unit,
        to: customs,
        record_types: &["Payment"],
        clear: &["invoice_id", "payer.country", "payee.country"],
        masked: &["payer.id", "payee.id"],
        day: &[],
        band: &["amount"],
    }
    .write(&mut text);
    Agreement { id, text }
}

/// What a licensing authority tells the customs of its state.
pub fn licences(authority: &str, customs: &str) -> Agreement {
    let id = format!("licences-{authority}");
    let mut text = head(
        &id,
        "Verification of export licences",
        "National export control act, sample",
        &[authority, customs],
    );
    Flow {
        from: authority,
        to: &[customs],
        record_types: &["ExportLicence"],
        clear: &[
            "id",
            "kind",
            "status",
            "country_of_destination",
            "items.hs_code",
            "items.control_code",
            "items.description",
            "items.quantity",
            "items.drawn_quantity",
            "exporter.id",
            "exporter.name.original",
            "consignee.name.original",
            "end_user.name.original",
            "conditions",
        ],
        masked: &["consignee.id"],
        day: &["granted_at", "expires_at"],
        band: &[],
    }
    .write(&mut text);
    Agreement { id, text }
}

fn head(id: &str, title: &str, basis: &str, members: &[&str]) -> String {
    format!(
        "# {title}. A sample that `portcullis-sim exchange` wrote: change it, check it with `portcullis agreement check`.\n\
         id = {}\nversion = 1\ntitle = {}\nlegal_basis = {}\nparties = {}\nvalid_from = 2026-01-01\nvalid_until = 2035-12-31\n",
        quoted(id),
        quoted(title),
        quoted(basis),
        list(members),
    )
}
