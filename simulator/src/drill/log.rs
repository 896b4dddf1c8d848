//! The event log of a drill: a line of JSON for each event, chained by SHA-256, on disk before anything follows from it.
//! A host that was killed opens it again and goes on: a line that was cut off while it was written is taken away, and
//! anything else that does not fit the chain is refused.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::event::Event;
use super::sha256;

/// Why the log cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The file.
    #[error("event log {}: {cause}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the system says.
        cause: std::io::Error,
    },
    /// A line that is no event, or does not follow from the one before it.
    #[error("event log {}, line {line}: {problem}", path.display())]
    Broken {
        /// Which file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// What is wrong.
        problem: &'static str,
    },
}

#[derive(Serialize, Deserialize)]
struct Line {
    #[serde(flatten)]
    event: Event,
    /// SHA-256 over the hash before and this line's event.
    hash: String,
}

/// An open log.
#[derive(Debug)]
pub struct Log {
    path: PathBuf,
    file: File,
    hash: String,
    next: u64,
}

/// What the first event follows from.
fn start() -> String {
    sha256(b"portcullis drill v1")
}

fn chained(before: &str, event: &str) -> String {
    sha256(format!("{before}\n{event}").as_bytes())
}

impl Log {
    /// A new log.
    ///
    /// # Errors
    /// When there is such a file, or none can be made.
    pub fn create(path: &Path) -> Result<Self, LogError> {
        let file = OpenOptions::new().read(true).write(true).create_new(true).open(path);
        let file = file.map_err(|cause| LogError::File { path: path.to_owned(), cause })?;
        Ok(Self { path: path.to_owned(), file, hash: start(), next: 0 })
    }

    /// An existing log, to go on with, and all its events. What was cut off at its end is taken away.
    ///
    /// # Errors
    /// As [`LogError`].
    pub fn open(path: &Path) -> Result<(Self, Vec<Event>), LogError> {
        let failed = |cause| LogError::File { path: path.to_owned(), cause };
        let mut file = OpenOptions::new().read(true).write(true).open(path).map_err(failed)?;
        let mut bytes = vec![];
        file.read_to_end(&mut bytes).map_err(failed)?;
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        bytes.truncate(whole);
        let (events, hash) = read(&bytes, path)?;
        file.set_len(whole as u64).map_err(failed)?;
        file.seek(SeekFrom::End(0)).map_err(failed)?;
        let next = events.len() as u64;
        Ok((Self { path: path.to_owned(), file, hash, next }, events))
    }

    /// Number of the next event.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// SHA-256 over everything so far.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// Takes an event. When this returns it is on disk.
    ///
    /// # Errors
    /// When it could not be written; then the log must not be gone on with.
    pub fn append(&mut self, event: &Event) -> Result<(), LogError> {
        self.append_all(std::slice::from_ref(event))
    }

    /// Takes several events with one write. When this returns all are on disk.
    ///
    /// # Errors
    /// When they could not be written; then the log must not be gone on with.
    pub fn append_all(&mut self, events: &[Event]) -> Result<(), LogError> {
        let failed = |cause| LogError::File { path: self.path.clone(), cause };
        let (mut lines, mut hash) = (vec![], self.hash.clone());
        for event in events {
            let text = serde_json::to_string(event).map_err(|error| failed(error.into()))?;
            hash = chained(&hash, &text);
            let line = Line { event: event.clone(), hash: hash.clone() };
            serde_json::to_writer(&mut lines, &line).map_err(|error| failed(error.into()))?;
            lines.push(b'\n');
        }
        self.file.write_all(&lines).map_err(failed)?;
        self.file.sync_data().map_err(failed)?;
        self.hash = hash;
        self.next += events.len() as u64;
        Ok(())
    }
}

