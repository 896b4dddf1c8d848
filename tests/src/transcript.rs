//! Transcripts in READMEs: commands behind `$ ` with what they print, run as they stand.

use std::path::Path;

use anyhow::{Context as _, bail};

/// A command and the lines it is said to print.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What is typed.
    pub command: String,
    /// What is printed; a line that ends in `..` may go on.
    pub expected: Vec<String>,
}

/// The steps of the block that begins with a command.
///
/// # Errors
/// A text without such a block.
pub fn steps(readme: &str, first: &str) -> anyhow::Result<Vec<Step>> {
    let start = format!("```text\n$ {first}");
    let block = readme.find(&start).with_context(|| format!("no block begins with `{first}`"))?;
    let block = readme.get(block + "```text\n$ ".len()..).unwrap_or_default();
    let block = block.split("\n```").next().unwrap_or_default();
    Ok(block
        .split("\n$ ")
        .map(|part| {
            let (command, expected) = part.split_once('\n').unwrap_or((part, ""));
            Step {
                command: command.to_owned(),
                expected: expected.lines().map(str::to_owned).collect(),
            }
        })
        .collect())
}

/// Runs a step in a folder, with the project's own binaries in place of installed ones.
///
/// # Errors
/// A step that prints something else than it is said to.
pub async fn run(step: &Step, folder: &Path) -> anyhow::Result<()> {
    let (gateway, simulator) = (crate::binary("portcullis")?, crate::binary("portcullis-sim")?);
    let shell = format!(
        "portcullis() {{ '{}' \"$@\"; }}; portcullis_sim() {{ '{}' \"$@\"; }}; {} 2>&1",
        gateway.display(),
        simulator.display(),
        step.command.replace("portcullis-sim ", "portcullis_sim ")
    );
    let done = tokio::process::Command::new("sh")
        .args(["-c", &shell])
        .current_dir(folder)
        .output()
        .await?;
    let said = String::from_utf8(done.stdout)?;
    let said: Vec<&str> = said.lines().map(str::trim_end).collect();
    let fits = |(said, expected): (&&str, &String)| match expected.strip_suffix("..") {
        Some(start) => said.starts_with(start),
        None => *said == expected,
    };
    if said.len() != step.expected.len() || !said.iter().zip(&step.expected).all(fits) {
        bail!(
            "$ {}\n{}\n-- the README says\n{}",
            step.command,
            said.join("\n"),
            step.expected.join("\n")
        );
    }
    Ok(())
}
