//! What the second decider found and what was picked by hand (`tests/decider/kept`) is decided as it was when both
//! deciders agreed on it; `tests/run.sh python` asks the second one.

use std::path::Path;

use portcullis_laws::decision;

#[test]
fn what_is_kept_is_decided_as_it_was() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../decider/kept");
    let mut files = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let kept = std::fs::read_to_string(&path).unwrap();
        let again = decision::replay(&kept);
        assert_eq!(kept.lines().count(), again.len());
        for (was, is) in kept.lines().zip(&again) {
            assert_eq!(was, is, "{}", path.display());
        }
        files += 1;
    }
    assert!(files >= 2, "the folder is not empty");
}

#[test]
fn the_same_seed_draws_the_same_and_another_one_does_not() {
    let drawn = |seed| {
        let group = decision::group(&decision::pool(seed), seed, 1);
        (group.exchange, group.questions)
    };
    assert!(drawn(1) == drawn(1));
    assert!(drawn(1) != drawn(2));
}
