//! `portcullis-sim drill`: check, run, replay, score, report and print exercises.

mod certify;
mod check;
mod desk;
mod log;
mod msel;
mod people;
mod prepare;
mod print;
mod run;
mod way;
mod what_if;

use clap::Subcommand;
use portcullis_sim::drill::join::Join;
use portcullis_sim::drill::scenario::Scenario;

/// What to do.
#[derive(Subcommand)]
pub enum Command {
    /// Before people arrive: is the scenario sound, which cases can be played, and does everything come up?
    Check(check::Arguments),
    /// Make an exchange for gateways that others run, and the file with which a drill joins them.
    Prepare(prepare::Arguments),
    /// Run a drill: all of it on this machine, or joining gateways that others run.
    Run(run::Arguments),
    /// Take part: the desk of a player or trainer, on this terminal.
    Desk(desk::Arguments),
    /// Go on with a drill with people whose host was killed or stopped.
    Resume(people::Arguments),
    /// Rebuild scores and report of a drill from its folder, and check its log.
    Replay(log::Arguments),
    /// Print the scores of a drill.
    Score(log::Arguments),
    /// Write the after-action report of a drill.
    Report(log::Arguments),
    /// The list of injects of a scenario, as CSV or workbook, in and out.
    Msel(msel::Arguments),
    /// Papers for the day the network fails: cards, matters, injects, the controllers' list, guides, forms.
    Print(print::Arguments),
    /// Play a drill again in memory with one answer changed: what becomes of scores and cases.
    WhatIf(what_if::Arguments),
}

/// Does it.
pub fn run(command: &Command) -> anyhow::Result<()> {
    match command {
        Command::Check(arguments) => check::run(arguments),
        Command::Prepare(arguments) => prepare::run(arguments),
        Command::Run(arguments) => run::run(arguments),
        Command::Desk(arguments) => desk::run(arguments),
        Command::Resume(arguments) => people::resume(arguments),
        Command::Replay(arguments) => log::replay(arguments),
        Command::Score(arguments) => log::score(arguments),
        Command::Report(arguments) => log::report(arguments),
        Command::Msel(arguments) => msel::run(arguments),
        Command::Print(arguments) => print::run(arguments),
        Command::WhatIf(arguments) => what_if::run(arguments),
    }
}

/// The scenario of a drill that joins.
fn joined(join: &Join) -> anyhow::Result<Scenario> {
    let scenario = Scenario::read(&join.scenario)?;
    Ok(Scenario { name: join.name.clone(), ..scenario })
}
