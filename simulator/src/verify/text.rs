//! The certificate for people.

use std::fmt::Write as _;

use super::Certificate;

/// Writes it.
pub fn write(certificate: &Certificate) -> String {
    let mut text = String::new();
    let ([train, calibrate, measure], consignments) = certificate.learned_from;
    // Writing to a String cannot fail.
    let _ = writeln!(
        text,
        "{}: pack {}, seed {}; detectors learned from {} other worlds of {consignments} consignments each \
         ({train} to train, {calibrate} to calibrate, {measure} to measure on)\n",
        certificate.world,
        certificate.pack.0,
        certificate.seed,
        train + calibrate + measure,
    );
    for scheme in &certificate.schemes {
        let (all, good) = scheme.cases;
        let _ = writeln!(
            text,
            "{}  {good} of {all} cases certified; lift at 5 % capacity: alone {:.1}, together {:.1}",
            scheme.scheme, scheme.solo_lift, scheme.joint_lift
        );
        for (view, quality) in &scheme.detectors {
            let _ = writeln!(
                text,
                "     {view:<44} lift {:>4.1} (rules {:>4.1}, among {:>3.0} like {:>4.1})  Brier {:.6} against {:.6}  on {} true",
                quality.lift,
                quality.lift_of_rules,
                quality.like_for_each,
                quality.lift_among_like,
                quality.brier,
                quality.brier_of_share,
                quality.true_candidates
            );
        }
    }
    let mut table = comfy_table::Table::new();
    table.set_header(["case", "scheme", "best alone", "", "together", "", "goes by", "verdict"]);
    for case in &certificate.cases {
        let solo = case.solo.as_ref();
        let joint = case.joint.as_ref();
        let decisive = joint.and_then(|joint| joint.decisive.first());
        table.add_row([
            case.case.clone(),
            case.scheme.clone(),
            solo.map(|solo| solo.agency.clone()).unwrap_or_default(),
            solo.map(|solo| format!("{:.3}", solo.posterior)).unwrap_or_default(),
            joint.map(|joint| joint.agencies.join(" + ")).unwrap_or_default(),
            joint
                .and_then(|joint| joint.posterior)
                .map(|posterior| format!("{posterior:.3}"))
                .unwrap_or_default(),
            decisive.map(|decisive| decisive.feature.clone()).unwrap_or_default(),
            if case.faults.is_empty() {
                "certified".to_owned()
            } else {
                "NOT CERTIFIED".to_owned()
            },
        ]);
    }
    let _ = writeln!(text, "\n{table}");
    for case in certificate.cases.iter().filter(|case| !case.faults.is_empty()) {
        for fault in &case.faults {
            let _ = writeln!(text, "{} ({}): {fault}", case.case, case.scheme);
        }
        for hidden in case.policy.first().map(|best| best.hidden.as_slice()).unwrap_or_default() {
            let _ = writeln!(
                text,
                "     {} of {}: {} by rule `{}` ({})",
                hidden.field, hidden.originator, hidden.treatment, hidden.rule, hidden.reason
            );
        }
    }
    for scheme in &certificate.without_detector {
        let _ =
            writeln!(text, "{scheme}: no detector is built for it; its cases are not certified");
    }
    text
}
