//! The report's figures as CSV.

use super::{Material, SCORES};
use crate::drill::scenario::msel;
use crate::drill::score::{Disclosures, decisions};

pub(super) fn all(material: &Material) -> Vec<(&'static str, String)> {
    vec![
        ("scores.csv", scores(material)),
        ("decisions.csv", decided(material)),
        ("fields.csv", fields(material)),
        ("disclosures.csv", disclosures(material)),
        ("msel.csv", material.msel.to_csv()),
    ]
}

/// Rows of one length; writing to memory cannot fail.
fn table(header: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut writer = csv::Writer::from_writer(vec![]);
    let _ = writer.write_record(header);
    for row in rows {
        let _ = writer.write_record(row);
    }
    writer
        .into_inner()
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .unwrap_or_default()
}

fn scores(material: &Material) -> String {
    let scored = &material.scored;
    let teams = scored.teams.iter().map(|(team, scores)| (team.as_str(), scores));
    let rows = std::iter::once(("all", &scored.all)).chain(teams).flat_map(|(team, scores)| {
        SCORES.iter().map(move |named| {
            let score = (named.of)(scores);
            let value = score.value().map(|value| format!("{value:.6}")).unwrap_or_default();
            vec![
                team.to_owned(),
                named.name.to_owned(),
                format!("{:.6}", score.numerator),
                format!("{:.6}", score.denominator),
                value,
            ]
        })
    });
    table(&["team", "score", "numerator", "denominator", "value"], rows)
}

fn decided(material: &Material) -> String {
    let rows = decisions(material.events).into_iter().map(|one| {
        let matter = material.plot.matter(one.matter);
        vec![
            msel::time(one.at),
            one.team.clone(),
            matter.map_or_else(String::new, |matter| matter.record.clone()),
            one.decision.word().to_owned(),
            format!("{:.0}", one.confidence * 100.0),
            one.reason.clone(),
        ]
    });
    table(&["time", "team", "record", "decision", "confidence", "reason"], rows)
}

fn fields(material: &Material) -> String {
    let all = Disclosures::of(material.plot, material.events).by_field();
    let rows = all.into_iter().map(|(kind, path, weight)| vec![kind, path, format!("{weight:.0}")]);
    table(&["record_type", "field", "weight"], rows)
}

fn disclosures(material: &Material) -> String {
    let all = Disclosures::of(material.plot, material.events).all;
    let rows = all.into_iter().map(|one| {
        let fields: Vec<String> = one.fields.into_iter().map(|(path, _)| path).collect();
        vec![one.from, one.to, one.record_type, one.records.to_string(), fields.join(" ")]
    });
    table(&["from", "to", "record_type", "records", "fields"], rows)
}
