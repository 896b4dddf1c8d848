//! Verdicts that are kept: asked for once, within bounds, a failure never.

use super::*;
use crate::handling::Environment;

/// Was it asked for, and what came of it?
fn asked(verdicts: &Verdicts, record_type: &str, verdict: &Verdict) -> (bool, Verdict) {
    let slice =
        SliceKey { agreement: "a".into(), requester: "r".into(), record_type: record_type.into() };
    let situation = Situation {
        agreement: &slice.agreement,
        source: &"s".into(),
        purpose: Purpose::Statistics,
        case: None,
        memberships: &[],
        officer_proven: false,
        environment: Environment::Exercise,
        handling: None,
        granted: false,
    };
    let mut was = false;
    let found = verdicts.of(&slice, &situation, || {
        was = true;
        verdict.clone()
    });
    (was, found)
}

#[test]
fn a_verdict_is_asked_for_once_and_a_failure_every_time() {
    let verdicts = Verdicts::default();
    let permitted = Verdict::Permitted(vec!["rule".into()]);
    let refused = Verdict::Refused(vec![]);
    let failed = Verdict::Failed(vec![]);
    for (name, verdict, again) in
        [("p", &permitted, false), ("r", &refused, false), ("f", &failed, true)]
    {
        assert_eq!(asked(&verdicts, name, verdict), (true, verdict.clone()));
        assert_eq!(asked(&verdicts, name, verdict), (again, verdict.clone()));
    }
    // Another snapshot takes those whose slice is the same there.
    let carried = verdicts.carried(|slice| slice.record_type.as_str() == "p");
    assert_eq!(asked(&carried, "p", &refused), (false, permitted));
    assert_eq!(asked(&carried, "r", &failed), (true, failed));
}

#[test]
fn so_many_verdicts_are_kept_and_no_more() {
    let verdicts = Verdicts::default();
    for number in 0..Verdicts::MOST {
        asked(&verdicts, &number.to_string(), &Verdict::Refused(vec![]));
    }
    assert_eq!(verdicts.known().len(), Verdicts::MOST);
    asked(&verdicts, "one more", &Verdict::Refused(vec![]));
    assert_eq!(verdicts.known().len(), 1);
}
