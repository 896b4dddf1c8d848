//! Which reason is told where no agreement fits: that of the one which comes closest.

use super::decisions::plain;
use super::*;
use crate::policy::Purpose::*;

fn asked(purpose: Purpose, sources: &[&str]) -> Request {
    let sources = sources.iter().map(AgencyId::new).collect();
    Request { sources, ..request("sm-customs", DECLARATION, purpose, None) }
}

/// The same agreement for one purpose alone.
fn only(id: &str, purpose: &str) -> AgreementFile {
    let mut one = plain(id);
    let purposes = format!("purposes = [\"{purpose}\"]");
    one.text = one.text.replace("purposes = [\"SHIPMENT_TARGETING\", \"STATISTICS\"]", &purposes);
    one
}

#[test]
fn a_source_too_many_is_closer_than_another_purpose() {
    for (less, more) in [("a-1", "a-2"), ("a-2", "a-1")] {
        let world = load(&[only(less, "SHIPMENT_TARGETING"), plain(more)], &[]);
        let reason = |agreement: &str| {
            denied(&world, &under(agreement, asked(Statistics, &["kcs"])), NOW).reason
        };
        assert_eq!(reason(less), DenialReason::PurposeNotPermitted);
        assert_eq!(reason(more), DenialReason::SourceNotCovered);
        let closest = denied(&world, &asked(Statistics, &["kcs"]), NOW);
        assert_eq!(closest.reason, DenialReason::SourceNotCovered);
    }
}

#[test]
fn among_equals_the_first_one_in_force_is_told() {
    let mut lapsed = only("a-0", "STATISTICS");
    lapsed.text = lapsed.text.replace("2026-12-31", "2026-05-31");
    let rest = [only("a-1", "SHIPMENT_TARGETING"), only("a-2", "STATISTICS")];
    let world = load(&[&[lapsed][..], &rest].concat(), &[]);
    let of = |agreement: &str| denied(&world, &under(agreement, asked(Investigation, &[])), NOW);
    assert_ne!(of("a-1"), of("a-2"), "each says what it is for");
    assert_eq!(denied(&world, &asked(Investigation, &[]), NOW), of("a-1"));
}
