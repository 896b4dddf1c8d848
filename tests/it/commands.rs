//! The binary as its users meet it: what it prints, how it ends, and what it says when something is wrong.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::time::Duration;

use portcullis_tests::binary;
use serde_json::Value;

fn command(words: &[&str]) -> Command {
    let mut command = Command::new(binary("portcullis").unwrap());
    command.args(words).stdin(Stdio::null());
    command
}

/// Runs a command that ends by itself.
fn run(words: &[&str]) -> Said {
    let mut child = command(words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let id = child.id().to_string();
    // A command that stays up instead (a mistake that was not seen) must not hold the test for ever.
    let (done, ended) = std::sync::mpsc::channel::<()>();
    let watch = std::thread::spawn(move || {
        let late = ended.recv_timeout(Duration::from_secs(60)).is_err();
        late && Command::new("kill").args(["-s", "KILL", &id]).status().is_ok()
    });
    let mut output = Output { status: Default::default(), stdout: vec![], stderr: vec![] };
    let mut err = child.stderr.take().unwrap();
    let reader = std::thread::spawn(move || {
        let mut bytes = vec![];
        err.read_to_end(&mut bytes).map(|_| bytes).unwrap()
    });
    child.stdout.take().unwrap().read_to_end(&mut output.stdout).unwrap();
    output.stderr = reader.join().unwrap();
    output.status = child.wait().unwrap();
    let _ = done.send(());
    assert!(!watch.join().unwrap(), "{words:?} did not end by itself");
    Said::of(output)
}

/// What a command said, and its status.
struct Said {
    code: i32,
    out: String,
    err: String,
}

impl Said {
    /// Nothing that a command prints into a pipe may be meant for a terminal, and nothing may be a panic.
    fn of(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let said = Self {
            code: output.status.code().expect("ended by a signal"),
            out: text(output.stdout),
            err: text(output.stderr),
        };
        assert!(!said.out.contains('\u{1b}') && !said.err.contains('\u{1b}'), "escape codes");
        assert!(!said.err.contains("panicked"), "{}", said.err);
        said
    }

    #[track_caller]
    fn code(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}\n{}", self.out, self.err);
        self
    }

    #[track_caller]
    fn says(self, part: &str) -> Self {
        assert!(self.out.contains(part), "no `{part}` in:\n{}\n{}", self.out, self.err);
        self
    }

    /// A failure told in few words on standard error.
    #[track_caller]
    fn complains(self, parts: &[&str]) -> Self {
        for part in parts {
            assert!(self.err.contains(part), "no `{part}` in: {}\n{}", self.err, self.out);
        }
        self
    }
}

/// A command that stays up.
struct Up {
    child: Child,
    out: BufReader<ChildStdout>,
    line: String,
}

impl Up {
    fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        Self { child, out, line }
    }

    fn signal(&self, name: &str) {
        signal(&self.child, name);
    }

    /// Waits for it, not for ever.
    fn end(mut self) -> Said {
        let status = wait(&mut self.child);
        let mut output = Output { status, stdout: vec![], stderr: vec![] };
        self.out.read_to_end(&mut output.stdout).unwrap();
        self.child.stderr.take().unwrap().read_to_end(&mut output.stderr).unwrap();
        Said::of(output)
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args(["-s", name, &child.id().to_string()]).status();
    assert!(sent.unwrap().success());
}

fn wait(child: &mut Child) -> std::process::ExitStatus {
    for _ in 0..1_500 {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("it does not end");
}

fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

/// A whole exchange in a folder, its processes gone: configuration, keys, certificates, samples.
fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    run(&["playground", "--once", "--json", "--dir", &text(dir.path())]).code(0);
    dir
}

fn is_empty(dir: &Path) -> bool {
    std::fs::read_dir(dir).unwrap().next().is_none()
}

