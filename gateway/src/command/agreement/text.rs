//! A text to start from.

use std::io::Write;

use crate::client::UsageError;

/// The text, with places for id, parties, the one who gives and those who get.
const START: &str = r#"# An agreement between agencies. Every party signs the exact bytes of this file with its own key
# (`portcullis agreement sign`); once all have, it is in force within its dates. A change takes a new version,
# and new signatures.

id = "{id}"
version = 1
title = "{id}"
legal_basis = "write down the law or treaty it stands on"
parties = [{parties}]
valid_from = 2026-01-01
valid_until = 2035-12-31          # that day included, UTC
# open_to = ["another-agency"]    # may accede later; flows may name it already
# accession = "all"               # who agrees to that: "all" parties, or "any": nobody else has to
# termination = "any"             # who ends it: "any" party alone, or "all" of them

# Records of one party (`from`) that others (`to`) may ask for, for stated purposes. Repeat as needed.
[[flow]]
from = "{from}"
to = [{to}]
record_types = ["portcullis.record.v1.Declaration"]
purposes = ["SHIPMENT_TARGETING"]
case_required = false
permitted_use = ["SHIPMENT_TARGETING"]   # what the answer may be used for
delete_after_days = 30                   # by the recipient
release_by_originator = true             # the originator may be asked to show more of a field

[flow.budgets]                           # per agency, purpose, case and day (UTC)
queries_per_day = 500
records_per_day = 50_000

# How much of a field may be shown, from the most to the least; ends in "withhold". What no ladder names is
# withheld.
[[flow.ladder]]
fields = ["ucr", "country_of_destination", "items.hs_code"]
rungs = ["clear", "withhold"]

[[flow.ladder]]
fields = ["accepted_at"]
rungs = ["generalise:day", "withhold"]
"#;

/// Prints it.
pub fn new(id: &str, parties: &[String], out: &mut dyn Write) -> anyhow::Result<bool> {
    let plain = |text: &str| {
        !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
    };
    if let Some(bad) = parties.iter().map(String::as_str).chain([id]).find(|text| !plain(text)) {
        return Err(UsageError(format!("`{bad}` is not an id")).into());
    }
    let [from, to @ ..] = parties else {
        return Err(UsageError("an agreement needs parties".into()).into());
    };
    // An agreement of an agency with itself is for its own records.
    let to = if to.is_empty() { std::slice::from_ref(from) } else { to };
    let list =
        |all: &[String]| all.iter().map(|one| format!("\"{one}\"")).collect::<Vec<_>>().join(", ");
    let text = START
        .replace("{id}", id)
        .replace("{parties}", &list(parties))
        .replace("{from}", from)
        .replace("{to}", &list(to));
    write!(out, "{text}")?;
    Ok(true)
}
