//! `drill what-if`: a drill again with one answer changed.

use std::path::PathBuf;

use anyhow::Context as _;
use portcullis_sim::drill::event::Decision;
use portcullis_sim::drill::what_if::{To, what_if};

use super::log::open;

/// Arguments of `drill what-if`.
#[derive(clap::Args)]
pub struct Arguments {
    /// Folder of the drill.
    folder: PathBuf,
    /// Number of the event in the log that is changed: a decision or a question.
    #[arg(long)]
    event: u64,
    /// The decision that is taken in its place.
    #[arg(long, required_unless_present = "answer", conflicts_with = "answer")]
    decision: Option<String>,
    /// How sure the team is then that something is wrong, 0 to 100; as sure as it was where nothing is said.
    #[arg(long, requires = "decision", value_parser = clap::value_parser!(u8).range(0..=100))]
    confidence: Option<u8>,
    /// What comes of the question in its place.
    #[arg(long)]
    answer: Option<Answer>,
    /// Print JSON for programs.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Answer {
    /// Nothing: it is refused.
    Refused,
    /// What the partner holds.
    Released,
}

/// Plays it again and prints the difference.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let to = match (&arguments.decision, arguments.answer) {
        (_, Some(Answer::Refused)) => To::Refused,
        (_, Some(Answer::Released)) => To::Released,
        (word, None) => {
            let word = word.as_deref().unwrap_or_default();
            let decision =
                Decision::parse(word).with_context(|| format!("no decision `{word}`"))?;
            To::Decision(decision, arguments.confidence)
        }
    };
    let drill = open(&arguments.folder)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let again = what_if(&drill.scenario, &drill.plot, &drill.events, arguments.event, to);
    let difference = runtime.block_on(again)?;
    let text = if arguments.json {
        serde_json::to_string_pretty(&difference)? + "\n"
    } else {
        difference.text()
    };
    super::super::print(&text)
}
