//! Plans: a treatment per leaf, chosen where the field is declared.

use std::collections::HashMap;
use std::sync::Arc;

use portcullis_core::id::{AgencyId, AgreementId, RuleId};
use portcullis_core::label::{Leaf, RecordType};
use portcullis_core::redact::{
    FieldPlan, Level, Plan, PseudonymKeys, PseudonymScope, Reason, ScopeKey, Treatment, Zeroizing,
};

use super::schema::{Kind, Schema};

/// The secret of the epoch that tokens get.
pub const SECRET: [u8; 32] = [7; 32];
/// That epoch.
pub const EPOCH: u16 = 3;
/// Scope of every plan here.
pub const SCOPE: &str = "agency:alpha/case:OP-7";
/// Originator of every plan here.
pub const ORIGINATOR: &str = "kcs";

/// Keys of [`SCOPE`].
pub fn keys() -> ScopeKey {
    PseudonymKeys::new(EPOCH, [(EPOCH, Zeroizing::new(SECRET)), (2, Zeroizing::new([9; 32]))])
        .expect("sound keys")
        .scope_key(&PseudonymScope(Arc::from(SCOPE)))
}

/// Every treatment that there is.
pub fn treatments() -> impl Iterator<Item = Treatment> {
    [Treatment::Withhold, Treatment::Clear, Treatment::Presence]
        .into_iter()
        .chain(Level::ALL.iter().copied().map(Treatment::Generalise))
        .chain([Treatment::Mask, Treatment::Pseudonymise])
}

/// A plan entry.
pub fn entry(treatment: Treatment) -> FieldPlan {
    FieldPlan {
        treatment,
        rule: RuleId::new("rule"),
        reason: Reason::Permitted,
        usable: treatment == Treatment::Clear,
        probe: false,
        ask: None,
    }
}

/// A plan of one treatment per leaf.
pub fn plan_of(
    record_type: &Arc<RecordType>,
    treatment: impl FnMut(&Leaf) -> Treatment,
) -> Arc<Plan> {
    plan_with(record_type, record_type.leaves().iter().map(treatment).map(entry).collect())
}

/// A plan of given entries.
pub fn plan_with(record_type: &Arc<RecordType>, fields: Vec<FieldPlan>) -> Arc<Plan> {
    Arc::new(Plan::new(
        record_type.clone(),
        fields,
        AgreementId::new("agreement"),
        AgencyId::new(ORIGINATOR),
        PseudonymScope(Arc::from(SCOPE)),
        None,
    ))
}

/// What the fields of a schema chose, by path of the leaf.
#[derive(Clone)]
pub struct Choices(HashMap<String, [Choice; 2]>);

#[derive(Clone, Copy)]
enum Choice {
    /// This one of those that fit and are allowed.
    Of(u8),
    /// What the message above wants for all below it.
    All(Treatment),
}

impl Choices {
    pub(super) fn of(schema: &Schema) -> Self {
        let mut choices = HashMap::new();
        walk(schema, 0, "", [None, None], &mut choices);
        Self(choices)
    }

    /// Plan 0 or 1 of a world; of the treatments that fit a leaf, those that are allowed.
    pub fn plan(
        &self,
        record_type: &Arc<RecordType>,
        which: usize,
        allow: impl Fn(&Leaf, Treatment) -> bool,
    ) -> Arc<Plan> {
        plan_of(record_type, |leaf| {
            let fitting: Vec<Treatment> = treatments()
                .filter(|treatment| {
                    treatment.fits(leaf.label.semantic, &leaf.kind) && allow(leaf, *treatment)
                })
                .collect();
            match self.0.get(&leaf.path).map(|both| both[which]) {
                Some(Choice::All(treatment)) if fitting.contains(&treatment) => treatment,
                Some(Choice::Of(at)) if !fitting.is_empty() => {
                    fitting[usize::from(at) % fitting.len()]
                }
                _ => Treatment::Withhold,
            }
        })
    }

    /// What the field of a leaf drew for plan 0 or 1, for laws that choose in their own way.
    pub fn draw(&self, path: &str, which: usize) -> u8 {
        match self.0.get(path).map(|both| both[which]) {
            Some(Choice::Of(at)) => at,
            _ => 0,
        }
    }
}

fn walk(
    schema: &Schema,
    at: usize,
    above: &str,
    forced: [Option<Treatment>; 2],
    choices: &mut HashMap<String, [Choice; 2]>,
) {
    for field in &schema.messages[at].fields {
        let path =
            if above.is_empty() { field.name.clone() } else { format!("{above}.{}", field.name) };
        match (field.kind, field.label) {
            (Kind::Message(inner), None) => {
                let below = [0, 1].map(|which| {
                    forced[which].or(match field.choices[which] {
                        200..=223 => Some(Treatment::Clear),
                        224..=239 => Some(Treatment::Withhold),
                        240.. => Some(Treatment::Presence),
                        _ => None,
                    })
                });
                walk(schema, inner, &path, below, choices);
            }
            _ => {
                // The same type at another path may be treated in another way.
                let turn = (above.len() % 5) as u8;
                let both = [0, 1].map(|which| match forced[which] {
                    Some(treatment) => Choice::All(treatment),
                    None => Choice::Of(field.choices[which].wrapping_add(turn)),
                });
                choices.insert(path, both);
            }
        }
    }
}

/// The plan as a table.
pub fn show(plan: &Plan) -> String {
    let mut out = String::new();
    for (leaf, field) in plan.record_type().leaves().iter().zip(plan.fields()) {
        out += &format!("  {:<40} {}\n", leaf.path, field.treatment);
    }
    out
}