#[test]
fn the_playground_shows_every_treatment_a_denial_and_a_sound_log() {
    let dir = tempfile::tempdir().unwrap();
    let mut once = command(&["playground", "--once"]);
    let said = Said::of(once.env("TMPDIR", dir.path()).output().unwrap()).code(0);
    for part in [
        "ALLOW",
        "withhold",
        "generalise to day",
        "generalise to band",
        "mask",
        "pseudonymise",
        "presence",
        "(has a value)",
        "DENY PURPOSE_NOT_PERMITTED",
        "FIELD_NOT_USABLE",
        "explained: for INVESTIGATION it would be allowed",
        "DENY BUDGET_EXHAUSTED",
        ": sound, ",
        "All went as it should.",
    ] {
        assert!(said.out.contains(part), "no `{part}` in:\n{}", said.out);
    }
    assert_eq!(said.err, "");
    assert!(is_empty(dir.path()), "it left something behind");
}

#[test]
fn a_playground_that_stays_up_can_be_asked_explained_and_verified() {
    let dir = tempfile::tempdir().unwrap();
    let up = Up::start(command(&["playground", "--json", "--dir", &text(dir.path())]));
    let ready: Value = serde_json::from_str(&up.line).unwrap();
    for key in
        ["address", "admin_address", "server_name", "trust_bundle", "log_public_key", "store"]
    {
        assert!(ready["gateway"][key].is_string(), "gateway.{key}: {ready}");
    }
    for (list, keys) in [
        ("identities", &["name", "agency", "role", "spiffe_id", "certificate", "key"][..]),
        ("sources", &["agency", "address", "record_types"]),
        ("sample_queries", &["identity", "record_type", "where", "purpose", "case", "expect"]),
    ] {
        for entry in ready[list].as_array().unwrap() {
            for key in keys {
                assert!(!entry[key].is_null(), "{list}: no {key} in {entry}");
            }
        }
    }
    assert!(ready["agreements"].as_array().unwrap().len() >= 4);
    assert!(ready["cases"].as_array().unwrap().contains(&"OP-LANTERN".into()));
    let store = ready["gateway"]["store"].as_str().unwrap();
    let log_key = ready["gateway"]["log_public_key"].as_str().unwrap();
    let profile = text(&dir.path().join("profiles/sm-customs-targeting.toml"));
    let words = |verb: &'static str, more: &[&'static str]| {
        let mut words = vec![verb, "--profile", &profile, "Declaration"];
        words.extend(["--purpose", "SHIPMENT_TARGETING", "--case", "CASE-2026-014"]);
        words.extend(more);
        run(&words)
    };
    let electronics = ["--where", "items.hs_code prefix 85", "--from", "nv-customs"];
    let ask =
        |format: &'static str| words("query", &[&electronics[..], &["--format", format]].concat());

    // What of the sample data Solmark may have, read without the gateway.
    let samples = csv::Reader::from_path(dir.path().join("samples/nv-customs/declarations.csv"));
    let mut samples = samples.unwrap();
    let header = samples.headers().unwrap().clone();
    let mut wanted = 0;
    for row in samples.records().map(Result::unwrap) {
        let cell = |name: &str| row[header.iter().position(|one| one == name).unwrap()].to_owned();
        let electronic = ["HS", "HS 2"].iter().any(|name| cell(name).starts_with("85"));
        let releasable = cell("Releasable");
        let ours = releasable.is_empty() || releasable.contains("sm-customs");
        wanted += usize::from(electronic && ours && cell("Compartments").is_empty());
    }
    assert!((15..60).contains(&wanted), "{wanted}");

    // Three formats of one answer.
    let table = ask("table").code(0);
    assert!(table.out.contains(&format!("{wanted} records")), "{}", table.out);
    let json = ask("json").code(0);
    let answer: Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(answer["records"].as_array().unwrap().len(), wanted);
    assert_eq!(answer["complete"], true);
    let csv = ask("csv").code(0);
    let mut rows = csv::Reader::from_reader(csv.out.as_bytes());
    let codes = rows.headers().unwrap().iter().position(|name| name == "items.hs_code").unwrap();
    let rows: Vec<_> = rows.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), wanted);
    assert!(rows.iter().all(|row| table.out.contains(&row[codes].replace(';', "; "))));
    // Several items in one cell, of which one matched.
    assert!(rows.iter().all(|row| row[codes].split(';').any(|code| code.starts_with("85"))));

    // What would I see, and what would I not.
    words("explain", &[]).code(0).says("items.value").says("REDUCED_BY_AGREEMENT");
    let explained = words("explain", &["--format", "json"]).code(0);
    let explained: Value = serde_json::from_str(&explained.out).unwrap();
    assert_eq!(explained["allowed"], true);
    let denied = |verb| {
        run(&[verb, "--profile", &profile, "Declaration", "--purpose", "JUDICIAL_USE"]).code(1)
    };
    denied("query").complains(&["refused: "]);
    denied("explain").says("refused: ");
    words("query", &["--where", "officer_remarks prefix a"])
        .code(1)
        .complains(&["refused: FIELD_NOT_USABLE", "`officer_remarks`"]);

    // The log, by anyone who has the file and the key.
    let verify = |more: &[&str]| {
        let mut words = vec!["audit", "verify", "--store", store];
        words.extend(more);
        run(&words)
    };
    verify(&["--log-key", log_key]).code(0).says("the log is sound");
    let key_file = dir.path().join("log.pub");
    std::fs::write(&key_file, format!("{log_key}\n")).unwrap();
    let report = verify(&["--log-key", &text(&key_file), "--json"]).code(0);
    let report: Value = serde_json::from_str(&report.out).unwrap();
    assert_eq!(report["sound"], true);
    assert!(report["denials"].as_u64().unwrap() >= 2);

    // The receipt, in the answer or alone.
    let whole = dir.path().join("answer.json");
    std::fs::write(&whole, &json.out).unwrap();
    let alone = dir.path().join("receipt.json");
    std::fs::write(&alone, answer["receipt"].to_string()).unwrap();
    for path in [&whole, &alone] {
        verify(&["--log-key", log_key, "--receipt", &text(path)])
            .code(0)
            .says("holds the receipt's entry");
    }
    let mut forged = answer["receipt"].clone();
    let index = forged["proof"]["index"].as_u64().unwrap();
    forged["proof"]["index"] = (index - 1).into();
    std::fs::write(&alone, forged.to_string()).unwrap();
    verify(&["--log-key", log_key, "--receipt", &text(&alone)]).code(1).says("WRONG ");
    std::fs::write(&alone, "{}").unwrap();
    verify(&["--log-key", log_key, "--receipt", &text(&alone)])
        .code(1)
        .complains(&["receipt.json` is no receipt"]);

    // A key of another log, and texts that are none.
    let name = log_key.split('+').next().unwrap();
    let other = run(&["keys", "gateway", &text(&dir.path().join("other")), "--name", name]).code(0);
    let other = other.out.trim().rsplit(' ').next().unwrap().to_owned();
    verify(&["--log-key", &other]).code(1).says("WRONG ");
    verify(&["--log-key", "nonsense"]).code(1).complains(&["`nonsense` is neither a log key nor"]);
    run(&["audit", "verify", "--store", "/no/store", "--log-key", log_key])
        .code(1)
        .complains(&["there is no store `/no/store`"]);

    // Who may read what of it.
    let list = |more: &[&str]| {
        let mut words = vec!["audit", "list", "--store", store];
        words.extend(more);
        run(&words)
    };
    let sealed = list(&[]).code(0).says("INTENT").says("sealed");
    assert!(!sealed.out.contains("CASE-2026-014"), "{}", sealed.out);
    let key = |name: &str| text(&dir.path().join("keys").join(name));
    let own = key("nv-customs.audit.key");
    list(&["--agency", "nv-customs", "--key", &own])
        .code(0)
        .says(&format!("{wanted} records of nv-customs"))
        .says("case CASE-2026-014");
    list(&["--key", &key("audit.key")]).code(0).says("PURPOSE_NOT_PERMITTED");
    let stranger = list(&["--agency", "vl-fiu", "--key", &key("vl-fiu.audit.key")]);
    assert!(!stranger.out.contains("nv-customs"), "{}", stranger.out);
    list(&["--agency", "nv-customs", "--key", &key("sm-customs.audit.key")])
        .code(1)
        .complains(&["opens nothing of"]);
    list(&["--exchange", "zz"]).code(1).complains(&["`zz` is no exchange id"]);
    let lines = list(&["--agency", "nv-customs", "--key", &own, "--json"]).code(0);
    assert!(lines.out.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()));

    // Words that make no sense, before and after the gateway was asked.
    let usage = |words: &[&str], parts: &[&str]| run(words).code(2).complains(parts);
    usage(&["query", "--profile", &profile], &["<TYPE>", "Usage: "]);
    usage(&["nonsense"], &["nonsense"]);
    words("query", &["--where", "offise = 1"]).code(2).complains(&["did you mean `office`", "^^^"]);
    words("query", &["--fields", "nope"]).code(2).complains(&["has no field `nope`"]);
    run(&["query", "--profile", &profile, "Declration", "--purpose", "INVESTIGATION"])
        .code(2)
        .complains(&["Declration"]);
    run(&["query", "--profile", "/no/profile", "Declaration", "--purpose", "INVESTIGATION"])
        .code(1)
        .complains(&["/no/profile", "No such file"]);

    // A reader that has seen enough.
    for format in ["table", "json", "csv"] {
        let mut head = command(&["query", "--profile", &profile, "Declaration"]);
        head.args(["--purpose", "SHIPMENT_TARGETING", "--case", "CASE-2026-014"]);
        head.args(["--format", format]).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = head.spawn().unwrap();
        drop(child.stdout.take());
        let status = wait(&mut child);
        let mut err = String::new();
        child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
        assert_eq!((status.code(), err.as_str()), (Some(0), ""), "{format}");
    }
    let mut full = command(&["audit", "list", "--store", store]);
    full.stdout(std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap());
    Said::of(full.output().unwrap()).code(1).complains(&["No space left on device"]);

    // The end: the folder was named, so it stays; nobody answers any more.
    up.signal("TERM");
    let ended = up.end().code(0);
    assert_eq!(ended.err, "");
    ask("table").code(1).complains(&["failed: GATEWAY_UNREACHABLE"]);
    let failed = ask("json").code(1);
    let failed: Value = serde_json::from_str(&failed.out).unwrap();
    assert_eq!(failed["failure"]["reason"], "GATEWAY_UNREACHABLE");

    // A store that somebody changed.
    verify(&["--log-key", log_key]).code(0);
    let mut bytes = std::fs::read(store).unwrap();
    let leaf = answer["receipt"]["proof"]["leaf"].as_str().unwrap();
    let leaf = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, leaf).unwrap();
    let at = bytes.windows(leaf.len()).position(|window| window == leaf).unwrap();
    bytes[at + leaf.len() - 1] ^= 1;
    std::fs::write(store, bytes).unwrap();
    verify(&["--log-key", log_key]).code(1).says("WRONG ");
    std::fs::write(store, "nothing of the kind").unwrap();
    verify(&["--log-key", log_key]).code(1).says("WRONG STORE_UNREADABLE");
}

