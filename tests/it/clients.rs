//! A client in another language, with stubs of its own from the .proto files, against the real gateway.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use portcullis::command::playground::OFFICER_KEY;
use portcullis_tests::Exchange;
use serde_json::{Value, json};

const QUERY: [&str; 12] = [
    "--record-type",
    "portcullis.record.v1.Declaration",
    "--purpose",
    "SHIPMENT_TARGETING",
    "--case",
    "CASE-2026-014",
    "--sources",
    "nv-customs",
    "--justification",
    "a test",
    "--fields",
    "*",
];

/// The interpreter with grpcio, where `tests/run.sh` made one.
fn python() -> Option<PathBuf> {
    let found = std::env::var_os("PORTCULLIS_PYTHON").map(PathBuf::from);
    if found.is_none() {
        println!("skipped: no PORTCULLIS_PYTHON; tests/run.sh sets it");
    }
    found
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("clients/python").join(name)
}

/// The configuration of a Python client for one system.
fn config(exchange: &Exchange, agency: &str, system: &str) -> PathBuf {
    let certificates = &exchange.world.exchange;
    let identity = certificates.identity(agency, system).unwrap();
    let config = json!({
        "address": exchange.gateway.address.to_string(),
        "server_name": "localhost",
        "trust_bundle": certificates.agency(&certificates.gateway_agency).unwrap().ca,
        "certificate": identity.certificate,
        "key": identity.key,
    });
    let path = exchange.world.dir.join(format!("{agency}-{system}.json"));
    std::fs::write(&path, config.to_string()).unwrap();
    path
}

/// Runs a script; its exit status and its document.
async fn run(python: &Path, name: &str, arguments: &[&str]) -> (i32, Value) {
    let output = tokio::process::Command::new(python)
        .arg(script(name))
        .args(arguments)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    let document = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!("{error}: {}\n{told}", String::from_utf8_lossy(&output.stdout))
    });
    (output.status.code().unwrap(), document)
}

#[tokio::test(flavor = "multi_thread")]
async fn python_asks_and_checks_what_it_is_told() {
    let Some(python) = python() else { return };
    let exchange = Exchange::sample().await.unwrap();
    let config = config(&exchange, "sm-customs", "targeting");
    let filter = json!({"prefix": {"path": "items.hs_code", "prefix": "85"}}).to_string();
    let mut arguments = vec!["all", config.to_str().unwrap(), "--show-records", "--where", &filter];
    arguments.extend(QUERY);
    let (status, document) = run(&python, "portcullis_client.py", &arguments).await;
    assert_eq!(status, 0, "{document:#}");

    let me = &document["whoami"];
    assert_eq!(me["spiffe_id"], exchange.world.exchange.spiffe_id("sm-customs", "targeting"));
    assert_eq!((&me["agency"], &me["country"]), (&json!("sm-customs"), &json!("XS")));
    assert_eq!(me["log_public_key"], exchange.gateway.log_public_key.as_str());

    // The client read these out of the custom option; the script compares them with the listed leaves.
    let labels = &document["labels"]["portcullis.record.v1.Declaration"];
    assert_eq!(labels["ucr"], json!(["REFERENCE", "OFFICIAL", "IDENTIFIER"]));
    assert!(labels.as_object().unwrap().len() > 50, "{labels:#}");

    let explained = &document["explain"];
    assert_eq!(explained["allowed"], true);
    assert_eq!(explained["agreement_id"], "maa-norvia-solmark");
    let fields = &explained["plans"][0]["fields"];
    assert_eq!(fields["importer.id"]["treatment"], "pseudonymise", "{fields:#}");
    assert_eq!(fields["items.value"]["treatment"], "generalise:band");
    assert_eq!(fields["officer_remarks"]["treatment"], "withhold");

    let answer = &document["query"];
    assert_eq!(answer["header"]["query_digest"], answer["query_digest"]);
    assert_eq!(explained["query_digest"], answer["query_digest"]);
    let released = answer["released"].as_array().unwrap();
    assert!(!released.is_empty());
    assert_eq!(answer["records"], released.len());
    for record in released {
        let payload = &record["payload"];
        let codes = payload["items"].as_array().unwrap();
        assert!(codes.iter().any(|item| item["hs_code"].as_str().unwrap().starts_with("85")));
        assert!(payload.get("officer_remarks").is_none() && payload.get("id").is_none());
        let token = payload["importer"]["id"].as_str().unwrap();
        assert!(token.len() > 20, "{token}");
    }
    let status = &answer["statuses"][0];
    assert_eq!(status["completeness"], "COMPLETENESS_COMPLETE", "{status:#}");
    assert_eq!(answer["receipt"]["verified"]["origin"], me["gateway"]);

    // The receipt alone, by the verifier alone.
    let receipt = exchange.world.dir.join("receipt.json");
    std::fs::write(&receipt, answer["receipt"]["proof"].to_string()).unwrap();
    let key = exchange.gateway.log_public_key.clone();
    let arguments = ["--key", key.as_str(), receipt.to_str().unwrap()];
    let (status, proved) = run(&python, "verify_receipt.py", &arguments).await;
    assert_eq!((status, &proved["verified"]), (0, &json!(true)), "{proved:#}");
    let mut forged = answer["receipt"]["proof"].clone();
    forged["index"] = json!(forged["index"].as_u64().unwrap() ^ 1);
    std::fs::write(&receipt, forged.to_string()).unwrap();
    let (status, proved) = run(&python, "verify_receipt.py", &arguments).await;
    assert_eq!((status, &proved["verified"]), (1, &json!(false)), "{proved:#}");
    exchange.shut_down().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn python_mints_an_officers_token_and_uses_it() {
    let Some(python) = python() else { return };
    let exchange = Exchange::sample().await.unwrap();
    let config = config(&exchange, "sm-customs", "targeting");
    let key = exchange.world.dir.join("keys/sm-customs.officers.key");
    let mut arguments = vec!["query", config.to_str().unwrap(), "--officer", "o.lund"];
    arguments.extend(["--officer-kid", OFFICER_KEY, "--officer-key", key.to_str().unwrap()]);
    arguments.extend(QUERY);
    let (status, document) = run(&python, "portcullis_client.py", &arguments).await;
    assert_eq!(status, 0, "{document:#}");
    // The gateway knows the key by another name: the token must have been looked at.
    let at = arguments.iter().position(|word| *word == OFFICER_KEY).unwrap();
    arguments[at] = "2027-1";
    let (status, document) = run(&python, "portcullis_client.py", &arguments).await;
    assert_eq!(status, 1, "{document:#}");
    assert_eq!(document["error"]["reason"], "OFFICER_TOKEN_KEY_UNKNOWN");
    exchange.shut_down().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn python_hears_the_reason_of_a_refusal() {
    let Some(python) = python() else { return };
    let exchange = Exchange::sample().await.unwrap();
    let config = config(&exchange, "sm-police", "desk");
    let mut arguments = vec!["query", config.to_str().unwrap()];
    arguments.extend(QUERY);
    arguments.extend(["--case", "OP-LANTERN"]);
    let (status, document) = run(&python, "portcullis_client.py", &arguments).await;
    assert_eq!(status, 1, "{document:#}");
    let error = &document["error"];
    assert_eq!(error["code"], "PERMISSION_DENIED", "{document:#}");
    assert_eq!(error["reason"], "PURPOSE_NOT_PERMITTED", "{document:#}");
    exchange.shut_down().await.unwrap();
}
