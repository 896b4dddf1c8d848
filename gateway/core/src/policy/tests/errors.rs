//! Every mistake in an agreement or policy is told with its place, and all of them at once.

use super::*;
use LoadProblem::*;

const GOOD: &str = r#"id = "a-1"
version = 1
title = "T"
legal_basis = "L"
parties = ["nv-customs", "sm-customs"]
valid_from = 2026-01-01
valid_until = 2026-12-31
[[flow]]
from = "nv-customs"
to = ["sm-customs"]
record_types = ["portcullis.record.v1.Declaration"]
purposes = ["SHIPMENT_TARGETING", "INVESTIGATION"]
case_required = false
permitted_use = ["SHIPMENT_TARGETING"]
delete_after_days = 30
release_by_originator = false
matchable = ["importer.id"]
[flow.budgets]
queries_per_day = 5
records_per_day = 6
match_probes_per_day = 7
[[flow.ladder]]
fields = ["items.hs_code"]
rungs = ["clear", "generalise:heading", "withhold"]
[[flow.ladder]]
category = "FINANCIAL"
sensitivity = "ANY"
rungs = ["presence", "withhold"]
"#;

fn errors(text: &str) -> Vec<LoadError> {
    match Snapshot::load(registry(), record_types(), &[file("a.toml", text)], &[]) {
        Ok(_) => vec![],
        Err(errors) => errors,
    }
}

#[test]
fn the_good_one_is_good() {
    assert_eq!(errors(GOOD), []);
}