#[test]
fn signals_end_the_playground_and_nothing_of_it_stays() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["INT", "TERM"] {
        let mut words = command(&["playground", "--json"]);
        let up = Up::start({
            words.env("TMPDIR", dir.path());
            words
        });
        assert!(!is_empty(dir.path()));
        up.signal(name);
        assert_eq!(up.end().code(0).err, "");
        assert!(is_empty(dir.path()), "{name}: it left something behind");

        // In the midst of the samples, and while everything is still being brought up.
        let mut early = command(&["playground"]);
        let mut child = early.env("TMPDIR", dir.path()).stdout(Stdio::null()).spawn().unwrap();
        for _ in 0..4_000 {
            if !is_empty(dir.path()) {
                break;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        std::thread::sleep(Duration::from_millis(50));
        signal(&child, name);
        assert_eq!(wait(&mut child).code(), Some(0), "{name}");
        assert!(is_empty(dir.path()), "{name}: it left something behind, early");
    }
}

#[test]
fn the_playground_refuses_folders_it_cannot_use() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("mine.txt"), "mine").unwrap();
    run(&["playground", "--once", "--dir", &text(dir.path())])
        .code(1)
        .complains(&["--dir: ", "is not empty"]);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    run(&["playground", "--once", "--dir", &text(&dir.path().join("mine.txt/below"))])
        .code(1)
        .complains(&["cannot make ", "mine.txt/below"]);
    run(&["playground", "--once", "--dir", "/proc/portcullis"])
        .code(1)
        .complains(&["cannot make /proc/portcullis"]);
    run(&["playground", "--once", "--data", &text(dir.path())])
        .code(1)
        .complains(&["--data: there is no ", "df_syn_train_eng.csv"]);

    // A disk that is full.
    let small = dir.path().join("small");
    std::fs::create_dir(&small).unwrap();
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=128k", "tmpfs", &text(&small)])
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !mounted {
        println!("skipped: no right to mount a small disk");
        return;
    }
    let said = run(&["playground", "--once", "--dir", &text(&small.join("x"))]);
    assert!(Command::new("umount").arg(&small).status().unwrap().success());
    said.code(1).complains(&["portcullis: "]);
}