/// The events of a log and its hash, for whoever only reads. A cut-off end is an error here: the log is to be opened by its
/// host first.
///
/// # Errors
/// As [`LogError`].
pub fn events(path: &Path) -> Result<(Vec<Event>, String), LogError> {
    let bytes =
        std::fs::read(path).map_err(|cause| LogError::File { path: path.to_owned(), cause })?;
    read(&bytes, path)
}

fn read(bytes: &[u8], path: &Path) -> Result<(Vec<Event>, String), LogError> {
    let (mut events, mut hash) = (vec![], start());
    let lines = bytes.split_inclusive(|byte| *byte == b'\n');
    for (number, line) in lines.enumerate() {
        let broken =
            |problem| LogError::Broken { path: path.to_owned(), line: number + 1, problem };
        if !line.ends_with(b"\n") {
            return Err(broken("is cut off"));
        }
        let line: Line = serde_json::from_slice(line).map_err(|_| broken("is no event"))?;
        if line.event.number != number as u64 {
            return Err(broken("has not the next number"));
        }
        let text = serde_json::to_string(&line.event).map_err(|_| broken("is no event"))?;
        hash = chained(&hash, &text);
        if line.hash != hash {
            return Err(broken("does not follow from the lines before it"));
        }
        events.push(line.event);
    }
    Ok((events, hash))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drill::clock::{Exercise, Wall};
    use crate::drill::event::{Decision, What};
    use crate::drill::plot::MatterId;

    fn event(number: u64) -> Event {
        let what = What::Decided {
            matter: MatterId(3),
            decision: Decision::Hold,
            confidence: 90,
            reason: "the same \"numbers\" leave again".to_owned(),
            evidence: vec![],
        };
        Event {
            number,
            wall: Wall(number),
            exercise: Exercise(number),
            by: "nv-customs".to_owned(),
            player: String::new(),
            key: String::new(),
            what,
        }
    }

    fn made() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events.jsonl");
        let mut log = Log::create(&path).unwrap();
        (0..3).for_each(|number| log.append(&event(number)).unwrap());
        (folder, path)
    }

    #[test]
    fn what_was_appended_is_read_again_and_gone_on_with() {
        let (_folder, path) = made();
        let (mut log, events) = Log::open(&path).unwrap();
        assert_eq!(events, [event(0), event(1), event(2)]);
        log.append(&event(3)).unwrap();
        let (all, hash) = super::events(&path).unwrap();
        assert_eq!((all.len(), hash.as_str()), (4, log.hash()));
        assert!(Log::create(&path).is_err(), "nothing is written over");
    }

    #[test]
    fn a_line_that_was_cut_off_is_taken_away_by_the_host_and_told_to_readers() {
        let (_folder, path) = made();
        let bytes = std::fs::read(&path).unwrap();
        for cut in [1, 40] {
            std::fs::write(&path, &bytes[..bytes.len() - cut]).unwrap();
            assert!(super::events(&path).unwrap_err().to_string().contains("line 3: is cut off"));
            let (mut log, events) = Log::open(&path).unwrap();
            assert_eq!(events.len(), 2);
            log.append(&event(2)).unwrap();
            assert_eq!(std::fs::read(&path).unwrap(), bytes);
        }
    }

    #[test]
    fn a_line_that_was_changed_taken_out_or_moved_is_refused_with_its_number() {
        let (_folder, path) = made();
        let text = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let told = |lines: &[&str]| {
            std::fs::write(&path, lines.join("\n") + "\n").unwrap();
            Log::open(&path).unwrap_err().to_string()
        };
        let changed = lines[1].replace("\"confidence\":90", "\"confidence\":10");
        assert!(told(&[lines[0], &changed, lines[2]]).contains("line 2: does not follow"));
        assert!(told(&[lines[0], lines[2]]).contains("line 2: has not the next number"));
        assert!(told(&[lines[1], lines[0], lines[2]]).contains("line 1: has not"));
        assert!(told(&[lines[0], "{}"]).contains("line 2: is no event"));
    }
}
