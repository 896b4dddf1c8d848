//! The samples for job runners make parts that are a whole, and DuckDB reads them.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::folder::{done, files, generate, program};

const SIZE: u64 = 1_000;

fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("jobs").join(name)
}

/// A sample, run where the program is on the path and the world is a small one.
fn script(path: &Path) -> Command {
    let mut command = Command::new("bash");
    let programs = program().parent().unwrap().to_owned();
    let others = std::env::var("PATH").unwrap_or_default();
    command
        .arg(path)
        .env("PATH", format!("{}:{others}", programs.display()))
        .env("PACK", "demo")
        .env("CONSIGNMENTS", SIZE.to_string());
    command
}

fn ended(output: &Output) {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Parquet parts in a hive, made by the program alone.
fn expected(folder: &Path, parts: u64) -> PathBuf {
    let out = folder.join("expected");
    for part in 0..parts {
        let part = format!("{part}/{parts}");
        generate(&out, SIZE, &["--format", "parquet", "--layout", "hive", "--part", &part]);
    }
    done(&["join", &out.display().to_string()]);
    out
}

#[test]
fn the_local_script_makes_a_whole_world() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("world");
    let run = || {
        let mut command = script(&sample("local.sh"));
        command.arg(&out).env("PARTS", "3").env("JOBS", "2").output().unwrap()
    };
    ended(&run());
    let first = files(&out);
    assert!(first == files(&expected(folder.path(), 3)));
    ended(&run());
    assert!(files(&out) == first, "a second run");
}

#[test]
fn each_task_of_the_slurm_array_makes_its_part() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("world");
    let text = std::fs::read_to_string(sample("slurm.sbatch")).unwrap();
    let option = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(&format!("#SBATCH --{name}=")));
        line.unwrap().to_owned()
    };
    let (first, last) =
        option("array").split_once('-').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    let count = last.parse::<u64>().unwrap() + 1;
    assert_eq!(first, "0");
    for task in 0..count {
        let output = script(&sample("slurm.sbatch"))
            .env("SLURM_ARRAY_TASK_ID", task.to_string())
            .env("SLURM_ARRAY_TASK_COUNT", count.to_string())
            .env("SLURM_CPUS_PER_TASK", option("cpus-per-task"))
            .env("WORLD", &out)
            .output()
            .unwrap();
        ended(&output);
    }
    done(&["join", &out.display().to_string()]);
    assert!(files(&out) == files(&expected(folder.path(), count)));
}

fn python() -> Option<PathBuf> {
    let found = std::env::var_os("PORTCULLIS_PYTHON").map(PathBuf::from);
    if found.is_none() {
        println!("skipped: no PORTCULLIS_PYTHON; tests/run.sh sets it");
    }
    found
}

#[test]
fn each_index_of_the_kubernetes_job_makes_its_part() {
    let Some(python) = python() else { return };
    let read = "import json, sys, yaml; print(json.dumps(list(yaml.safe_load_all(sys.stdin))))";
    let output = Command::new(python)
        .args(["-c", read])
        .stdin(std::fs::File::open(sample("kubernetes.yaml")).unwrap())
        .output()
        .unwrap();
    ended(&output);
    let documents: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let job = &documents[0];
    assert_eq!((&job["apiVersion"], &job["kind"]), (&"batch/v1".into(), &"Job".into()));
    assert_eq!(job["spec"]["completionMode"], "Indexed");
    let pod = &job["spec"]["template"]["spec"];
    assert_eq!(pod["restartPolicy"], "Never");
    let container = &pod["containers"][0];
    let words = |name: &str| container[name].as_array().unwrap().clone();
    let line: Vec<String> = [words("command"), words("args")]
        .concat()
        .iter()
        .map(|word| word.as_str().expect("a word of the command line is a text").to_owned())
        .collect();
    assert_eq!(line[0], "portcullis-sim");
    let mount = container["volumeMounts"][0]["mountPath"].as_str().unwrap();

    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("world");
    let count = job["spec"]["completions"].as_u64().unwrap();
    for index in 0..count {
        let arguments = line[1..].iter().map(|word| match word.as_str() {
            // The volume, and a world that is small enough for a test.
            word if word == mount => out.display().to_string(),
            "default" => "demo".to_owned(),
            "10000000" => SIZE.to_string(),
            word => word.replace("$(JOB_COMPLETION_INDEX)", &index.to_string()),
        });
        done(&arguments.collect::<Vec<_>>());
    }
    done(&["join", &out.display().to_string()]);
    assert!(files(&out) == files(&expected(folder.path(), count)));
}

#[test]
fn duckdb_reads_the_parts_as_the_csv_of_one_run() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let parts = expected(folder.path(), 3);
    let text = folder.path().join("csv");
    generate(&text, SIZE, &[]);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/readback.py");
    let output = Command::new(python).arg(script).arg(&parts).arg(&text).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let found: serde_json::Value = serde_json::from_slice(&output.stdout).expect(&said);
    assert_eq!(
        (output.status.code(), &found["differ"]),
        (Some(0), &serde_json::json!([])),
        "{said}"
    );
    let tables = found["tables"].as_object().unwrap();
    assert!(tables.len() > 15, "{}", tables.len());
    let declarations = &tables["declaration"];
    assert!(declarations["rows"][0].as_u64().unwrap() > SIZE);
    // Six customs, three parts each; sums of masses, pieces and values.
    assert_eq!(declarations["files"], 18);
    assert_eq!(declarations["agencies"][0].as_array().unwrap().len(), 6);
    assert_eq!(declarations["sums"][0].as_array().unwrap().len(), 4);
}
