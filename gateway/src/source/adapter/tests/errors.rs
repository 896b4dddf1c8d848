//! Everything that can be wrong is named with file, line, column and field, and no value is quoted.

use super::Folder;

const GOOD: &str = r#"record_type = "portcullis.record.v1.Declaration"
files = ["data.csv"]
id = ["Id"]
[[column]]
from = "Id"
to = "id"
[[column]]
from = "Net Mass"
to = "items.net_mass_grams"
convert = { kind = "mass", unit = "kg" }
required = true
"#;

fn mapping_problem(change: impl Fn(&str) -> String) -> Vec<String> {
    let folder = Folder::new(&[
        ("m.toml", &change(GOOD)),
        ("data.csv", "Id,Net Mass,Date\n1,2,2021-01-01\n"),
    ]);
    folder.problems("m.toml")
}

#[test]
fn mapping_errors_name_line_and_field() {
    let replaced = |from: &'static str, to: &'static str| {
        assert!(GOOD.contains(from), "{from}");
        mapping_problem(move |good| good.replacen(from, to, 1))
    };
    for (from, to, expected) in [
        ("files", "filez", "m.toml:2: unknown field `filez`"),
        ("required = true", "requird = true", "m.toml:11: unknown field `requird`"),
        ("required = true", "required = maybe", "m.toml:11: "),
        (
            "unit = \"kg\"",
            "unit = \"stone\"",
            "m.toml:7: items.net_mass_grams: `unit` is one of mg, g, kg, t, lb, oz",
        ),
        (
            "unit = \"kg\"",
            "format = \"%Y\"",
            "m.toml:7: items.net_mass_grams: conversion `mass` takes no `format`",
        ),
        (
            "kind = \"mass\", unit = \"kg\"",
            "kind = \"weight\"",
            "m.toml:7: items.net_mass_grams: `weight` is no conversion",
        ),
        (
            "kind = \"mass\", unit = \"kg\"",
            "kind = \"date\", format = \"%Y-%m-%d\"",
            "m.toml:7: items.net_mass_grams: conversion `date` does not make a int64",
        ),
        (
            "convert = { kind = \"mass\", unit = \"kg\" }\n",
            "",
            "m.toml:7: items.net_mass_grams: a mass needs a `convert` with its unit",
        ),
        (
            "items.net_mass_grams",
            "items.net_mass",
            "m.toml:7: items.net_mass: `portcullis.record.v1.Declaration` has no field `items.net_mass`",
        ),
        (
            "items.net_mass_grams",
            "items",
            "m.toml:7: items: `items` is a message; name a field of it",
        ),
        (
            "items.net_mass_grams",
            "items[99].net_mass_grams",
            "m.toml:7: items[99].net_mass_grams: `items[99]`: an index is a number from 0 to 63",
        ),
        (
            "to = \"items.net_mass_grams\"\nconvert = { kind = \"mass\", unit = \"kg\" }",
            "to = \"id\"",
            "m.toml:7: id: filled already",
        ),
        (
            "from = \"Net Mass\"",
            "from = \"Mass\"",
            "m.toml:7: items.net_mass_grams: there is no column `Mass`",
        ),
        (
            "from = \"Net Mass\"",
            "template = \"{Net Mass\"",
            "m.toml:7: items.net_mass_grams: `template` has a brace without end",
        ),
        ("id = [\"Id\"]", "id = [\"ID\"]", "m.toml:3: `id`: there is no column `ID`"),
        (
            "id = [\"Id\"]",
            "id = [\"Id\"]\nencoding = \"klingon\"",
            "m.toml:4: `encoding`: is a label",
        ),
        (
            "id = [\"Id\"]",
            "id = [\"Id\"]\ndelimiter = \"→\"",
            "m.toml:4: `delimiter`: is one ASCII character",
        ),
        (
            "id = [\"Id\"]",
            "id = [\"Id\"]\ndata_as_of = \"lately\"",
            "m.toml:4: `data_as_of`: is an RFC 3339 time or a date",
        ),
        (
            "id = [\"Id\"]",
            "id = [\"Id\"]\n[handling]\ntlp = \"PINK\"",
            "m.toml:4: `handling`: `PINK` is no TLP",
        ),
        ("id = [\"Id\"]", "id = [\"Id\"]\n[handling]\ntlq = \"RED\"", "unknown field `tlq`"),
        (
            "id = [\"Id\"]",
            "id = [\"Id\"]\n[handling]\nenvironment = \"PRODUCTION\"",
            "m.toml:4: `handling`: `environment` is not the source's, EXERCISE",
        ),
        (
            "id = [\"Id\"]",
            "id = [\"Id\"]\n[handling]\n[[handling.when]]\ncolumn = \"Id\"\nequals = \"1\"\npermitted_use = [\"FUN\"]",
            "m.toml:5: `handling`: `FUN` is no purpose",
        ),
        (
            "id = [\"Id\"]",
            "id = [\"Id\"]\n[handling]\n[[handling.when]]\ncolumn = \"Id\"",
            "m.toml:5: `handling`: takes exactly one of",
        ),
        (
            "id = [\"Id\"]",
            "id = [\"Id\"]\nonly = [{ column = \"X\", equals = \"1\" }]",
            "m.toml:4: `only`: there is no column `X`",
        ),
        ("v1.Declaration", "v1.Nothing", "m.toml:1: `record_type`: "),
        ("data.csv", "no.csv", "no.csv: cannot be read: "),
    ] {
        let problems = replaced(from, to);
        assert!(
            problems.iter().any(|problem| problem.contains(expected)),
            "{expected}\n{problems:#?}"
        );
    }
    let code = mapping_problem(|good| {
        good.to_owned()
            + "[[column]]\nfrom = \"Date\"\nto = \"direction\"\nmap = { a = \"EXPRT\" }\n"
    });
    assert_eq!(
        code,
        ["m.toml:12: direction: `map` to `EXPRT`: not the name of a value of the enum"]
    );
    let constant = mapping_problem(|good| {
        good.to_owned()
            + "[[constant]]\nto = \"items.sequence\"\nvalue = -1\n[[constant]]\nto = \"items.quantity\"\nvalue = \"many\"\n"
    });
    assert!(
        constant.contains(&"m.toml:15: items.quantity: not a whole number".to_owned()),
        "{constant:?}"
    );
}

