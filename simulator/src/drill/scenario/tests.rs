use super::msel::{parse_time, time};
use super::*;

fn parse(text: &str, msel: &str) -> Result<Scenario, String> {
    Scenario::parse("x", text, msel, Path::new("")).map_err(|error| error.to_string())
}

fn tutorial() -> (&'static str, &'static str) {
    let (_, scenario, msel) = BUILT_IN[0];
    (scenario, msel)
}

#[test]
fn scenarios_that_are_built_in_are_read_by_name() {
    for (name, ..) in BUILT_IN {
        let scenario = Scenario::read(Path::new(name)).unwrap();
        assert_eq!(scenario.name, name);
        assert!(scenario.cases.iter().map(|(_, count)| count).sum::<u64>() > 2);
        assert!(!scenario.msel.entries.is_empty());
        assert_eq!(scenario.hash.len(), 64);
    }
    let error = Scenario::read(Path::new("no-such-scenario")).unwrap_err().to_string();
    assert!(error.starts_with("cannot read no-such-scenario/scenario.toml"), "{error}");
}

#[test]
fn a_mistake_is_named_with_file_and_line() {
    let (text, msel) = tutorial();
    let line = |part: &str| text.lines().position(|line| line.starts_with(part)).unwrap() + 1;
    for (from, to, at, part) in [
        ("seed = 39", "seeds = 39", line("seed"), "unknown field `seeds`"),
        ("T01 = 6", "T99 = 6", line("T01"), "no scheme `T99` is built"),
        ("minutes = 10", "minutes = 0", line("minutes"), "`minutes` is from 1 to 10,000"),
        ("window_minutes = 3", "window_minutes = 11", line("window"), "is from 1 to `minutes`"),
        ("\"sm-customs\"", "\"nv-customs\"", line("agency = \"sm"), "is played twice"),
    ] {
        let error = parse(&text.replacen(from, to, 1), msel).unwrap_err();
        assert!(error.starts_with(&format!("x/scenario.toml:{at}: ")), "{at} {error}");
        assert!(error.contains(part), "{error}");
    }
    for (from, to, at, part) in [
        ("document", "paper", 2, "no kind `paper`"),
        ("0:03:00", "3 minutes", 4, "`3 minutes` is no exercise time"),
        ("0:06:00", "1:06:00", 5, "planned for after the end"),
        ("4,0:06:00", "1,0:06:00", 5, "number 1 is there twice"),
        ("after:1", "after:4", 3, "inject 4 has no check and maximum minutes"),
        ("asked:nv-customs>", "asked:xx-customs>", 4, "no team `xx-customs`"),
        (",O2,", ",O9,", 5, "no objective `O9`"),
        ("contingency", "media", 3, "is no exercise time"),
    ] {
        let error = parse(text, &msel.replacen(from, to, 1)).unwrap_err();
        assert!(error.starts_with(&format!("x/msel.csv:{at}: ")), "{at} {error}");
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn a_list_comes_back_from_its_own_csv_and_from_other_lists_headers() {
    let (text, msel) = tutorial();
    let scenario = parse(text, msel).unwrap();
    let again = Msel::parse(&scenario.msel.to_csv(), "again").unwrap();
    assert_eq!(again, scenario.msel);
    let other = "Event Number,Event Time,Inject Type,From,To,Event Description,Expected Player Action\n\
                 7,1:02:03,Media,Post,All,Words,Nothing\n,,,,,,\n";
    let read = Msel::parse(other, "other").unwrap();
    let [entry] = read.entries.as_slice() else { panic!("{read:?}") };
    assert_eq!((entry.number, entry.at, entry.kind), (7, Exercise(3_723_000), Happening::Media));
    assert_eq!((entry.sender.as_str(), entry.content.as_str()), ("Post", "Words"));
    assert_eq!(entry.expected, "Nothing");
}

#[test]
fn exercise_times_are_read_as_they_are_written() {
    for (text, millis) in [("0:00:00", 0), ("0:07:30", 450_000), ("12:00:00.250", 43_200_250)] {
        assert_eq!(parse_time(text), Some(Exercise(millis)));
        assert_eq!(time(Exercise(millis)), text);
    }
    assert_eq!(parse_time("1:30"), Some(Exercise(5_400_000)));
    for bad in ["", "5", "1:60", "1:5:x", "-1:00", "1:00:00.5", "1:2:3:4", "+ 1:00", "1:+5"] {
        assert_eq!(parse_time(bad), None, "{bad}");
    }
}
