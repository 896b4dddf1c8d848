//! Law 1, fail closed: what no rule names, what the schema does not know, what a treatment does not fit and
//! what has no label is not disclosed.

use portcullis_core::label::{LintRule, RecordType};
use portcullis_core::redact::{Reason, Treatment};
use portcullis_laws::config;
use portcullis_laws::world::{
    self, Body, Kind, Piece, RECORD, World, descriptor_set, entry, plan_of, plan_with, redact,
    spell, treatments, world, write,
};
use proptest::prelude::*;
use proptest::sample::Index;

proptest! {
    #![proptest_config(config())]

    /// A plan with entries for some leaves tells nothing of the others: it is the plan that withholds them.
    #[test]
    fn what_no_rule_names_is_withheld(world in world(), named: Index) {
        let World { record_type, plan, .. } = &world;
        let named = named.index(record_type.leaves().len() + 1);
        let entries = plan.fields().iter().take(named).cloned().collect();
        let short = plan_with(record_type, entries);
        for (leaf, field) in record_type.leaves().iter().zip(short.fields()).skip(named) {
            prop_assert_eq!(field.treatment, Treatment::Withhold, "{}", leaf.path);
            prop_assert!(!field.usable && !field.probe);
        }
        let spelled_out = plan_of(record_type, |leaf| {
            if leaf.id.index() < named { plan.treatment(leaf.id) } else { Treatment::Withhold }
        });
        prop_assert_eq!(redact(&short, &world.bytes()), redact(&spelled_out, &world.bytes()));
        // What stands in the record and is not named: nothing is told, whatever it is.
        let nothing = plan_with(record_type, vec![]);
        prop_assert_eq!(redact(&nothing, &world.bytes()), Ok((vec![], vec![])));
    }

    /// What the schema does not know is dropped, at every depth, even where all is clear.
    #[test]
    fn what_the_schema_does_not_know_is_dropped(world in world(), number in 1..1_u64 << 29) {
        let all = plan_of(&world.record_type, |_| Treatment::Clear);
        let mut pieces = spell(&world.message, &world.spellings[0]);
        let known = redact(&all, &write(&pieces)).unwrap();
        prop_assert_eq!(&known.0, &world::canonical(&world.message));
        strew(&mut pieces, world.record_type.descriptor(), number);
        for plan in [&all, &world.plan] {
            let sound = redact(plan, &world.bytes()).unwrap();
            let strewn = redact(plan, &write(&pieces)).unwrap();
            prop_assert!(!contains(&strewn.0, b"STRANGE"));
            prop_assert_eq!(strewn, sound);
        }
    }

    /// A treatment that a leaf cannot take is Withhold, never Clear, and the plan says why.
    #[test]
    fn what_does_not_fit_is_withheld(world in world(), which: Index) {
        let World { record_type, .. } = &world;
        let unfit = |leaf: &portcullis_core::label::Leaf| {
            let unfit: Vec<_> = treatments()
                .filter(|treatment| !treatment.fits(leaf.label.semantic, &leaf.kind))
                .collect();
            *which.get(&unfit)
        };
        let entries = record_type.leaves().iter().map(|leaf| entry(unfit(leaf))).collect();
        let plan = plan_with(record_type, entries);
        for (leaf, field) in record_type.leaves().iter().zip(plan.fields()) {
            prop_assert_eq!(field.treatment, Treatment::Withhold, "{}", leaf.path);
            prop_assert_eq!(field.reason, Reason::TreatmentDoesNotFit, "{}", leaf.path);
        }
        prop_assert!(plan.withholds_all());
        prop_assert_eq!(redact(&plan, &world.bytes()), Ok((vec![], vec![])));
        // One leaf that does not fit takes none of the others along.
        let at = which.index(record_type.leaves().len());
        let mut entries: Vec<_> =
            world.plan.fields().iter().map(|field| entry(field.treatment)).collect();
        entries[at] = entry(unfit(&record_type.leaves()[at]));
        let mut closed = entries.clone();
        closed[at] = entry(Treatment::Withhold);
        prop_assert_eq!(
            redact(&plan_with(record_type, entries), &world.bytes()),
            redact(&plan_with(record_type, closed), &world.bytes())
        );
    }

    /// Without one of its labels a schema is refused, and the field is named.
    #[test]
    fn what_has_no_label_is_refused(schema in world::schema(), which: Index) {
        let mut schema = schema;
        let mut labelled: Vec<(usize, usize)> = vec![];
        for (at, message) in schema.messages.iter().enumerate() {
            let fields = message.fields.iter().enumerate();
            labelled.extend(fields.filter(|(_, field)| field.label.is_some()).map(|(of, _)| (at, of)));
        }
        let (at, of) = *which.get(&labelled);
        let field = &mut schema.messages[at].fields[of];
        field.label = None;
        let (name, scalar) = (field.name.clone(), matches!(field.kind, Kind::Scalar(_)));
        let refused = RecordType::register(&descriptor_set(&schema), RECORD).unwrap_err();
        prop_assert!(refused.iter().all(|error| error.rule == LintRule::Unlabelled
            || error.rule == LintRule::OneofLabelsDiffer));
        // A message without a label is walked into, and it is its fields that lack one.
        prop_assert!(!scalar || refused.iter().any(|error| error.field == name), "{:?}", refused);
    }
}

/// Puts fields with a number that nobody knows before, between and after others, at every depth.
fn strew(pieces: &mut Vec<Piece>, descriptor: &prost_reflect::MessageDescriptor, number: u64) {
    for piece in pieces.iter_mut() {
        if let (Some(field), Body::Message(inner)) = (&piece.field, &mut piece.body)
            && let prost_reflect::Kind::Message(below) = field.kind()
        {
            strew(inner, &below, number);
        }
    }
    let mut number = number;
    while descriptor.get_field(u32::try_from(number).unwrap()).is_some() {
        number = number % ((1 << 29) - 1) + 1;
    }
    for (at, body) in [
        (0, Body::Bytes(b"STRANGE".to_vec())),
        (pieces.len() / 2, Body::Varint(u64::MAX)),
        (pieces.len(), Body::Fixed64(u64::from_le_bytes(*b"STRANGE!"))),
    ] {
        pieces.insert(at, Piece::unknown(number, body));
    }
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}
