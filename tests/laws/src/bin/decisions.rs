//! Writes what the gateway's core decides of random queries, for a decider that shares none of its code: JSON lines,
//! each exchange followed by questions with their answers (`tests/decider/README.md` says what they hold).
//!
//!     portcullis-decisions --seed N --count N > FILE
//!
//!     portcullis-decisions --replay KEPT > FILE
//!
//! Same seed, same bytes. A decision is a query that is denied, or a permitted one and one class of records. `--replay`
//! asks the questions of such a file again.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

use std::io::{self, BufWriter, Write as _};

use portcullis_laws::decision;

/// Exchanges that are asked at a time, by as many threads.
const AT_ONCE: u64 = 2;

fn main() {
    let given: Vec<String> = std::env::args().skip(1).collect();
    let number = |name: &str| {
        let at = given.iter().position(|argument| argument == name)?;
        given.get(at + 1)?.parse::<u64>().ok()
    };
    if let [flag, file] = given.as_slice()
        && flag == "--replay"
    {
        let kept = std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{file}: {error}"));
        decision::replay(&kept).iter().for_each(|line| println!("{line}"));
        return;
    }
    let (4, Some(seed), Some(count)) = (given.len(), number("--seed"), number("--count")) else {
        eprintln!("usage: portcullis-decisions --seed N --count N > FILE | --replay KEPT > FILE");
        std::process::exit(2);
    };
    if let Err(error) = write(seed, count) {
        eprintln!("portcullis-decisions: {error}");
        std::process::exit(1);
    }
}

fn write(seed: u64, count: u64) -> io::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    let pool = &decision::pool(seed);
    let (mut left, mut next) = (count, 0);
    while left > 0 {
        let groups: Vec<decision::Group> = std::thread::scope(|scope| {
            let work = |number| scope.spawn(move || decision::group(pool, seed, number));
            let threads: Vec<_> = (next..next + AT_ONCE).map(work).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        next += AT_ONCE;
        for group in groups {
            if left > 0 {
                writeln!(out, "{}", group.exchange)?;
            }
            for (decisions, line) in group.questions {
                if left > 0 {
                    writeln!(out, "{line}")?;
                    left = left.saturating_sub(decisions);
                }
            }
        }
    }
    out.flush()
}
