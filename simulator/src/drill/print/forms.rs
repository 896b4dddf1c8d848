//! What teams write on and what is told to who comes late.

use super::Pack;
use crate::drill::document::{Block, Cell, Document, Table, Text};
use crate::drill::scenario::msel;

/// Rows of a decision form: a page full.
const ROWS: usize = 9;

/// The form on which decisions are taken down.
pub(super) fn decisions(pack: &Pack) -> Document {
    let mut out = pack.paper("Decision form: a row for each decision");
    out.landscape = true;
    let mut team = Table::new(&["team", "written by", "sheet number"]).ruled();
    team.row([Cell::room(2), Cell::room(2), Cell::room(2)]);
    out.table(team);
    let mut rows = Table::new(&[
        "exercise time",
        "matter",
        "decision",
        "confidence 0–100",
        "why, in the words that you would say",
        "what it goes by (who answered what)",
        "read back by",
    ])
    .ruled();
    for _ in 0..ROWS {
        let wide =
            |words: usize| Cell::lines([" ".into(), "\u{a0}".repeat(words).into(), " ".into()]);
        rows.row([wide(8), wide(12), wide(12), wide(8), wide(60), wide(45), wide(12)]);
    }
    out.table(rows);
    out
}

/// How decisions and questions reach the controller without a network.
pub(super) fn by_phone(out: &mut Document) {
    out.section("How to phone it in");
    out.paragraph(
        Text::from("Controller's number: ").plain("\u{a0}".repeat(30)).small("(by hand)"),
    );
    out.body.push(Block::Lines(1));
    let mut rows = Table::new(&["", ""]);
    for (step, told) in [
        ("1", "Say “EXERCISE” first, then your team and your name."),
        ("2", "A decision: number of the matter, the word, how sure you are from 0 to 100, why."),
        (
            "3",
            "A question: whom, for which matter, type of record, which records, which fields. The controller answers for the partner.",
        ),
        ("4", "The controller reads it back with the exercise time. Write that time on your form."),
        (
            "5",
            "A real emergency: say “no duff” three times. The exercise stops until the director says otherwise.",
        ),
    ] {
        rows.row([step.into(), told.into()]);
    }
    out.table(rows);
}

/// The brief for who joins after the start.
pub(super) fn late(pack: &Pack) -> Document {
    let scenario = pack.scenario;
    let mut out = pack.paper("Brief for late joiners");
    out.about = scenario.about.trim().to_owned();
    out.section("In two minutes");
    let mut rows = Table::new(&["", ""]);
    for (name, told) in [
        ("What this is", "An exercise. Every record, firm and person is made up. Nothing of it leaves this room.".to_owned()),
        ("How long", format!("{} of exercise time; ask the controller what time it is now.", msel::time(scenario.length))),
        ("What comes", "Matters: records of your own agency on which you decide while they are within reach.".to_owned()),
        ("How long each", format!("{} from its arrival.", msel::time(scenario.window))),
        ("What helps", "Partners hold what you do not. Ask them by the agreements on your team's card.".to_owned()),
        ("What counts", "Cases stopped, lawful goods not held, questions no wider than their cause, and saying how sure you are.".to_owned()),
        ("Who is who", "The director decides on the exercise, controllers run clock and injects, evaluators watch and do not help.".to_owned()),
    ] {
        rows.row([Text::default().bold(name).into(), told.into()]);
    }
    out.table(rows);
    out.section("Teams");
    let mut rows = Table::new(&["team", "agency"]);
    for team in &scenario.teams {
        rows.row([team.name.as_str().into(), team.agency.as_str().into()]);
    }
    out.table(rows);
    out.section("What is practised");
    let mut rows = Table::new(&["", ""]);
    for objective in &scenario.objectives {
        rows.row([objective.id.as_str().into(), objective.text.as_str().into()]);
    }
    out.table(rows);
    by_phone(&mut out);
    out
}
