//! The harness of the benchmarks itself: every server starts, answers in full and is gone afterwards. What it
//! measures in this profile means nothing.

use std::process::Command;

#[test]
fn the_live_bench_runs_and_leaves_nothing_behind() {
    let own = std::path::Path::new(env!("CARGO_BIN_EXE_portcullis-bench"));
    let folder = tempfile::tempdir().unwrap();
    let json = folder.path().join("live.json");
    let gateway = std::env::var_os("PORTCULLIS_BIN")
        .map_or_else(|| own.with_file_name("portcullis"), std::path::PathBuf::from);
    let done = Command::new(own)
        .args(["live", "--smoke", "--json", json.to_str().unwrap(), "--gateway"])
        .arg(gateway)
        .env("TMPDIR", folder.path())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{told}");
    let report: serde_json::Value = serde_json::from_slice(&std::fs::read(&json).unwrap()).unwrap();
    let rows = report["rows"].as_array().unwrap();
    for load in ["small x1", "small x64", "stream x1", "stream x8"] {
        let of = |server: &str| {
            rows.iter()
                .find(|row| row["load"] == load && row["server"] == server)
                .unwrap_or_else(|| panic!("no row of {server} under {load}"))
        };
        for peer in ["byte proxy", "floor"] {
            assert!(of(peer)["queries"].as_u64().unwrap() > 0, "{peer}");
        }
        for plan in ["half withheld", "all keep", "five pseudonyms"] {
            let row = of(&format!("gateway, {plan}"));
            assert!(row["queries"].as_u64().unwrap() > 0, "{row}");
            assert!(row["cpu_ratio_to_byte_proxy"].as_f64().unwrap() > 0.0, "{row}");
        }
        // Fewer bytes where half is withheld, more where tokens stand for what was short.
        let bytes =
            |plan: &str| of(&format!("gateway, {plan}"))["bytes_received_per_query"].as_u64();
        assert!(bytes("half withheld") < bytes("all keep"), "{load}");
        assert!(bytes("all keep") < bytes("five pseudonyms"), "{load}");
        // What the floor leaves out is neither the source's work nor the redactor's.
        let of = |server: &str| of(server)["bytes_received_per_query"].as_u64();
        assert!(of("floor") < of("byte proxy") && of("floor") > Some(0), "{load}");
    }
    // The folder of the exchange, keys included, is gone.
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().flatten().collect();
    assert_eq!(left.len(), 1, "{left:?}");
    // And so is every process: each carries the folder's path in its command line.
    let path = folder.path().to_str().unwrap();
    let alive = |process: &std::fs::DirEntry| {
        let words = std::fs::read(process.path().join("cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&words).contains(path)
    };
    let left: Vec<_> = std::fs::read_dir("/proc").unwrap().flatten().filter(alive).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn the_bench_of_recipients_finds_what_it_disclosed() {
    let done = Command::new(env!("CARGO_BIN_EXE_portcullis-bench"))
        .args(["recipients", "--entries", "300", "--wanted", "7", "--full"])
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success(), "{told} {}", String::from_utf8_lossy(&done.stderr));
    for line in ["wanted: 7 disclosures found", "never: 0", "without the index: 7"] {
        assert!(told.contains(line), "no `{line}` in {told}");
    }
}
