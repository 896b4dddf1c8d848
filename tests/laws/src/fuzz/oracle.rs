//! The redactor against the slow one, on random worlds and on the record types of [`super::record`].

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use portcullis_core::redact::Plan;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::edit::{edited, edited_fields};
use super::head;
use super::record::{PLANS, kind};
use crate::oracle;
use crate::world::{World, redact, world};

/// Most worlds that are kept.
const WORLDS: usize = 256;

thread_local! {
    static MADE: RefCell<BTreeMap<u16, World>> = const { RefCell::new(BTreeMap::new()) };
}

/// What to do, which world or which type and plan, then edits or a record.
pub fn oracle(mut data: &[u8]) {
    let [how, one, two] = head(&mut data);
    match how % 4 {
        0 => {
            let kind = kind(one);
            compare(kind.redactors[usize::from(two) % PLANS].plan(), data);
        }
        1 => with_world(u16::from_le_bytes([one, two]), |world| both(world, data)),
        2 => with_world(u16::from_le_bytes([one, two]), |world| {
            both(world, &edited(world.bytes(), data));
        }),
        _ => with_world(u16::from_le_bytes([one, two]), |world| {
            both(world, &edited_fields(world.bytes(), data));
        }),
    }
}

fn both(world: &World, bytes: &[u8]) {
    compare(&world.plan, bytes);
    compare(&world.other, bytes);
}

fn compare(plan: &Arc<Plan>, bytes: &[u8]) {
    let (fast, slow) = (redact(plan, bytes), oracle::redact(plan, bytes));
    assert!(fast == slow, "fast {} slow {}", show(&fast), show(&slow));
}

fn show<E: std::fmt::Debug>(answer: &Result<(Vec<u8>, Vec<u8>), E>) -> String {
    match answer {
        Ok((left, bits)) => format!("{} bits {}", hex::encode(left), hex::encode(bits)),
        Err(refusal) => format!("{refusal:?}"),
    }
}

/// The world of a number, for as long as its strategy is what it is.
pub fn made(number: u16) -> World {
    let mut seed = [0; 32];
    seed[..2].copy_from_slice(&number.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    world().new_tree(&mut runner).expect("a world").current()
}

fn with_world(number: u16, run: impl FnOnce(&World)) {
    MADE.with_borrow_mut(|worlds| {
        if worlds.len() >= WORLDS && !worlds.contains_key(&number) {
            worlds.clear();
        }
        run(worlds.entry(number).or_insert_with(|| made(number)));
    });
}
