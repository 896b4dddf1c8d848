//! A drill on this machine, as a trainer runs it: bots play through the real gateway, the log is verified, and the report
//! can be rebuilt from the event log alone.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

pub async fn sim(folder: &Path, words: &[&str]) -> (bool, String, String) {
    let done = tokio::process::Command::new(portcullis_tests::binary("portcullis-sim").unwrap())
        .args(words)
        .current_dir(folder)
        .kill_on_drop(true)
        .output()
        .await
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (done.status.success(), text(done.stdout), text(done.stderr))
}

pub fn events(folder: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(folder.join("events.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn bots_play_the_tutorial_through_the_gateway_and_the_report_is_rebuilt_from_the_log() {
    let work = tempfile::tempdir().unwrap();
    let run =
        ["drill", "run", "--scenario", "tutorial", "--bots", "--headless", "--out", "d", "--json"];
    let (good, out, error) = sim(work.path(), &run).await;
    assert!(good, "{error}");
    let told: Value = serde_json::from_str(&out).unwrap();
    let all = &told["scores"]["all"];
    let value = |score: &str| {
        all[score]["numerator"].as_f64().unwrap() / all[score]["denominator"].as_f64().unwrap()
    };
    assert!(value("recall") >= 0.5 && value("precision") >= 0.5, "{all}");
    assert!(value("coverage") > 0.0 && value("over_collection") < 1.0, "{all}");
    assert_eq!(value("answered"), 1.0, "{all}");
    what_left_is_what_the_gateways_log_says(&events(&work.path().join("d")));

    let page = std::fs::read(work.path().join("d/report/report.html")).unwrap();
    let (good, out, error) = sim(work.path(), &["drill", "replay", "d", "--out", "again"]).await;
    assert!(good && out.contains("each chained to the one before"), "{out}{error}");
    assert_eq!(std::fs::read(work.path().join("again/report.html")).unwrap(), page);

    // A folder is never played in twice, and a log that was touched gives no report.
    let (good, _, error) = sim(work.path(), &run).await;
    assert!(!good && error.contains("d is there already"), "{error}");
    let path = work.path().join("d/events.jsonl");
    let log = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, log.replacen("\"decision\":\"release\"", "\"decision\":\"hold\"", 1))
        .unwrap();
    let (good, _, error) = sim(work.path(), &["drill", "report", "d"]).await;
    assert!(!good && error.contains("does not follow from the lines before it"), "{error}");
}

/// Every question that brought records is a disclosure of as many records to whoever asked, in the log of the gateway.
fn what_left_is_what_the_gateways_log_says(events: &[Value]) {
    let (mut asked, mut disclosed) = (BTreeMap::new(), BTreeMap::new());
    for event in events {
        let what = &event["what"];
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        match what["kind"].as_str().unwrap() {
            "asked" => {
                let came = &what["answer"]["records"];
                if let Some(count) = came["count"].as_u64().filter(|count| *count > 0) {
                    let key = (text(&came["exchange"]), text(&event["by"]), text(&what["of"]));
                    *asked.entry(key).or_insert(0) += count;
                }
            }
            "disclosed" => {
                let key = (text(&what["exchange"]), text(&what["to"]), text(&what["from"]));
                *disclosed.entry(key).or_insert(0) += what["records"].as_u64().unwrap();
            }
            _ => {}
        }
    }
    assert!(asked.len() > 5, "{asked:?}");
    assert_eq!(asked, disclosed);
    let last = &events.last().unwrap()["what"];
    assert_eq!(last["kind"], "ended");
    assert!(last["entries"].as_u64().unwrap() as usize >= 2 * asked.len(), "{last}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_says_what_will_be_played_and_mistakes_say_where() {
    let work = tempfile::tempdir().unwrap();
    let (good, out, error) =
        sim(work.path(), &["drill", "check", "--scenario", "five-agencies", "--plot-only"]).await;
    assert!(
        good && out.contains("nv-licensing") && out.contains("T23") && out.contains("in reserve"),
        "{out}{error}"
    );
    let (good, out, _) = sim(work.path(), &["drill", "msel", "--scenario", "tutorial"]).await;
    assert!(good && out.starts_with("number,time,kind,"), "{out}");
    for (words, part) in [
        (&["drill", "run", "--scenario", "none", "--out", "x"][..], "none/scenario.toml"),
        (
            &["drill", "run", "--scenario", "tutorial", "--out", "x", "--bots", "clever"],
            "no bot `clever`",
        ),
        (
            &["drill", "run", "--scenario", "tutorial", "--out", "x", "--bots", "xx-customs=good"],
            "no team `xx-customs`",
        ),
        (&["drill", "replay", "x"], "events.jsonl"),
        (&["drill", "run", "--out", "x"], "<--scenario <SCENARIO>|--join <FILE>>"),
    ] {
        let (good, _, error) = sim(work.path(), words).await;
        assert!(!good && error.contains(part), "{words:?}: {error}");
    }
    assert!(std::fs::read_dir(work.path()).unwrap().next().is_none(), "nothing is left behind");
}

/// No file may grow beyond a megabyte: the agencies' databases do not fit. A disk that is full says the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_drill_that_cannot_be_made_leaves_no_folder_and_a_check_that_is_given_up_neither() {
    let work = tempfile::tempdir().unwrap();
    let program = portcullis_tests::binary("portcullis-sim").unwrap();
    for people in ["--bots --headless", "--people all"] {
        // Ignored, the signal of the limit leaves an error of the write.
        let line = format!(
            "trap '' XFSZ; ulimit -f 1024; exec '{}' drill run --scenario tutorial {people} --out d",
            program.display()
        );
        let done = tokio::process::Command::new("bash")
            .args(["-c", &line])
            .current_dir(work.path())
            .kill_on_drop(true)
            .output()
            .await
            .unwrap();
        let error = String::from_utf8(done.stderr).unwrap();
        assert!(!done.status.success() && error.starts_with("portcullis-sim: "), "{error}");
        assert!(!work.path().join("d").exists(), "{error}");
    }
    let mut check = tokio::process::Command::new(&program)
        .args(["drill", "check", "--scenario", "tutorial", "--certify"])
        .env("TMPDIR", work.path())
        .stdout(std::process::Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let begun = async {
        while std::fs::read_dir(work.path()).unwrap().next().is_none() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(120), begun).await.unwrap();
    let id = check.id().unwrap().to_string();
    let kill = tokio::process::Command::new("kill").args(["-INT", &id]).status().await.unwrap();
    assert!(kill.success());
    let ended = tokio::time::timeout(Duration::from_secs(20), check.wait()).await;
    assert_eq!(ended.unwrap().unwrap().code(), Some(130));
    assert!(std::fs::read_dir(work.path()).unwrap().next().is_none(), "nothing is left behind");
}

/// Every case that is played: no agency alone sees it, and together they do, through what the gateway shows them.
#[tokio::test(flavor = "multi_thread")]
async fn the_tutorial_is_certified_under_the_policy_of_its_own_gateway() {
    let work = tempfile::tempdir().unwrap();
    let check = ["drill", "check", "--scenario", "tutorial", "--certify", "--json"];
    let (good, out, error) = sim(work.path(), &check).await;
    assert!(good, "{error}");
    let told: Value = serde_json::from_str(&out).unwrap();
    let cases = told["cases"].as_array().unwrap();
    assert!(cases.len() >= 5, "{}", cases.len());
    let all = serde_json::json!(cases.len());
    assert_eq!((&told["certified_raw"], &told["certified"]), (&all, &all), "{out}");
    for case in cases.iter().map(|case| &case["certificate"]) {
        assert!(case["solo"]["posterior"].as_f64().unwrap() < 0.2, "{case}");
        assert!(case["joint"]["posterior"].as_f64().unwrap() > 0.9, "{case}");
        assert!(case["policy"][0]["posterior"].as_f64().unwrap() > 0.9, "{case}");
    }
}
