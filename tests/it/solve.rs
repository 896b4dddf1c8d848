//! A case that no agency can solve alone, solved by hand through the gateway: the simulator's world, its exchange of
//! agencies, and queries between three of them, as `simulator/README.md` shows them.

use std::process::Stdio;

use portcullis_tests::transcript::{run, steps};
use tokio::io::{AsyncBufReadExt as _, BufReader};

#[tokio::test(flavor = "multi_thread")]
async fn three_agencies_solve_by_hand_what_none_can_alone() {
    let work = tempfile::tempdir().unwrap();
    let steps =
        steps(include_str!("../../simulator/README.md"), "portcullis-sim exchange").unwrap();
    assert!(steps.len() >= 6, "{}", steps.len());
    run(&steps[0], work.path()).await.unwrap();
    // The second step stays up while the others run.
    assert!(
        steps[1].command.starts_with("portcullis playground --exchange"),
        "{}",
        steps[1].command
    );
    let mut playground =
        tokio::process::Command::new(portcullis_tests::binary("portcullis").unwrap())
            .args(["playground", "--exchange", "world", "--dir", "trial"])
            .current_dir(work.path())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
    let mut lines = BufReader::new(playground.stdout.take().unwrap()).lines();
    loop {
        let line = lines.next_line().await.unwrap().expect("the playground ended");
        if line.starts_with("The exchange stays up") {
            break;
        }
    }
    for step in &steps[2..] {
        run(step, work.path()).await.unwrap();
    }
    what_schemes_need_is_agreed(work.path()).await;
    playground.kill().await.unwrap();
}

/// The sample agreements let who has to decide see what others hold of a scheme, and in a case alone.
async fn what_schemes_need_is_agreed(work: &std::path::Path) {
    for (asks, from, record_type, field) in [
        ("sm-licensing", "sm-intelligence", "WatchlistHit", "listed_name.original"),
        ("sm-licensing", "sm-fiu", "Ownership", "owner_birth_date"),
        ("sm-licensing", "sm-fiu", "CompanyRegistryEntry", "name.original"),
        ("sm-licensing", "nv-licensing", "DenialNotification", "end_user.name.original"),
        ("sm-licensing", "vl-police", "EndUseCheck", "outcome"),
        ("vl-police", "sm-licensing", "EndUserCertificate", "stamp_reference"),
        ("nv-customs", "nv-port", "SealEvent", "seal_number"),
        ("nv-customs", "nv-port", "Weighing", "verified_gross_mass_grams"),
        ("nv-customs", "nv-coastguard", "VesselTrack", "points.silent_since"),
        ("nv-customs", "nv-licensing", "ClassificationRuling", "hs_code"),
        ("nv-customs", "vl-customs", "TransitDeclaration", "discharge_reference"),
        ("nv-coastguard", "nv-police", "VesselRegistryEntry", "former_flags"),
        ("nv-intelligence", "nv-police", "TravelEvent", "country_of_arrival"),
        ("nv-intelligence", "nv-licensing", "ExportLicence", "items.hs_code"),
    ] {
        let explain = async |case: &[&str]| {
            let output =
                tokio::process::Command::new(portcullis_tests::binary("portcullis").unwrap())
                    .args(["explain", "--profile", &format!("trial/profiles/{asks}-desk.toml")])
                    .args([record_type, "--from", from, "--purpose", "INVESTIGATION"])
                    .args(["--format", "json"])
                    .args(case)
                    .current_dir(work)
                    .output()
                    .await
                    .unwrap();
            let text = String::from_utf8(output.stdout).unwrap();
            serde_json::from_str::<serde_json::Value>(&text).expect(&text)
        };
        let allowed = explain(&["--case", "CASE-1"]).await;
        assert_eq!(allowed["allowed"], true, "{asks} {from} {record_type}: {allowed}");
        let fields = allowed["plans"][0]["fields"].as_array();
        let field = fields.and_then(|all| all.iter().find(|one| one["path"] == field));
        let treatment = field.map(|one| one["treatment"].to_string().to_lowercase());
        let treatment = treatment.unwrap_or_else(|| panic!("{record_type}: {allowed}"));
        assert!(treatment.contains("clear"), "{asks} {from} {record_type}: {treatment}");
        let refused = explain(&[]).await;
        assert_eq!(refused["allowed"], false, "{asks} {from} {record_type}");
    }
}