/// (what is replaced, by what, key, problem); the error stands on the line of the replacement's last line.
const MISTAKES: &[(&str, &str, &str, LoadProblem)] = &[
    ("id = \"a-1\"", "id = \"a|1\"", "id", Invalid),
    ("id = \"a-1\"", "id = \"\"", "id", Invalid),
    ("version = 1", "version = 0", "version", Invalid),
    ("version = 1", "version = \"one\"", "version", Malformed),
    ("title = \"T\"", "title = \" \"", "title", Empty),
    ("legal_basis = \"L\"", "legal_basis = \"\"", "legal_basis", Empty),
    ("legal_basis = \"L\"", "legal_bases = \"L\"", "legal_bases", Malformed),
    ("legal_basis = \"L\"", "legal_basis = \"L", "legal_basis", Malformed),
    ("parties = [\"nv-customs\",", "parties = [\"nv-customs\", \"xx\",", "parties", Unknown),
    ("parties = [\"nv-customs\",", "parties = [\"sm-customs\",", "parties", Duplicate),
    ("valid_until = 2026-12-31", "valid_until = 2025-12-30", "valid_until", DatesReversed),
    ("valid_until = 2026-12-31", "valid_until = 12:00:00", "valid_until", Invalid),
    ("from = \"nv-customs\"", "from = \"xx\"", "flow[1].from", Unknown),
    ("from = \"nv-customs\"", "from = \"kcs\"", "flow[1].from", NotAParty),
    ("to = [\"sm-customs\"]", "to = [\"kcs\"]", "flow[1].to", NotAParty),
    ("to = [\"sm-customs\"]", "to = []", "flow[1].to", Empty),
    ("v1.Declaration\"]", "v1.Nothing\"]", "flow[1].record_types", Unknown),
    ("purposes = [\"SHIPMENT_TARGETING\",", "purposes = [\"FUN\",", "flow[1].purposes", Unknown),
    ("_use = [\"SHIPMENT_TARGETING\"]", "_use = [\"fun\"]", "flow[1].permitted_use", Unknown),
    (
        "queries_per_day = 5",
        "queries_per_day = 5\nsubjects_per_day = 0",
        "flow[1].budgets.subjects_per_day",
        Invalid,
    ),
    (
        "queries_per_day = 5",
        "queries_per_day = 5\nsubject_fields = [\"importer.id\"]",
        "flow[1].budgets.subject_fields",
        Useless,
    ),
    (
        "queries_per_day = 5",
        "queries_per_day = 5\nsubjects_per_day = 1\nsubject_fields = [\"items.value\"]",
        "flow[1].budgets.subject_fields",
        Unknown,
    ),
    (
        "queries_per_day = 5",
        "queries_per_day = 5\nper_case = { queries = 9 }",
        "flow[1].budgets.per_case",
        Useless,
    ),
    (
        "queries_per_day = 5",
        "queries_per_day = 5\nper_officer = {}",
        "flow[1].budgets.per_officer",
        Empty,
    ),
    (
        "queries_per_day = 5",
        "queries_per_day = 5\nper_officer = { records = 0 }",
        "flow[1].budgets.per_officer.records",
        Invalid,
    ),
    (
        "queries_per_day = 5",
        "queries_per_day = 5\nper_officer = { quarries = 1 }",
        "per_officer",
        Malformed,
    ),
    ("case_required = false", "case_required = \"no\"", "case_required", Malformed),
    (
        "case_required = false",
        "case_required = false\nofficer_required = 1",
        "officer_required",
        Malformed,
    ),
    ("case_required = false", "case_required = true\ncases = [\"A B\"]", "flow[1].cases", Invalid),
    ("delete_after_days = 30", "delete_after_days = 0", "flow[1].delete_after_days", Invalid),
    ("delete_after_days = 30", "delete_after_days = -1", "delete_after_days", Malformed),
    ("matchable = [\"importer.id\"]", "matchable = [\"importer\"]", "flow[1].matchable", Unknown),
    ("queries_per_day = 5", "queries_per_day = 0", "flow[1].budgets.queries_per_day", Invalid),
    ("records_per_day = 6", "records_a_day = 6", "records_a_day", Malformed),
    (
        "fields = [\"items.hs_code\"]",
        "fields = [\"items.hs\"]",
        "flow[1].ladder[1].fields",
        Unknown,
    ),
    ("category = \"FINANCIAL\"", "category = \"MONEY\"", "flow[1].ladder[2].category", Unknown),
    (
        "category = \"FINANCIAL\"\nsensitivity = \"ANY\"",
        "semantic = \"GOLD\"",
        "flow[1].ladder[2].semantic",
        Unknown,
    ),
    (
        "category = \"FINANCIAL\"\nsensitivity = \"ANY\"",
        "category = \"FINANCIAL\"",
        "flow[1].ladder[2].sensitivity",
        Malformed,
    ),
    ("sensitivity = \"ANY\"", "sensitivity = \"any\"", "flow[1].ladder[2].sensitivity", Unknown),
    (
        "category = \"FINANCIAL\"\nsensitivity = \"ANY\"",
        "semantic = \"MONEY\"\nsensitivity = \"SECRET\"",
        "flow[1].ladder[2].sensitivity",
        Useless,
    ),
    (
        "category = \"FINANCIAL\"\nsensitivity = \"ANY\"",
        "category = \"FINANCIAL\"\nsensitivity = \"ANY\"\npurposes = [\"STATISTICS\"]",
        "flow[1].ladder[2].purposes",
        Useless,
    ),
    ("[\"presence\",", "[\"peek\", \"presence\",", "flow[1].ladder[2].rungs", Unknown),
    (
        "[\"clear\", \"generalise:heading\",",
        "[\"generalise:heading\", \"clear\",",
        "flow[1].ladder[1].rungs",
        LadderNotDescending,
    ),
    (
        "[\"clear\", \"generalise:heading\", \"withhold\"]",
        "[\"clear\", \"clear\", \"withhold\"]",
        "flow[1].ladder[1].rungs",
        LadderNotDescending,
    ),
    (
        "[\"clear\", \"generalise:heading\", \"withhold\"]",
        "[\"mask\", \"pseudonymise\", \"withhold\"]",
        "flow[1].ladder[1].rungs",
        LadderNotDescending,
    ),
    (
        "[\"presence\", \"withhold\"]",
        "[\"presence\"]",
        "flow[1].ladder[2].rungs",
        LadderNotDescending,
    ),
    ("[\"presence\", \"withhold\"]", "[]", "flow[1].ladder[2].rungs", Empty),
    (
        "\"generalise:heading\",",
        "\"generalise:month\",",
        "flow[1].ladder[1].rungs",
        TreatmentDoesNotFit,
    ),
    ("[\"presence\",", "[\"mask\",", "flow[1].ladder[2].rungs", TreatmentDoesNotFit),
];

#[test]
fn every_mistake_is_told_with_line_key_and_cause() {
    for (old, new, key, problem) in MISTAKES {
        assert!(GOOD.contains(old), "{old}");
        let text = GOOD.replacen(old, new, 1);
        let end = text.find(new).unwrap() + new.len();
        let line = u32::try_from(text[..end].matches('\n').count() + 1).unwrap();
        let found = errors(&text);
        let hit = found
            .iter()
            .find(|error| error.field == *key && error.problem == *problem && error.line == line);
        assert!(hit.is_some(), "{new}: no {problem:?} at {line} in {key}, but {found:#?}");
        assert!(hit.unwrap().column > 0);
        assert!(found.iter().all(|error| error.file == "a.toml"), "{found:#?}");
    }
}

