//! The plan: a treatment per leaf and the rule behind it, compiled by policy once for a class of records.
//! It depends on no value, so what was done is explained from it alone.

use std::sync::Arc;

use super::Treatment;
use crate::id::{AgencyId, AgreementId, Digest, Moment, RuleId};
use crate::label::{LeafId, RecordType, Target};

/// SHA-256 of a plan's content.
pub type PlanHash = Digest;

/// Within what two tokens of one value are equal: a requester agency with a case, with an agreement where
/// there is no case, or a joint operation. The text is what keys are derived from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PseudonymScope(pub Arc<str>);

/// Why a field gets its treatment. One word each, the same everywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// The agreement's ladder and policy allow it in the clear.
    Permitted,
    /// The agreement's ladder starts lower than clear.
    ReducedByAgreement,
    /// Policy forbids a higher rung of the ladder.
    ReducedByPolicy,
    /// An officer for whom its agency vouches would get more.
    OfficerNotProven,
    /// The agreement names no treatment for it.
    NoRule,
    /// The requester did not ask for it.
    NotRequested,
    /// The treatment does not fit the type (a mistake that fails closed).
    TreatmentDoesNotFit,
    /// The originator, asked for it, granted more for this record.
    GrantedByOriginator,
    /// A plan applied further up already gives less.
    ReducedUpstream,
}

impl Reason {
    /// The word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Permitted => "PERMITTED",
            Self::ReducedByAgreement => "REDUCED_BY_AGREEMENT",
            Self::ReducedByPolicy => "REDUCED_BY_POLICY",
            Self::OfficerNotProven => "OFFICER_NOT_PROVEN",
            Self::NoRule => "NO_RULE",
            Self::NotRequested => "NOT_REQUESTED",
            Self::TreatmentDoesNotFit => "TREATMENT_DOES_NOT_FIT",
            Self::GrantedByOriginator => "GRANTED_BY_ORIGINATOR",
            Self::ReducedUpstream => "REDUCED_UPSTREAM",
        }
    }
}

/// What happens to one leaf.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldPlan {
    /// The treatment.
    pub treatment: Treatment,
    /// The rule that says so.
    pub rule: RuleId,
    /// Why.
    pub reason: Reason,
    /// May be named in a filter: it is clear, or policy lets the requester match it.
    pub usable: bool,
    /// Naming it in a filter costs a match probe: usable without being clear.
    pub probe: bool,
    /// Whom to ask for a release.
    pub ask: Option<AgencyId>,
}

/// A treatment per leaf, immutable.
#[derive(Debug, Clone)]
pub struct Plan {
    record_type: Arc<RecordType>,
    fields: Vec<FieldPlan>,
    agreement: AgreementId,
    originator: AgencyId,
    scope: PseudonymScope,
    valid_until: Option<Moment>,
    hash: PlanHash,
}

impl Plan {
    /// Builds a plan from one entry per leaf, in leaf order. Entries that are missing are withheld, entries
    /// too many are ignored, and a treatment that its leaf cannot take becomes Withhold: never Clear.
    /// The members of a oneof take their meet, because which one is set would tell; where that does not
    /// fit one of them, the greatest treatment below it that fits them all (so that less for one member never
    /// means more for all). Members that were merely not asked for do not count.
    pub fn new(
        record_type: Arc<RecordType>,
        mut fields: Vec<FieldPlan>,
        agreement: AgreementId,
        originator: AgencyId,
        scope: PseudonymScope,
        valid_until: Option<Moment>,
    ) -> Self {
        fields.resize_with(record_type.leaves().len(), FieldPlan::withhold);
        for (field, leaf) in fields.iter_mut().zip(record_type.leaves()) {
            if !field.treatment.fits(leaf.label.semantic, &leaf.kind) {
                field.treatment = Treatment::Withhold;
                field.reason = Reason::TreatmentDoesNotFit;
                field.usable = false;
                field.probe = false;
            }
        }
        meet_oneofs(&record_type, &mut fields);
        let hash = hash(&record_type, &fields, &agreement, &originator, &scope);
        Self { record_type, fields, agreement, originator, scope, valid_until, hash }
    }

    /// The record type it is for.
    pub fn record_type(&self) -> &Arc<RecordType> {
        &self.record_type
    }

    /// One entry per leaf, in leaf order.
    pub fn fields(&self) -> &[FieldPlan] {
        &self.fields
    }

    /// The entry of a leaf.
    pub fn field(&self, leaf: LeafId) -> Option<&FieldPlan> {
        self.fields.get(leaf.index())
    }

    /// The treatment of a leaf; Withhold for one that is not there.
    pub fn treatment(&self, leaf: LeafId) -> Treatment {
        self.field(leaf).map_or(Treatment::Withhold, |field| field.treatment)
    }

    /// The agreement behind it.
    pub fn agreement(&self) -> &AgreementId {
        &self.agreement
    }

