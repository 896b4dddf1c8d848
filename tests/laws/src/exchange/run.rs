//! Runs a law over drawn cases and prints the smallest that breaks it.

use std::fmt::Debug;

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, TestCaseError, TestError, TestRunner};

/// Holds a law against so many drawn values; panics with the smallest that breaks it, printed as it is.
pub fn hold<S>(cases: u32, strategy: &S, law: impl Fn(S::Value) -> Result<(), String>)
where
    S: Strategy,
    S::Value: Debug,
{
    // To load an exchange takes milliseconds: a smaller case is worth seconds, not minutes.
    let shrinks = Config::default().max_shrink_iters.min(600);
    let config =
        Config { cases, failure_persistence: None, max_shrink_iters: shrinks, ..Config::default() };
    let outcome =
        TestRunner::new(config).run(strategy, |value| law(value).map_err(TestCaseError::fail));
    match outcome {
        Ok(()) => {}
        Err(TestError::Fail(why, smallest)) => panic!("{why}\nthe smallest case:\n{smallest:?}"),
        Err(TestError::Abort(why)) => panic!("gave up: {why}"),
    }
}