#[test]
fn all_mapping_problems_are_named_at_once() {
    let problems = mapping_problem(|good| {
        good.replace("from = \"Id\"", "from = \"X\"").replace("kg", "stone")
    });
    assert_eq!(problems.len(), 2, "{problems:?}");
}

#[test]
fn data_errors_name_line_column_and_field_but_no_value() {
    let data = "Id,Net Mass,Date\n\
        1,SECRET-1,2021-01-01\n\
        \"2\",\"3\n4\",\n\
        3,,\n\
        4,5\n\
        ,5,\n\
        5,-1,\n\
        6,\u{fffd},\n\
        7,1e30,\n\
        \"8\"x,1,\n\
        9,1,\n\
        10,\"SECRET-2,\n";
    let folder = Folder::new(&[("m.toml", GOOD), ("data.csv", data)]);
    let problems = folder.problems("m.toml");
    assert_eq!(
        problems,
        [
            "data.csv:2: column `Net Mass` -> items.net_mass_grams: not a decimal number",
            "data.csv:3: column `Net Mass` -> items.net_mass_grams: not a decimal number",
            "data.csv:5: column `Net Mass` -> items.net_mass_grams: a value is required",
            "data.csv:6: has 2 cells, the header 3",
            "data.csv:7: column `Id`: an id is required",
            "data.csv:8: column `Net Mass` -> items.net_mass_grams: a mass is not negative",
            "data.csv:9: column `Net Mass` -> items.net_mass_grams: not valid in the file's encoding",
            "data.csv:10: column `Net Mass` -> items.net_mass_grams: out of the range of int64",
            "data.csv:11: text behind a closing quote",
            "data.csv:13: a quote opens on this line and is never closed",
        ]
    );
}

#[test]
fn headers_must_agree_and_name_each_column_once() {
    let two = GOOD.replace("[\"data.csv\"]", "[\"data.csv\", \"more.csv\"]");
    let files =
        [("m.toml", two.as_str()), ("data.csv", "Id,Net Mass\n"), ("more.csv", "Net Mass,Id\n")];
    assert_eq!(
        Folder::new(&files).problems("m.toml"),
        ["more.csv:1: header differs from the first file's"]
    );
    let files = [("m.toml", GOOD), ("data.csv", "Id,Net Mass,Id\n")];
    assert_eq!(
        Folder::new(&files).problems("m.toml"),
        ["data.csv:1: column `Id`: is in the header twice"]
    );
    let files = [("m.toml", GOOD), ("data.csv", "")];
    assert_eq!(Folder::new(&files).problems("m.toml"), ["data.csv: has no header"]);
}