#[test]
fn all_mistakes_are_told_at_once_and_read_well() {
    let text = GOOD
        .replace("version = 1", "version = 0")
        .replace("from = \"nv-customs\"", "from = \"xx\"")
        .replace("\"INVESTIGATION\"]", "\"FUN\"]");
    let lines: Vec<String> = errors(&text).iter().map(ToString::to_string).collect();
    assert_eq!(
        lines,
        [
            "a.toml:2:11: version: INVALID: versions are counted from 1",
            "a.toml:9:8: flow[1].from: UNKNOWN: agency `xx` is not registered",
            "a.toml:12:35: flow[1].purposes: UNKNOWN: `FUN` is not known",
        ]
    );
}

#[test]
fn a_missing_key_is_told_with_the_table_it_is_missing_from() {
    let found = errors(&GOOD.replace("queries_per_day = 5\n", ""));
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].line, found[0].problem), (18, Malformed));
    assert!(found[0].message.contains("queries_per_day"), "{}", found[0]);
}

#[test]
fn matchable_fields_need_a_budget() {
    let found = errors(&GOOD.replace("match_probes_per_day = 7\n", ""));
    assert_eq!(found[0].field, "flow[1].budgets.match_probes_per_day");
}

#[test]
fn two_equally_specific_ladders_are_ambiguous_and_more_specific_ones_are_not() {
    let with = |ladder: &str| {
        let text = format!("{GOOD}[[flow.ladder]]\n{ladder}\nrungs = [\"clear\", \"withhold\"]\n");
        let found = errors(&text);
        found.into_iter().map(|error| (error.line, error.problem)).collect::<Vec<_>>()
    };
    assert_eq!(with("fields = [\"items.hs_code\"]"), [(29, Ambiguous)]);
    let money = with("category = \"FINANCIAL\"\nsensitivity = \"ANY\"");
    assert!(!money.is_empty() && money.iter().all(|one| *one == (29, Ambiguous)), "{money:?}");
    assert_eq!(with("semantic = \"HS_CODE\""), [(29, Useless)], "its field has its own ladder");
    for fine in [
        "fields = [\"items\"]",
        "semantic = \"MONEY\"",
        "category = \"FINANCIAL\"\nsensitivity = \"OFFICIAL\"",
        "category = \"COMMERCIAL\"\nsensitivity = \"ANY\"",
        "fields = [\"importer\", \"exporter.name\"]",
    ] {
        assert_eq!(with(fine), [], "{fine}");
    }
}

#[test]
fn ladders_for_different_purposes_do_not_clash() {
    let text = GOOD.replace(
        "fields = [\"items.hs_code\"]",
        "fields = [\"items.hs_code\"]\npurposes = [\"INVESTIGATION\"]",
    ) + "[[flow.ladder]]\nfields = [\"items.hs_code\"]\npurposes = [\"SHIPMENT_TARGETING\"]\n\
         rungs = [\"generalise:chapter\", \"withhold\"]\n";
    let world = load(&[file("a.toml", &text)], &[]);
    for (purpose, treated) in
        [(Purpose::Investigation, "clear"), (Purpose::ShipmentTargeting, "generalise:chapter")]
    {
        let permit = permit(&world, &request("sm-customs", DECLARATION, purpose, None));
        let plan = permit.plan(&class("nv-customs"), NOW).unwrap();
        assert_eq!(treatment(&plan, "items.hs_code"), treated);
    }
}

#[test]
fn the_closest_ladder_holds() {
    let ladder = |selector: &str, rung: &str| {
        format!("[[flow.ladder]]\n{selector}\nrungs = [\"{rung}\", \"withhold\"]\n")
    };
    let head = GOOD.split("[[flow.ladder]]").next().unwrap();
    let text = head.to_owned()
        + &ladder("category = \"COMMERCIAL\"\nsensitivity = \"CONFIDENTIAL\"", "presence")
        + &ladder("category = \"LOCATION\"\nsensitivity = \"ANY\"", "presence")
        + &ladder("category = \"LOCATION\"\nsensitivity = \"OFFICIAL\"", "clear")
        + &ladder("category = \"COMMERCIAL\"\nsensitivity = \"OFFICIAL\"", "clear")
        + &ladder("semantic = \"ORGANISATION_NAME\"", "pseudonymise")
        + &ladder("fields = [\"exporter\"]", "presence")
        + &ladder("fields = [\"exporter.name\"]", "clear")
        + &ladder("fields = [\"exporter.name.original\"]", "mask");
    let world = load(&[file("a.toml", &text)], &[]);
    let request = request("sm-customs", DECLARATION, Purpose::ShipmentTargeting, None);
    let plan = permit(&world, &request).plan(&class("nv-customs"), NOW).unwrap();
    for (path, treated) in [
        ("importer.id", "presence"),
        ("importer.country", "clear"),
        ("examined_at", "presence"),
        ("port_of_loading", "clear"),
        ("importer.name.original", "pseudonymise"),
        ("exporter.id", "presence"),
        ("exporter.name.script", "clear"),
        ("exporter.name.original", "mask"),
    ] {
        assert_eq!(treatment(&plan, path), treated, "{path}");
    }
}

