//! How often slips happen, and what they do to names.

use std::collections::BTreeMap;

use super::speller::Speller;
use super::*;
use crate::generate::{Part, Truth, pieces};
use crate::rng::Seed;
use crate::scheme::{Cases, Request};
use crate::shipment::Engine;
use crate::shipment::registers::Registers;
use crate::table::Cells;
use crate::world::pack::{Find, Pack, Rule, Use};
use crate::write::csv::Csv;

fn world() -> World {
    let pack = concat!(env!("CARGO_MANIFEST_DIR"), "/packs/demo");
    World::build(Pack::read(pack.as_ref()).unwrap(), Seed(4)).unwrap()
}

/// Counts, by slip, the cells at risk that say something.
struct AtRisk<'a> {
    dirt: &'a Dirt,
    held: Held,
    cells: BTreeMap<Slip, f64>,
}

impl Out for AtRisk<'_> {
    fn put<R: Row>(&mut self, row: &R) {
        self.held.take(row);
        for risk in &self.dirt.risks[R::TABLE.index()] {
            if !self.held.value(risk.place).unwrap().says_nothing() {
                for (slip, _) in &risk.slips {
                    *self.cells.entry(*slip).or_default() += 1.0;
                }
            }
        }
    }
}

#[test]
fn slips_happen_as_often_as_the_pack_says_and_never_where_nothing_stood() {
    const CONSIGNMENTS: u64 = 3_000;
    let world = world();
    let cases = Cases::new(&world, CONSIGNMENTS, Request::by_rates(&world, CONSIGNMENTS)).unwrap();
    let mut engine = Engine::new(&world, CONSIGNMENTS, cases).unwrap();
    let dirt = Dirt::new(&world);
    let registers = Registers::new(&engine);
    let mut at_risk = AtRisk { dirt: &dirt, held: Held::default(), cells: BTreeMap::new() };
    for piece in pieces(&engine, Part::WHOLE) {
        piece.make(&engine, &registers, &mut at_risk, &mut Truth::default());
    }
    engine.dirt = Some(dirt.clone());
    let (mut rows, mut truth) = (Csv::default(), Truth::default());
    for piece in pieces(&engine, Part::WHOLE) {
        piece.make(&engine, &registers, &mut rows, &mut truth);
    }
    let mut counts: BTreeMap<String, f64> = BTreeMap::new();
    let linkage = [Truth::DIRT.as_bytes(), &truth.dirt].concat();
    for row in csv::Reader::from_reader(linkage.as_slice()).into_records() {
        let row = row.unwrap();
        assert_ne!(&row[5], "", "{row:?}");
        assert_ne!(row[5], row[6], "{row:?}");
        assert_eq!(row[6].is_empty(), &row[4] == "missing", "{row:?}");
        *counts.entry(row[4].to_owned()).or_default() += 1.0;
    }
    assert_eq!(counts.len(), Slip::ALL.len(), "{counts:?}");
    for slip in Slip::ALL {
        let (rate, cells) = (slip.rate(&world.slips), at_risk.cells[&slip]);
        let (count, wanted) = (counts[slip.word()], rate * cells);
        // Binomial, four standard deviations. A number of one digit, or of one over and over, cannot be swapped.
        let spread = 4.0 * f64::sqrt(wanted);
        let least = if slip == Slip::Digits { 0.85 } else { 0.99 };
        assert!(
            count < wanted + spread && count > least * wanted - spread,
            "{slip:?}: {count} of {cells}, {wanted} wanted"
        );
    }
}