#[test]
fn duplicate_ids_name_both_lines_over_files() {
    let two = GOOD.replace("[\"data.csv\"]", "[\"data.csv\", \"more.csv\"]");
    let folder = Folder::new(&[
        ("m.toml", &two),
        ("data.csv", "Id,Net Mass\n1,1\n2,1\n1,2\n"),
        ("more.csv", "Id,Net Mass\n 2 ,1\n"),
    ]);
    let path = folder.path().display().to_string();
    let problems =
        folder.load("m.toml").err().unwrap().to_string().replace(&format!("{path}/"), "");
    assert_eq!(
        problems,
        "data.csv:4: column `Id`: same id as data.csv:2\nmore.csv:2: column `Id`: same id as data.csv:3"
    );
}

#[test]
fn contradictory_handling_is_refused_at_its_line() {
    let base = GOOD.replace("id = [\"Id\"]", "id = [\"Id\"]\n[handling]\ntlp_placeholder");
    let with = |handling: &str, to: &str| {
        let mapping = base.replace("tlp_placeholder", handling);
        let data = format!("Id,Net Mass,To\n1,1,\n2,1,{to}\n");
        Folder::new(&[("m.toml", &mapping), ("data.csv", &data)]).problems("m.toml")
    };
    assert_eq!(
        with("tlp = \"RED\"\nreleasable_to_column = \"To\"", "xs-customs"),
        ["data.csv:3: handling: TLP:RED contradicts an audience of agencies"]
    );
    assert_eq!(
        with("tlp = \"CLEAR\"\ncompartments_column = \"To\"", "OP-LANTERN"),
        ["data.csv:3: handling: TLP:CLEAR contradicts a compartment"]
    );
    assert_eq!(
        with("releasable_to_column = \"To\"", "Solmark Customs"),
        ["data.csv:3: handling: releasable_to: an agency is [a-z0-9-]{1,63}"]
    );
}

#[test]
fn problems_beyond_the_cap_are_counted() {
    let mut data = "Id,Net Mass\n".to_owned();
    for id in 0..75 {
        data += &format!("{id},x\n");
    }
    let problems = Folder::new(&[("m.toml", GOOD), ("data.csv", &data)]).problems("m.toml");
    assert_eq!(problems.len(), 51);
    assert_eq!(problems[50], "and 25 more");
}

#[test]
fn every_conversion_says_what_it_expected() {
    for (to, convert, cell, expected) in [
        ("country_of_departure", "", "UK", "not an ISO 3166-1 alpha-2 country code"),
        ("items.hs_code", "", "8542", "not a commodity code of six to twelve digits"),
        ("items.quantity", "", "3.5", "not a whole number"),
        ("items.quantity", "", "-3", "out of the range of uint64"),
        ("items.duty_rate", "", "eight", "not a decimal number"),
        (
            "items.value",
            "kind = \"money\", currency = \"EUR\", round = \"exact\"",
            "1.005",
            "an amount with too many digits",
        ),
        (
            "items.value",
            "kind = \"money\", currency_column = \"C\"",
            "1",
            "the currency is not three capital letters",
        ),
        (
            "items.net_mass_grams",
            "kind = \"mass\", unit = \"mg\", round = \"exact\"",
            "1",
            "not a whole number of grams, or too large",
        ),
        (
            "accepted_at",
            "kind = \"timestamp\", format = \"%Y-%m-%d\", offset = \"Z\"",
            "2021-02-30",
            "not a time in the given format",
        ),
        ("accepted_at", "kind = \"unix\"", "999999999999", "not a number of seconds since 1970"),
        ("direction", "", "UNSPECIFIED", "not the name of a value of the enum"),
        ("items.documents.sha256", "", "xyz", "not hexadecimal"),
    ] {
        let convert =
            if convert.is_empty() { String::new() } else { format!("convert = {{ {convert} }}\n") };
        let mapping = format!(
            "record_type = \"portcullis.record.v1.Declaration\"\nfiles = [\"data.csv\"]\nid = [\"Id\"]\n\
             [[column]]\nfrom = \"Cell\"\nto = \"{to}\"\n{convert}"
        );
        let data = format!("Id,Cell,C\n1,,eur\n2,{cell},eur\n");
        let problems = Folder::new(&[("m.toml", &mapping), ("data.csv", &data)]).problems("m.toml");
        assert_eq!(problems, [format!("data.csv:3: column `Cell` -> {to}: {expected}")]);
        assert!(!problems[0].contains(cell) || cell.len() < 3, "quotes the cell");
    }
}