#[test]
fn serve_names_what_is_wrong_and_drains_when_told_to_stop() {
    let sample = run(&["serve", "--sample"]).code(0);
    let parsed: toml::Table = sample.out.parse().unwrap();
    assert!(parsed.contains_key("listen") && parsed.contains_key("agencies"));
    let dir = folder();
    let path = dir.path().join("mine.toml");
    let serve = |text_of: &str| {
        std::fs::write(&path, text_of).unwrap();
        run(&["serve", "--config", &text(&path)]).code(1)
    };
    // The sample is whole: what is missing are the files that it names.
    let missing = serve(&sample.out);
    missing.complains(&["cannot read ", "types/permit.binpb", "No such file"]);

    let good = std::fs::read_to_string(dir.path().join("gateway.toml")).unwrap();
    let changed = |from: &str, to: &str| {
        assert!(good.contains(from), "{from}");
        serve(&good.replacen(from, to, 1)).complains(&["mine.toml"]).err
    };
    for (from, to, parts) in [
        ("admin_listen = ", "admin_lisen = ", &["unknown field `admin_lisen`", "line"][..]),
        ("environment = \"EXERCISE\"", "environment = \"PLAY\"", &["`environment`", "PRODUCTION"]),
        ("admin_listen = \"127.0.0.1:0\"", "admin_listen = \"0.0.0.0:0\"", &["`admin_listen`"]),
        (
            "country = \"XN\"",
            "country = \"Norvia\"",
            &["`agencies[0].country`", "two capital letters"],
        ),
        (
            "max_sensitivity = \"CONFIDENTIAL\"",
            "max_sensitivity = \"HIGH\"",
            &["`agencies[0].max_sensitivity`"],
        ),
        ("store = \"gateway.sqlite\"\n", "", &["missing field `store`"]),
        ("opens = \"2026-01-01T00:00:00Z\"", "opens = \"soon\"", &["`cases[0].opens`"]),
        ("name = \"", "name = ", &["line"]),
    ] {
        let err = changed(from, to);
        for part in parts {
            assert!(err.contains(part), "{to}: no `{part}` in {err}");
        }
    }
    // What the files it names lack is told with the name of that file.
    std::fs::write(&path, good.replacen("keys/log.key", "keys/none.key", 1)).unwrap();
    run(&["serve", "--config", &text(&path)]).code(1).complains(&["keys/none.key"]);
    let agreement = dir.path().join("agreements/kcs-pcs.toml");
    let terms = std::fs::read_to_string(&agreement).unwrap();
    std::fs::write(&agreement, terms.replace("\"presence\", \"withhold\"", "\"presence\""))
        .unwrap();
    let config = text(&dir.path().join("gateway.toml"));
    run(&["serve", "--config", &config]).code(1).complains(&["kcs-pcs.toml", "withhold"]);
    std::fs::write(&agreement, terms).unwrap();

    for name in ["TERM", "INT"] {
        let up = Up::start(command(&["serve", "--config", &config]));
        assert!(up.line.contains(" listens on 127.0.0.1:"), "{}", up.line);
        let log_key = up.line.trim().rsplit(' ').next().unwrap().to_owned();
        up.signal(name);
        up.end().code(0).says("draining").says("stopped; the log is closed");
        let store = text(&dir.path().join("gateway.sqlite"));
        run(&["audit", "verify", "--store", &store, "--log-key", &log_key]).code(0);
    }
    serves_unread(command(&["serve", "--config", &config]));
}

