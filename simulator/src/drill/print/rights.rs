//! Whom an agency may ask for what, from the sample agreements of the exchange.

use serde::Deserialize;

use crate::agency::agreements_of;
use crate::world::World;

/// A right to ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Right {
    /// Whom: all that show the same.
    pub of: Vec<String>,
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
            for record_type in &flow.record_types {
                let record_type = record_type.rsplit('.').next().unwrap_or_default().to_owned();
                let (of, by) = (vec![flow.from.clone()], file.title.clone());
                add(&mut all, Right { of, record_type, shows: shows.clone(), by });
            }
        }
    }
    all
}

/// Adds a right to those there are: to the same one of other agencies where there is one.
fn add(all: &mut Vec<Right>, right: Right) {
    let same = |known: &&mut Right| {
        known.record_type == right.record_type && known.shows == right.shows && known.by == right.by
    };
    match all.iter_mut().find(same) {
        Some(known) => known.of.extend(right.of),
        None => all.push(right),
    }
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
