//! Whom an agency may ask for what, from the sample agreements of the exchange.

use serde::Deserialize;

use crate::agency::agreements_of;
use crate::world::World;

/// A right to ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Right {
    /// Whom.
    pub of: String,
    /// For what, short name of a record type.
    pub record_type: String,
    /// Fields by how they are shown, in the words of the agreement's first rung.
    pub shows: Vec<(String, Vec<String>)>,
    /// By which agreement.
    pub by: String,
}

#[derive(Deserialize)]
struct File {
    title: String,
    #[serde(default)]
    flow: Vec<Flow>,
}

#[derive(Deserialize)]
struct Flow {
    from: String,
    to: Vec<String>,
    record_types: Vec<String>,
    #[serde(default)]
    ladder: Vec<Ladder>,
}

#[derive(Deserialize)]
struct Ladder {
    fields: Vec<String>,
    rungs: Vec<String>,
}

/// All that an agency may ask of others.
pub(super) fn of(world: &World, agency: &str) -> Vec<Right> {
    let mut all = vec![];
    for agreement in agreements_of(world) {
        let Ok(file) = toml::from_str::<File>(&agreement.text) else { continue };
        for flow in file.flow.iter().filter(|flow| flow.to.iter().any(|to| to == agency)) {
            let shows = flow.ladder.iter().map(|ladder| {
                (ladder.rungs.first().cloned().unwrap_or_default(), ladder.fields.clone())
            });
            let shows: Vec<_> = shows.collect();
            all.extend(flow.record_types.iter().map(|record_type| Right {
                of: flow.from.clone(),
                record_type: record_type.rsplit('.').next().unwrap_or_default().to_owned(),
                shows: shows.clone(),
                by: file.title.clone(),
            }));
        }
    }
    all
}

/// How people say what a rung of an agreement does to a field.
pub(super) fn said(rung: &str) -> &str {
    match rung {
        "clear" => "as it is",
        "pseudonymise" => "as a token that is the same in every answer; you may ask by value",
        "generalise:day" => "to the day",
        "generalise:band" => "in bands",
        other => other,
    }
}