/// Nobody reads what it says: it serves all the same, and ends when told to, without a word.
fn serves_unread(mut command: Command) {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    std::thread::sleep(Duration::from_secs(2));
    assert!(child.try_wait().unwrap().is_none(), "it ended by itself");
    signal(&child, "TERM");
    let status = wait(&mut child);
    let mut err = String::new();
    child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
    assert_eq!((status.code(), err.as_str()), (Some(0), ""));
}

#[test]
fn source_names_line_and_column_of_what_it_cannot_serve() {
    let dir = tempfile::tempdir().unwrap();
    run(&["source", "--config", &text(&dir.path().join("none.toml"))])
        .code(1)
        .complains(&["none.toml", "No such file"]);
    let settings = dir.path().join("source.toml");
    std::fs::write(&settings, "agency = \"nv-customs\"\nlisten = 7\n").unwrap();
    run(&["source", "--config", &text(&settings)]).code(1).complains(&["source.toml:2: "]);

    // A whole source, one cell of which is no number.
    let folder = folder();
    let at = |name: &str| folder.path().join(name);
    let csv = at("samples/nv-customs/declarations.csv");
    let data = std::fs::read_to_string(&csv).unwrap();
    let exchange: Value =
        serde_json::from_str(&std::fs::read_to_string(at("certs/exchange.json")).unwrap()).unwrap();
    let operator = exchange["gateway_agency"].as_str().unwrap();
    let domain = exchange["trust_domain"].as_str().unwrap();
    let settings = at("source.toml");
    std::fs::write(
        &settings,
        format!(
            "agency = \"nv-customs\"\nenvironment = \"EXERCISE\"\nlisten = \"127.0.0.1:0\"\n\
             certificate = \"certs/nv-customs/source.pem\"\nkey = \"certs/nv-customs/source.key\"\n\
             id_key = \"keys/nv-customs.id.key\"\nmappings = [\"samples/nv-customs/declarations.toml\"]\n\
             trust_domain = \"{domain}\"\n[[gateway]]\n\
             spiffe_id = \"spiffe://{domain}/agency/{operator}/system/gateway\"\n\
             bundle = \"certs/{operator}/ca.pem\"\ncrl = \"certs/{operator}/crl.pem\"\n"
        ),
    )
    .unwrap();
    let words = ["source", "--config", &text(&settings)];
    let up = Up::start(command(&words));
    assert!(
        up.line.starts_with("holds 60 records of portcullis.record.v1.Declaration"),
        "{}",
        up.line
    );
    up.signal("TERM");
    up.end().code(0).says("nv-customs serves on 127.0.0.1:");

    serves_unread(command(&words));

    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(data.as_bytes());
    let mut lines: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let mass = lines[0].iter().position(|name| name == "Net kg").unwrap();
    let column = lines[0][mass].to_owned();
    let cells = lines[1].iter().enumerate();
    lines[1] = cells.map(|(at, cell)| if at == mass { "SECRETVALUE" } else { cell }).collect();
    let mut broken = csv::Writer::from_path(&csv).unwrap();
    lines.iter().for_each(|line| broken.write_record(line).unwrap());
    broken.flush().unwrap();
    let said = run(&words).code(1).complains(&["declarations.csv:2", &column]);
    assert!(!said.err.contains("SECRETVALUE"), "{}", said.err);
}

