use std::path::Path;

use portcullis::audit::LogSigner;

use super::write::{Blank, template};
use super::*;
use crate::drill::play::tests::tutorial;

fn log_key(seed: u8) -> String {
    LogSigner::new("x.example/log", &[seed; 32]).unwrap().verifier().to_string()
}

/// A template of two agencies with all the files that it names, and a key of the log.
fn completed(folder: &Path) -> String {
    let agencies = ["nv-customs", "xx-police"];
    for id in agencies {
        for file in [
            format!("host/profiles/{id}-desk.toml"),
            format!("exchange/agencies/{id}/records.sqlite"),
            format!("host/keys/{id}.id.key"),
            format!("host/certs/{id}/ca.pem"),
            format!("host/certs/{id}/crl.pem"),
        ] {
            let file = folder.join(file);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, id).unwrap();
        }
    }
    let blank = |id: &str| Blank { id: id.to_owned(), holds: id == "nv-customs" };
    let text = template(("tutorial", 33, "pack"), "CASE-1", &agencies.map(blank));
    text.replace("log_key = \"\"", &format!("log_key = \"{}\"", log_key(1)))
}

fn read(folder: &Path, text: &str) -> Result<Join, String> {
    let file = folder.join(FILE);
    std::fs::write(&file, text).unwrap();
    let shown = format!("{}/", folder.display());
    Join::read(&file).map_err(|problems| problems.to_string().replace(&shown, ""))
}

#[test]
fn a_completed_template_is_read_and_its_copy_says_the_same_from_anywhere() {
    let folder = tempfile::tempdir().unwrap();
    let join = read(folder.path(), &completed(folder.path())).unwrap();
    assert_eq!((join.seed, join.case.as_str()), (33, "CASE-1"));
    assert_eq!(join.scenario, folder.path().join("scenario"));
    let [one, two] = join.agencies.as_slice() else { panic!() };
    assert_eq!(one.profile, folder.path().join("host/profiles/nv-customs-desk.toml"));
    assert!(one.database.is_some() && one.ca.is_some() && one.agreement_key.is_none());
    assert!(two.database.is_none() && two.id_key.is_none(), "it holds nothing");

    let elsewhere = tempfile::tempdir().unwrap();
    join.keep(elsewhere.path()).unwrap();
    let again = Join::read(&elsewhere.path().join(FILE)).unwrap();
    let files = |join: &Join| {
        let agency = |one: &JoinAgency| (one.id.clone(), one.profile.clone(), one.database.clone());
        join.agencies.iter().map(agency).collect::<Vec<_>>()
    };
    assert_eq!(files(&again), files(&join));
    assert_eq!(again.to_text(), join.to_text());
}

#[test]
fn what_is_wrong_with_a_file_is_told_with_its_line_and_all_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let good = completed(folder.path());
    let line = |text: &str, part: &str| text[..text.find(part).unwrap()].matches('\n').count() + 1;
    for (from, to, place, expected) in [
        ("id_key =", "idkey =", "idkey", "MALFORMED: unknown field `idkey`"),
        ("[[gateway]]\nlog_key", "[[x]]\nlog_key", "[[x]]", "MALFORMED: unknown field `x`"),
        (&*log_key(1), "", "log_key = \"\"", "LOG_KEY_MALFORMED: `log_key`: not a verifier key"),
        (
            "host/keys/nv-customs",
            "host/keys/nobody",
            "id_key =",
            "FILE_UNREADABLE: `id_key`: cannot",
        ),
        (
            "id = \"xx-police\"",
            "id = \"nv-customs\"",
            "profile = \"host/profiles/xx",
            "NAMED_TWICE",
        ),
        ("id = \"xx-police\"", "id = \"exercise-control\"", "id = \"exercise-c", "AGENCY_RESERVED"),
    ] {
        let text = good.replacen(from, to, 1);
        let error = read(folder.path(), &text).unwrap_err();
        let at = line(&text, place);
        let near = (at - 2..=at).any(|at| error.contains(&format!("join.toml:{at}: {expected}")));
        assert!(near, "{at} {expected}\n{error}");
    }
    // One database under two names is one database.
    let police = "profile = \"host/profiles/xx-police-desk.toml\"\n";
    let shared = "database = \"exchange/agencies/xx-police/../nv-customs/records.sqlite\"\nid_key = \"no\"\n";
    let error =
        read(folder.path(), &good.replace(police, &format!("{police}{shared}"))).unwrap_err();
    assert!(error.contains("DATABASE_SHARED: `xx-police` and `nv-customs`"), "{error}");
    assert!(error.contains("FILE_UNREADABLE: `id_key`"), "all at once: {error}");
    let error =
        read(folder.path(), &good.replace("[[gateway]]\n", "").replacen("log_key", "# ", 1));
    assert!(error.unwrap_err().contains("join.toml: GATEWAY_MISSING"));
    let two = format!("[[gateway]]\nlog_key = \"{}\"\n[[gateway]]\nlog_key", log_key(2));
    let error = read(folder.path(), &good.replace("[[gateway]]\nlog_key", &two)).unwrap_err();
    assert!(error.contains("ADDRESS_MISSING") && error.contains("NAMED_TWICE"), "{error}");
    let error = Join::read(&folder.path().join("none.toml")).unwrap_err().to_string();
    assert!(error.contains("none.toml: FILE_UNREADABLE"), "{error}");
}

