//! Print packs: what a drill is played from on paper on the day the network fails. Everything for teams is made from what
//! the team itself holds and may ask, and says nothing of what a case is; the controller's and the evaluators' papers are
//! in folders of their own.
//!
//! - `teams/`: a card for each team, its matters as slips to hand out, the decision form, the brief for late joiners
//! - `injects.*`: an inject on each page, to hand out
//! - `controllers/`: the list of injects with all its columns, and the cases with who holds what
//! - `evaluators/`: guides, one objective after the other

mod controller;
mod evaluation;
mod forms;
mod injects;
mod rights;
mod roles;
mod slips;
#[cfg(test)]
mod tests;

use std::io;
use std::path::{Path, PathBuf};

use super::document::{self, Document};
use super::plot::{Plot, decides_on};
use super::scenario::{Scenario, Team};
use crate::table::Table;

/// All that papers are made of.
pub(crate) struct Pack<'a> {
    pub scenario: &'a Scenario,
    pub plot: &'a Plot,
}

impl Pack<'_> {
    /// A paper without content.
    fn paper(&self, edition: impl Into<String>) -> Document {
        Document {
            title: self.scenario.title.trim().to_owned(),
            edition: edition.into(),
            ..Document::default()
        }
    }

    /// What a team decides on.
    fn decides_on(&self, team: &Team) -> Option<Table> {
        let agency = self.plot.ground.records.word(&team.agency)?;
        decides_on(self.plot.ground.roster.office(agency)?)
    }
}

/// Writes the pack into a folder, each paper as PDF and as HTML; returns the papers' files, without their endings.
///
/// # Errors
/// What cannot be written.
pub fn write(folder: &Path, scenario: &Scenario, plot: &Plot) -> io::Result<Vec<PathBuf>> {
    let pack = Pack { scenario, plot };
    let mut written = vec![];
    for (name, paper) in papers(&pack) {
        let file = folder.join(name);
        if let Some(parent) = file.parent() {
            std::fs::create_dir_all(parent)?;
        }
        document::write(&paper, &file)?;
        written.push(file);
    }
    Ok(written)
}

fn papers(pack: &Pack) -> Vec<(String, Document)> {
    let mut all = vec![
        ("injects".to_owned(), injects::all(pack)),
        ("controllers/msel".to_owned(), controller::msel(pack)),
        ("controllers/cases".to_owned(), controller::cases(pack)),
        ("evaluators/guides".to_owned(), evaluation::guides(pack)),
        ("teams/decision-form".to_owned(), forms::decisions(pack)),
        ("teams/late-joiners".to_owned(), forms::late(pack)),
    ];
    for (place, team) in pack.scenario.teams.iter().enumerate() {
        let agency = &team.agency;
        all.push((format!("teams/{agency}-card"), roles::card(pack, team)));
        all.push((format!("teams/{agency}-matters"), slips::matters(pack, place, team)));
    }
    all
}