const GOOD: &str = r#"syntax = "proto3";
package example.record.v1;
import "portcullis/label/v1/label.proto";
message Permit {
  string id = 1 [(portcullis.label.v1.label) = {
    category: CATEGORY_REFERENCE sensitivity: SENSITIVITY_OFFICIAL semantic: SEMANTIC_IDENTIFIER
  }];
}
"#;

fn descriptor_set(dir: &Path, name: &str, source: &str) -> PathBuf {
    let proto = Path::new(env!("CARGO_MANIFEST_DIR")).join("../proto");
    std::fs::write(dir.join("permit.proto"), source).unwrap();
    let mut compiler = protox::Compiler::new([dir, &proto]).unwrap();
    compiler.include_imports(true).open_file("permit.proto").unwrap();
    let path = dir.join(name);
    std::fs::write(&path, compiler.encode_file_descriptor_set()).unwrap();
    path
}

#[test]
fn record_types_are_accepted_or_refused_with_the_field_at_fault() {
    let dir = tempfile::tempdir().unwrap();
    let good = text(&descriptor_set(dir.path(), "good.binpb", GOOD));
    run(&["record-type", "check", &good])
        .code(0)
        .says("example.record.v1.Permit: accepted, 1 labelled leaf\n");
    let json = run(&["record-type", "check", &good, "--json"]).code(0);
    let json: Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(json[0]["accepted"], true);
    assert_eq!(json[0]["leaves"][0]["semantic"], "IDENTIFIER");

    let bad =
        GOOD.replace("}];\n}", "}];\n  string note = 2;\n  map<string, string> extra = 3;\n}");
    let bad = text(&descriptor_set(dir.path(), "bad.binpb", &bad));
    run(&["record-type", "check", &bad])
        .code(1)
        .says("example.record.v1.Permit: refused")
        .says("note")
        .says("extra");
    let json = run(&["record-type", "check", &bad, "--json"]).code(1);
    let json: Value = serde_json::from_str(&json.out).unwrap();
    let rules: Vec<(&str, &str)> = json[0]["problems"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["field"].as_str().unwrap(), one["rule"].as_str().unwrap()))
        .collect();
    assert!(
        rules.contains(&("note", "UNLABELLED")) && rules.contains(&("extra", "MAP")),
        "{rules:?}"
    );

    run(&["record-type", "check", &good, "--name", "example.record.v1.Nothing"])
        .code(1)
        .says("NO_SUCH_MESSAGE");
    run(&["record-type", "check", "/no/file"]).code(1).complains(&["cannot read /no/file"]);
    let noise = dir.path().join("noise");
    std::fs::write(&noise, [0xff; 64]).unwrap();
    run(&["record-type", "check", &text(&noise)]).code(1).complains(&["is not a descriptor set"]);
}