#[test]
fn a_file_of_another_world_or_without_a_team_does_not_fit() {
    let folder = tempfile::tempdir().unwrap();
    let (scenario, plot) = tutorial();
    let good = completed(folder.path());
    let join = read(folder.path(), &good).unwrap();
    let error = join.fits(scenario, plot, &[]).unwrap_err().to_string();
    assert!(error.contains("PACK_DIFFERS"), "{error}");
    assert!(error.contains("AGENCY_MISSING: agency `vl-customs` plays"), "{error}");
    assert!(error.contains("AGENCY_MISSING: agency `nv-licensing` holds records"), "{error}");
    assert!(!error.contains("agency `nv-customs`"), "{error}");
    let bare = good.replacen("\ndatabase =", "\n# database =", 1).replace("crl =", "# crl =");
    let join = read(folder.path(), &bare).unwrap();
    let error = join.fits(scenario, plot, &["nv-customs"]).unwrap_err().to_string();
    assert!(error.contains("`nv-customs` holds records and needs a `database`"), "{error}");
    assert!(error.contains("people play `nv-customs`: the door needs its `crl`"), "{error}");
}

#[tokio::test]
async fn a_database_is_of_the_drills_world_has_a_now_and_is_moved_on_by_one_drill_alone() {
    use std::collections::BTreeMap;

    use sqlx::Connection as _;

    use super::database::{lock, look};
    use crate::table::Table;

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("records.sqlite");
    let url = format!("sqlite:{}?mode=rwc", file.display());
    let mut base = sqlx::SqliteConnection::connect(&url).await.unwrap();
    let wanted = BTreeMap::from([(Table::Transit, 1)]);
    let word = async || look(&file, &wanted).await.err().map(|(word, _)| word);
    assert_eq!(word().await, Some("DATABASE_WITHOUT_NOW"));
    for statement in [
        "CREATE TABLE exercise_now (at TEXT)",
        "INSERT INTO exercise_now VALUES ('0001-01-01T00:00:00Z')",
    ] {
        sqlx::query(statement).execute(&mut base).await.unwrap();
    }
    assert_eq!(word().await, Some("DATABASE_WITHOUT_NOW"), "made before smugglers held back");
    let hidden = "CREATE TABLE exercise_hidden (record_table TEXT, id TEXT)";
    sqlx::query(hidden).execute(&mut base).await.unwrap();
    assert_eq!(word().await, Some("WORLD_DIFFERS"), "no such table");
    sqlx::query("CREATE TABLE transit_declaration (id TEXT)").execute(&mut base).await.unwrap();
    assert_eq!(word().await, Some("WORLD_DIFFERS"), "no row");
    sqlx::query("INSERT INTO transit_declaration VALUES ('a')").execute(&mut base).await.unwrap();
    assert_eq!(word().await, None);
    let now = "SELECT at FROM exercise_now";
    let now: String = sqlx::query_scalar(now).fetch_one(&mut base).await.unwrap();
    assert_eq!(now, "0001-01-01T00:00:00Z", "it was only looked at");
    base.close().await.unwrap();
    let held = lock([file.as_path(), file.as_path()].into_iter()).unwrap();
    assert!(lock(std::iter::once(file.as_path())).is_err());
    drop(held);
    assert!(lock(std::iter::once(file.as_path())).is_ok());
}