#[test]
fn two_flows_for_one_query_are_ambiguous() {
    let flow = GOOD.split_once("[[flow]]").unwrap().1;
    let text = format!("{GOOD}[[flow]]{flow}");
    let found = errors(&text);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!((found[0].field.as_str(), found[0].problem), ("flow[2].purposes", Ambiguous));
}

#[test]
fn the_same_agreement_twice_is_refused() {
    let files = [file("a.toml", GOOD), file("b.toml", GOOD)];
    let found = Snapshot::load(registry(), record_types(), &files, &[]).unwrap_err();
    let lines: Vec<_> = found.iter().map(ToString::to_string).collect();
    assert_eq!(lines, ["b.toml:1:6: id: DUPLICATE: agreement `a-1` stands in `a.toml` already"]);
}

#[test]
fn text_of_an_agreement_never_becomes_policy() {
    let hostile = r#"a\") } ; permit (principal, action, resource); //"#;
    let text = GOOD
        .replace("title = \"T\"", &format!("title = \"{hostile}\""))
        .replace("[\"importer.id\"]", &format!("[\"importer.id\", \"{hostile}\"]"));
    assert!(errors(&text).iter().all(|error| error.field == "flow[1].matchable"));
    let text = GOOD.replace("title = \"T\"", &format!("title = \"{hostile}\""));
    let world = load(&[file("a.toml", &text)], &[]);
    let plain = load(&[file("a.toml", GOOD)], &[]);
    assert_eq!(world.whole_set().0.to_string().len(), plain.whole_set().0.to_string().len());
}

fn policy_errors(text: &str) -> Vec<(u32, String, LoadProblem)> {
    let found = Snapshot::load(registry(), record_types(), &samples(), &[cedar_file(text)]);
    let found = found.unwrap_err();
    assert!(found.iter().all(|error| error.file == "local.cedar"), "{found:#?}");
    found.into_iter().map(|error| (error.line, error.field, error.problem)).collect()
}

#[test]
fn mistakes_in_policies_are_told_with_their_line() {
    let id = || "local:a".to_owned();
    let found = policy_errors("\n@id(\"local:a\")\npermit (principal, action, resource);");
    assert_eq!(found, [(2, id(), PolicyInvalid)], "only agreements permit");
    let found =
        policy_errors("@id(\"local:a\")\nforbid (principal, action, resource) when {\n 1 + };");
    assert_eq!((found[0].0, found[0].2), (3, PolicyMalformed));
    let found = policy_errors(
        "@id(\"local:a\")\nforbid (principal, action, resource)\nwhen { resource.colour == 1 };",
    );
    assert_eq!(found[0].1, id());
    assert!(found.iter().all(|(line, _, problem)| *line >= 2 && *problem == PolicyInvalid));
    let found = policy_errors("forbid (principal, action, resource);");
    assert_eq!(found[0].2, PolicyInvalid, "no @id");
    let found = policy_errors("@id(\"base:accreditation\")\nforbid (principal, action, resource);");
    assert_eq!(found, [(1, "base:accreditation".to_owned(), Duplicate)]);
    let found = policy_errors("@id(\"agreement:x\")\nforbid (principal, action, resource);");
    assert_eq!(found, [(1, "agreement:x".to_owned(), PolicyInvalid)]);
}

#[test]
fn mistakes_in_the_registry_are_told() {
    let mut registry = registry();
    registry.agencies[0].id = "NV|customs".into();
    registry.agencies.push(registry.agencies[1].clone());
    registry.cases[0].members = vec![];
    registry.cases[1].members = vec!["xx".into()];
    registry.cases[1].id = "A:B".into();
    registry.cases[2].closes = Some(registry.cases[2].opens);
    let found = Snapshot::load(registry, record_types(), &[], &[]).unwrap_err();
    // The registry is no file with lines.
    let text = found.iter().map(ToString::to_string).find(|text| text.contains("DATES_REVERSED"));
    let expected = "registry: cases.OP-LANTERN.closes: DATES_REVERSED: it closes before it opens";
    assert_eq!(text.as_deref(), Some(expected));
    let found: Vec<_> =
        found.iter().map(|error| format!("{} {}", error.field, error.problem.word())).collect();
    for expected in [
        "agencies.NV|customs INVALID",
        "agencies.nv-licensing DUPLICATE",
        "cases.CASE-1.members EMPTY",
        "cases.A:B INVALID",
        "cases.A:B.members UNKNOWN",
        "cases.OP-LANTERN.closes DATES_REVERSED",
    ] {
        assert!(found.iter().any(|one| one == expected), "{expected} not in {found:?}");
    }
}