#[test]
fn every_record_type_of_the_contract_is_accepted() {
    let dir = tempfile::tempdir().unwrap();
    let set = dir.path().join("contract.binpb");
    std::fs::write(&set, portcullis_proto::DESCRIPTOR_SET).unwrap();
    let json = run(&["record-type", "check", &text(&set), "--json"]).code(0);
    let json: Value = serde_json::from_str(&json.out).unwrap();
    let verdicts = json.as_array().unwrap();
    assert_eq!(verdicts.len(), 29);
    assert!(verdicts.iter().all(|verdict| verdict["accepted"] == true), "{json}");
}

#[test]
fn keys_are_never_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    let keys = dir.path().join("keys");
    let words = ["keys", "gateway", &text(&keys), "--name", "gateway.example/x"];
    run(&words).code(0).says("gateway.example/x+");
    let before: Vec<Vec<u8>> = ["log.key", "audit.key", "pseudonym.keys"]
        .map(|name| std::fs::read(keys.join(name)).unwrap())
        .to_vec();
    run(&words).code(1).complains(&["log.key"]);
    // Not even those that come after one that is gone.
    std::fs::remove_file(keys.join("log.key")).unwrap();
    run(&words).code(1).complains(&["audit.key"]);
    for (name, bytes) in ["audit.key", "pseudonym.keys"].iter().zip(&before[1..]) {
        assert_eq!(&std::fs::read(keys.join(name)).unwrap(), bytes, "{name}");
    }
    let auditor = text(&dir.path().join("me.key"));
    run(&["keys", "auditor", &auditor]).code(0).says("me.key.pub");
    run(&["keys", "auditor", &auditor]).code(1).complains(&["me.key"]);
    run(&["keys", "auditor", "/no/folder/me.key"]).code(1).complains(&["/no/folder/me.key"]);
}