#[test]
fn rows_without_a_slip_are_given_on_as_they_are_and_others_cell_by_cell() {
    struct Give<'a>(&'a [Value<'static>]);
    impl Row for Give<'_> {
        const TABLE: Table = Table::Tip;
        fn agency(&self) -> &str {
            "a"
        }
        fn rest<C: Cells>(&self, cells: &mut C) {
            self.0.iter().skip(1).for_each(|value| value.put(cells));
        }
    }
    let all = [
        Value::Word("a".into()),
        Value::Text("b, c".into()),
        Value::Integer(Some(1)),
        Value::Money(Some(2)),
        Value::Micro(None),
        Value::Moment(Some(crate::calendar::Moment(3))),
        Value::Day(Some(4)),
        Value::Flag(true),
    ];
    let mut held = Held::default();
    held.take(&Give(&all));
    let values: Vec<Value> = (0..all.len()).map(|place| held.value(place).unwrap()).collect();
    assert_eq!(values, all);
    for place in 1..all.len() {
        let edits = [(place, Value::Word("other".into()))];
        let mut held = Held::default();
        held.take(&Edited { row: &Give(&all), edits: &edits });
        for (at, value) in all.iter().enumerate() {
            let expected = if at == place { &edits[0].1 } else { value };
            assert_eq!(held.value(at).as_ref(), Some(expected));
        }
    }
}

/// What a speller that knows one rule makes of a name.
fn by(rule: &str, name: &str) -> Option<String> {
    let mut world = world();
    let mut rules = world.spelling.rules.clone();
    rules.retain(|known| known.id == rule);
    assert_eq!(rules.len(), 1, "{rule}");
    rules[0].chance = 1.0;
    world.spelling.rules = rules;
    let mut cell = Stream::new(Seed(1), "name").row(0);
    Speller::new(&world).write(name, None, &mut cell)
}

#[test]
fn each_rule_does_what_it_says() {
    let world = world();
    let (given, form) = (&world.cultures[0].given[0], &world.cultures[0].suffixes[0]);
    let firm = format!("Brakke & Moll-Haug {form}");
    let person = format!("{given} Hallberg");
    let is = |rule: &str, name: &str, expected: &str| {
        assert_eq!(by(rule, name).as_deref(), Some(expected), "{rule}");
    };
    is("drop_legal_form", &firm, "Brakke & Moll-Haug");
    is("drop_legal_form", &firm.to_uppercase(), "BRAKKE & MOLL-HAUG");
    is("and_sign", &firm, &firm.replace('&', "and"));
    is("hyphen", &firm, &firm.replace('-', " "));
    is("join_words", "Vik Steel", "VikSteel");
    is("initial", &person, &format!("{}. Hallberg", &given[..1]));
    is("name_order", &person, &format!("Hallberg, {given}"));
    is("double_letter", &person.replace(given, "Xo"), "Xo Halberg");
    is("letter_o_digit_0", "Oslo", "0slo");
    is("upper_case", "Oslo Steel", "OSLO STEEL");
    is("trailing_dot", "Oslo Steel", "Oslo Steel.");
    is("swap_letters", "Ab", "bA");
    is("lost_letter", "Ab", "A");
    for (rule, name) in [
        ("drop_legal_form", "Brakke Vik"),
        ("initial", firm.as_str()),
        ("name_order", "Brakke Vik"),
        ("swap_letters", "aa A"),
        ("lost_letter", "A"),
    ] {
        assert_eq!(by(rule, name), None, "{rule} {name}");
    }
}

#[test]
fn names_go_into_native_letters_only_where_there_are_some_for_all_of_them() {
    let mut world = world();
    world.slips.native_letters = 1.0;
    world.spelling.rules = vec![Rule {
        id: "shout".into(),
        use_for: Use::Dirt,
        find: Find::End,
        put: "!".into(),
        chance: 1.0,
    }];
    let speller = Speller::new(&world);
    let culture = |id: &str| world.cultures.iter().position(|culture| culture.id == id);
    let write = |name: &str, id: &str| {
        let mut cell = Stream::new(Seed(1), "name").row(0);
        speller.write(name, culture(id), &mut cell).unwrap()
    };
    assert_eq!(write("Shota-Chani 12", "vellic"), "შოთა-ჩანი 12");
    assert_eq!(write("Wex", "vellic"), "Wex!");
    assert_eq!(write("Shota", "norvic"), "Shota!");
}
