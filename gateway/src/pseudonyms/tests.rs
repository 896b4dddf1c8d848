//! The file changes as a whole or not at all, and keys go when their epoch goes.

use std::fs::{self, File, Permissions};
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use portcullis_core::label::Semantic;
use portcullis_core::redact::{PseudonymKeys, PseudonymScope, TokenDomain, Zeroizing};

use super::{KeyFile, KeyFileError, Pseudonyms, destroy, rotate};

const ID: TokenDomain = TokenDomain::Value(Semantic::Identifier);

/// A folder with the file in it.
struct Place {
    dir: tempfile::TempDir,
    file: PathBuf,
}

impl Place {
    fn with(text: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("pseudonym.keys");
        fs::write(&file, text).unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
        Self { dir, file }
    }

    fn epochs(&self) -> (Vec<u16>, u16) {
        let keys = KeyFile::read(&self.file).unwrap().keys().unwrap();
        (keys.epochs().collect(), keys.current())
    }

    fn text(&self) -> String {
        fs::read_to_string(&self.file).unwrap()
    }
}

fn line(epoch: u16, byte: u8) -> String {
    format!("{epoch} {}\n", hex::encode([byte; 32]))
}

#[test]
fn epochs_come_and_go_and_words_for_people_stay() {
    let place = Place::with(&format!("# keep me\n\n{}", line(1, 7)));
    assert_eq!(rotate(&place.file).unwrap(), (1, 2));
    assert_eq!(rotate(&place.file).unwrap(), (2, 3));
    assert_eq!(place.epochs(), (vec![1, 2, 3], 3));
    assert_eq!(destroy(&place.file, 1).unwrap(), 3);
    assert_eq!(place.epochs(), (vec![2, 3], 3));
    assert!(place.text().starts_with("# keep me\n\n2 "), "only the epoch's line is gone");
    assert!(!place.text().contains(&hex::encode([7; 32])));
    let mode = fs::metadata(&place.file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let left: Vec<_> = fs::read_dir(place.dir.path()).unwrap().collect();
    assert_eq!(left.len(), 1, "no copy is left beside it");
}

#[test]
fn what_a_destroyed_epoch_had_on_the_disk_is_overwritten() {
    let place = Place::with(&format!("{}{}", line(1, 7), line(2, 9)));
    let mut old = File::open(&place.file).unwrap();
    destroy(&place.file, 1).unwrap();
    let mut text = String::new();
    old.read_to_string(&mut text).unwrap();
    assert!(!text.is_empty() && text.bytes().all(|byte| byte == b'0'), "{text}");
}

#[test]
fn what_cannot_be_done_leaves_the_file_as_it_was() {
    let whole = format!("{}{}", line(1, 7), line(2, 9));
    let place = Place::with(&whole);
    assert!(matches!(destroy(&place.file, 2), Err(KeyFileError::Current(2))));
    assert!(matches!(destroy(&place.file, 9), Err(KeyFileError::NoSuchEpoch { epoch: 9, .. })));
    let held = File::open(&place.file).unwrap();
    held.lock().unwrap();
    assert!(matches!(rotate(&place.file), Err(KeyFileError::Busy(_))));
    held.unlock().unwrap();
    let second = place.dir.path().join("copy");
    fs::hard_link(&place.file, &second).unwrap();
    assert!(matches!(destroy(&place.file, 1), Err(KeyFileError::Linked(_))));
    fs::remove_file(&second).unwrap();
    std::os::unix::fs::symlink(&place.file, &second).unwrap();
    assert!(matches!(rotate(&second), Err(KeyFileError::Linked(_))));
    assert_eq!(place.text(), whole);
    fs::set_permissions(&place.file, Permissions::from_mode(0o640)).unwrap();
    assert!(matches!(KeyFile::read(&place.file), Err(KeyFileError::Open(_))));
    assert!(matches!(rotate(&place.file), Err(KeyFileError::Open(_))));
    let last = Place::with(&line(u16::MAX, 1));
    assert!(matches!(rotate(&last.file), Err(KeyFileError::LastEpoch)));
    // What an interrupted change left behind is in nobody's way.
    let place = Place::with(&whole);
    fs::write(place.dir.path().join(".pseudonym.keys.new"), "half").unwrap();
    assert_eq!(rotate(&place.file).unwrap(), (2, 3));
    assert_eq!(fs::read_dir(place.dir.path()).unwrap().count(), 1);
}

#[test]
fn a_file_that_is_none_is_told_by_line_and_never_by_content() {
    let secret = hex::encode([0xab; 32]);
    for (text, word) in [
        (String::new(), "PSEUDONYM_KEY_CURRENT"),
        (format!("1 {secret}\n1 {secret}\n"), "PSEUDONYM_KEY_TWICE"),
        (line(1, 0), "PSEUDONYM_KEY_WEAK"),
        (format!("1 {}\n", &secret[..62]), "PSEUDONYM_KEYS_MALFORMED"),
        (format!("{secret}\n"), "PSEUDONYM_KEYS_MALFORMED"),
        (format!("70000 {secret}\n"), "PSEUDONYM_KEYS_MALFORMED"),
        (format!("# 1\n\n1 {secret}\n2 {secret}x\n"), "PSEUDONYM_KEYS_MALFORMED"),
    ] {
        let place = Place::with(&text);
        let error = KeyFile::read(&place.file).unwrap().keys().unwrap_err();
        assert_eq!(error.reason(), word, "{text}");
        assert!(!error.to_string().contains("abab"), "{error}");
        assert!(rotate(&place.file).is_err() && destroy(&place.file, 1).is_err());
        assert_eq!(place.text(), text);
    }
    let place = Place::with(&format!("1 {secret}\nx\n"));
    let error = KeyFile::read(&place.file).unwrap().keys().unwrap_err();
    assert!(error.to_string().ends_with("pseudonym.keys:2: not `EPOCH HEX` with 32 bytes"));
}

/// Somebody who reads all the time never sees a file that is half one thing and half another.
#[test]
fn a_reader_sees_the_file_before_or_after() {
    let place = Place::with(&line(1, 7));
    let (file, stop) = (place.file.clone(), Arc::new(AtomicBool::new(false)));
    let stopped = stop.clone();
    let reader = std::thread::spawn(move || {
        let mut seen = 0_u32;
        while !stopped.load(Ordering::Relaxed) {
            let text = KeyFile::read(&file).unwrap();
            match text.keys() {
                Ok(keys) => assert!(keys.epochs().any(|epoch| epoch == keys.current())),
                // Opened before a destruction, read after it: overwritten, and no keys at all.
                Err(error) => assert_eq!(error.reason(), "PSEUDONYM_KEYS_MALFORMED"),
            }
            seen += 1;
        }
        seen
    });
    for _ in 0..40 {
        let (before, _) = rotate(&place.file).unwrap();
        destroy(&place.file, before).unwrap();
    }
    stop.store(true, Ordering::Relaxed);
    assert!(reader.join().unwrap() > 10);
    assert_eq!(place.epochs(), (vec![41], 41));
}

fn keys(current: u16, epochs: &[(u16, u8)]) -> PseudonymKeys {
    let secrets = epochs.iter().map(|(epoch, byte)| (*epoch, Zeroizing::new([*byte; 32])));
    PseudonymKeys::new(current, secrets).unwrap()
}

fn scope() -> PseudonymScope {
    PseudonymScope("alpha|case:1".into())
}

#[test]
fn an_answer_keeps_its_epoch_until_that_is_destroyed() {
    let ring = Pseudonyms::new(keys(1, &[(1, 7)]));
    let begun = ring.sealing();
    let token = begun.scope(&scope()).unwrap().token(ID, "KR-1");
    ring.replace(keys(2, &[(1, 7), (2, 9)]));
    assert_eq!(ring.current(), 2);
    assert!(!begun.is_destroyed());
    assert_eq!(begun.scope(&scope()).unwrap().token(ID, "KR-1"), token);
    assert_ne!(ring.sealing().scope(&scope()).unwrap().token(ID, "KR-1"), token);
    assert_eq!(ring.opening(&scope()).open(ID, &token).unwrap(), "KR-1");
    // Another key goes, its own stays.
    ring.replace(keys(3, &[(1, 7), (3, 5)]));
    assert!(!begun.is_destroyed());
    ring.replace(keys(3, &[(3, 5)]));
    assert!(begun.is_destroyed());
    assert!(begun.scope(&scope()).is_none());
    assert!(ring.opening(&scope()).open(ID, &token).is_err());
}

#[test]
fn the_same_epoch_with_another_secret_is_another_one() {
    let ring = Pseudonyms::new(keys(1, &[(1, 7)]));
    let begun = ring.sealing();
    ring.replace(keys(1, &[(1, 8)]));
    assert!(begun.is_destroyed());
    assert!(!ring.sealing().is_destroyed());
}

#[test]
fn nothing_derived_from_a_destroyed_secret_is_kept() {
    let ring = Pseudonyms::new(keys(2, &[(1, 7), (2, 9)]));
    let opening = Arc::downgrade(&ring.opening(&scope()));
    let begun = ring.sealing();
    let sealing = Arc::downgrade(&begun.scope(&scope()).unwrap());
    assert!(opening.upgrade().is_some() && sealing.upgrade().is_some(), "kept while in force");
    ring.replace(keys(2, &[(2, 9)]));
    assert!(opening.upgrade().is_none(), "a key that held epoch 1 is gone");
    assert!(sealing.upgrade().is_some(), "epoch 2 is written on");
    ring.replace(keys(3, &[(3, 1)]));
    assert!(
        sealing.upgrade().is_none(),
        "and gone with its epoch, though an answer still holds on"
    );
    drop(begun);
}

#[test]
fn answers_write_with_one_epoch_alone() {
    let ring = Pseudonyms::new(keys(2, &[(1, 7), (2, 9)]));
    let older = keys(1, &[(1, 7)]).scope_key(&scope()).token(ID, "KR-1");
    assert_eq!(ring.opening(&scope()).open(ID, &older).unwrap(), "KR-1");
    assert!(ring.sealing().scope(&scope()).unwrap().open(ID, &older).is_err());
}