    /// Whose records it is for.
    pub fn originator(&self) -> &AgencyId {
        &self.originator
    }

    /// Tokens are equal within this scope.
    pub fn scope(&self) -> &PseudonymScope {
        &self.scope
    }

    /// When it ends by itself; none: not before something changes.
    pub fn valid_until(&self) -> Option<Moment> {
        self.valid_until
    }

    /// SHA-256 of its content.
    pub fn hash(&self) -> PlanHash {
        self.hash
    }

    /// Is every field withheld? Then the record is dropped and the plan never sent.
    pub fn withholds_all(&self) -> bool {
        self.fields.iter().all(|field| field.treatment == Treatment::Withhold)
    }

    /// The same plan with everything withheld that was not asked for. Filters keep working: what may be
    /// matched does not depend on what is wanted back.
    #[must_use]
    pub fn narrowed(&self, wanted: impl Fn(LeafId) -> bool) -> Self {
        let mut fields = self.fields.clone();
        for (field, leaf) in fields.iter_mut().zip(self.record_type.leaves()) {
            if !wanted(leaf.id) && field.treatment != Treatment::Withhold {
                field.treatment = Treatment::Withhold;
                field.reason = Reason::NotRequested;
                field.ask = None;
            }
        }
        Self::new(
            self.record_type.clone(),
            fields,
            self.agreement.clone(),
            self.originator.clone(),
            self.scope.clone(),
            self.valid_until,
        )
    }
}

impl FieldPlan {
    /// The entry of a leaf that no rule names.
    pub fn withhold() -> Self {
        Self {
            treatment: Treatment::Withhold,
            rule: RuleId::new("default:withhold"),
            reason: Reason::NoRule,
            usable: false,
            probe: false,
            ask: None,
        }
    }
}

/// Inner messages come after outer ones, so backwards: an outer oneof has the last word.
fn meet_oneofs(record_type: &RecordType, fields: &mut [FieldPlan]) {
    for node in record_type.nodes().iter().rev() {
        let mut oneofs: Vec<u16> = node.fields.iter().filter_map(|field| field.oneof).collect();
        oneofs.sort_unstable();
        oneofs.dedup();
        for oneof in oneofs {
            let mut members = vec![];
            for field in node.fields.iter().filter(|field| field.oneof == Some(oneof)) {
                leaves_below(record_type, field.target, &mut members);
            }
            members.retain(|leaf| {
                fields.get(leaf.index()).is_some_and(|field| field.reason != Reason::NotRequested)
            });
            meet_members(record_type, fields, &members);
        }
    }
}

fn meet_members(record_type: &RecordType, fields: &mut [FieldPlan], members: &[LeafId]) {
    let of = |leaf: &LeafId| fields.get(leaf.index());
    let usable = members.iter().filter_map(of).all(|field| field.usable);
    let probe = members.iter().filter_map(of).any(|field| field.probe);
    let Some(meet) =
        members.iter().filter_map(of).map(|field| field.treatment).reduce(Treatment::meet)
    else {
        return;
    };
    let leaves = || members.iter().filter_map(|leaf| record_type.leaf(*leaf));
    let fits = |meet: &Treatment| leaves().all(|leaf| meet.fits(leaf.label.semantic, &leaf.kind));
    let meet = meet.descending().find(fits).unwrap_or(Treatment::Withhold);
    for leaf in members {
        let Some(field) = fields.get_mut(leaf.index()) else { continue };
        if field.treatment != meet {
            field.treatment = meet;
            field.reason = Reason::ReducedByPolicy;
        }
        field.usable = usable;
        field.probe = usable && probe;
    }
}

fn leaves_below(record_type: &RecordType, target: Target, leaves: &mut Vec<LeafId>) {
    match target {
        Target::Leaf(leaf) | Target::Whole(leaf, _) => leaves.push(leaf),
        Target::Node(node) => {
            for field in record_type.node(node).map_or(&[][..], |node| &node.fields) {
                leaves_below(record_type, field.target, leaves);
            }
        }
    }
}

fn hash(
    record_type: &RecordType,
    fields: &[FieldPlan],
    agreement: &AgreementId,
    originator: &AgencyId,
    scope: &PseudonymScope,
) -> PlanHash {
    let mut bytes = b"portcullis plan v1\0".to_vec();
    let mut part = |part: &[u8]| {
        bytes.extend_from_slice(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
        bytes.extend_from_slice(part);
    };
    part(&record_type.hash().0);
    part(agreement.as_str().as_bytes());
    part(originator.as_str().as_bytes());
    part(scope.0.as_bytes());
    for field in fields {
        part(field.treatment.to_string().as_bytes());
        part(field.rule.as_str().as_bytes());
        part(field.reason.word().as_bytes());
        part(&[u8::from(field.usable), u8::from(field.probe)]);
        part(field.ask.as_ref().map_or(&[], |ask| ask.as_str().as_bytes()));
    }
    Digest::of(&bytes)
}
