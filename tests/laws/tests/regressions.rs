//! Every seed and every input that a fuzz target ever found, through the target's own code: without a fuzzer,
//! in every run.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};

use portcullis_laws::cases;
use portcullis_laws::fuzz::{TARGETS, Target, edited, write_seeds};

fn run(folder: &Path, least: usize) {
    let mut ran = 0;
    for (name, target) in TARGETS {
        let mut files: Vec<_> = fs::read_dir(folder.join(name))
            .into_iter()
            .flatten()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.file_name().is_some_and(|name| name != "README.md"))
            .collect();
        files.sort();
        for file in files {
            println!("{}", file.display());
            target(&fs::read(&file).unwrap());
            ran += 1;
        }
    }
    assert!(ran >= least, "{ran} in {}", folder.display());
}

fn fuzz() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz"))
}

#[test]
fn every_kept_seed_runs() {
    run(&fuzz().join("seeds"), 30);
}

#[test]
fn nothing_is_found_twice() {
    run(&fuzz().join("regressions"), 0);
}

/// Seeds made for this run.
fn made(name: &str) -> (PathBuf, usize) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    let written = write_seeds(&folder, &[]).unwrap();
    (folder, written)
}

#[test]
fn every_made_seed_runs() {
    let (folder, written) = made("fuzz-seeds");
    run(&folder, written);
}

/// A fuzzer without eyes: seeds, edited at random, the same ones in every run.
fn blind(name: &str, target: Target) {
    let mut seeds = vec![];
    for folder in [&made(&format!("fuzz-{name}")).0, fuzz()] {
        for below in [folder.join(name), folder.join("seeds").join(name)] {
            let mut files: Vec<_> = fs::read_dir(below)
                .into_iter()
                .flatten()
                .map(|file| file.unwrap().path())
                .collect();
            files.sort();
            seeds.extend(files.iter().map(|file| fs::read(file).unwrap()));
        }
    }
    let mut state = 1_u64;
    let mut draw = || {
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        (state >> 33) as usize
    };
    for _ in 0..cases() {
        let seed = seeds[draw() % seeds.len()].clone();
        let edits: Vec<u8> = (0..4 * (1 + draw() % 6)).map(|_| draw() as u8).collect();
        let input = edited(seed, &edits);
        if std::panic::catch_unwind(|| target(&input)).is_err() {
            panic!("{name} finds {}", hex::encode(input));
        }
    }
}

#[test]
fn edited_seeds_run_engine() {
    blind("engine", portcullis_laws::fuzz::engine);
}

#[test]
fn edited_seeds_run_filter() {
    blind("filter", portcullis_laws::fuzz::filter);
}

#[test]
fn edited_seeds_run_lint() {
    blind("lint", portcullis_laws::fuzz::lint);
}

#[test]
fn edited_seeds_run_oracle() {
    blind("oracle", portcullis_laws::fuzz::oracle);
}
