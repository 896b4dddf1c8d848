//! What is wrong with a mapping of a table, with the table or with its rows, is named before anything is
//! served: mapping file, line, column and field, the row by its ordinal, and never a cell or a password.

use super::super::Limits;
use super::Folder;
use super::postgres::{Database, PASSWORD};
use super::tables::{open, problems, run, sqlite};

const COLUMNS: &str = r#"id = ["no"]
[[column]]
from = "no"
to = "id"
[[column]]
from = "kg"
to = "items.net_mass_grams"
convert = { kind = "mass", unit = "kg" }
required = true
[[column]]
from = "at"
to = "accepted_at"
convert = { kind = "timestamp", format = "%Y-%m-%d", offset = "Z" }
"#;

fn mapping(data: &str) -> String {
    format!("record_type = \"portcullis.record.v1.Declaration\"\n{data}\n{COLUMNS}")
}

/// A folder with `rows.sqlite`, table `d`.
async fn folder(values: &str) -> Folder {
    let folder = Folder::new(&[]);
    let mut connection = sqlite(&folder.path().join("rows.sqlite")).await;
    run(&mut connection, "CREATE TABLE d (no TEXT, kg TEXT, at TEXT, more TEXT)").await;
    if !values.is_empty() {
        run(&mut connection, &format!("INSERT INTO d VALUES {values}")).await;
    }
    folder
}

#[tokio::test]
async fn settings_of_a_table_name_file_and_line() {
    let folder = folder("('1', '2', '2021-01-01', NULL)").await;
    let good = "table = \"d\"\ndatabase = \"sqlite:rows.sqlite\"";
    folder.write("m.toml", mapping(good));
    open(folder.path(), &["m.toml"], Limits::default()).await.unwrap();
    let inline = "m.toml:3: `database`: a password does not stand in a mapping";
    for (data, expected) in [
        ("", "m.toml:1: `files`: needs either `files`, or `table` and `database`"),
        ("table = \"d\"", "m.toml:2: `database`: says where the `table` is"),
        (
            "table = \"a.b.c\"\ndatabase = \"sqlite:rows.sqlite\"",
            "m.toml:2: `table`: is `table` or",
        ),
        (
            "files = [\"a\"]\ntable = \"d\"\ndatabase = \"sqlite:x\"",
            "m.toml:2: `files`: is for files",
        ),
        (
            "table = \"d\"\nencoding = \"utf-8\"\ndatabase = \"sqlite:x\"",
            "m.toml:3: `encoding`: is for",
        ),
        ("files = [\"a\"]\ndatabase = \"sqlite:x\"", "m.toml:3: `database`: goes with a `table`"),
        ("files = [\"a\"]\nwatermark = \"x\"", "m.toml:3: `watermark`: goes with a `table`"),
        ("files = [\"a\"]\nindex_table = \"x\"", "m.toml:3: `index_table`: goes with a `table`"),
        (
            "table = \"d\"\ndatabase = \"sqlite:rows.sqlite\"\nindex_table = \"nobody\"",
            "m.toml:2: `index_table`: there is no table or view `nobody`",
        ),
        (
            "table = \"d\"\ndatabase = \"sqlite:rows.sqlite\"\nindex_table = \"d\"\ndata_as_of = { column = \"no\", format = \"%Y\" }",
            "m.toml:4: `index_table`: does not go with a `data_as_of` of a column",
        ),
        (
            "table = \"d\"\ndatabase = \"sqlite:x\"\nrefresh_seconds = 0",
            "m.toml:4: `refresh_seconds`",
        ),
        ("table = \"d\"\ndatabase = \"mysql://x\"", "m.toml:3: `database`: is `sqlite:FILE` or"),
        ("table = \"d\"\ndatabase = { path = \"x\" }", "m.toml:3: `sqlite:FILE`, `postgres://"),
        (
            "table = \"d\"\ndatabase = \"postgres://r@db.example/x\"",
            "m.toml:3: `database`: is on another",
        ),
        ("table = \"d\"\ndatabase = \"postgres://r:sesame@localhost/x\"", inline),
        ("table = \"d\"\ndatabase = \"postgres://r@localhost/x?password=sesame\"", inline),
        (
            "table = \"d\"\ndatabase = { url = \"postgres://r@localhost/x\", password = \"sesame\" }",
            inline,
        ),
        (
            "table = \"d\"\ndatabase = \"sqlite:none.sqlite\"",
            "m.toml:2: `database`: DATABASE_UNREACHABLE: the database cannot be reached (SQLite 14)",
        ),
        (
            "table = \"nobody\"\ndatabase = \"sqlite:rows.sqlite\"",
            "m.toml:2: `table`: there is no table or view `nobody`",
        ),
        (
            "table = \"d\"\ndatabase = \"sqlite:rows.sqlite\"\nwatermark = \"changed\"",
            "m.toml:4: column `changed`: table `d` has no such column",
        ),
    ] {
        folder.write("m.toml", mapping(data));
        let found = problems(folder.path(), "m.toml").await;
        assert!(found[0].starts_with(expected), "{data}\n{found:?}");
        assert!(!found.concat().contains("sesame"), "{found:?}");
    }
    assert!(!folder.path().join("none.sqlite").exists(), "and none is made");
}

#[tokio::test]
async fn missing_columns_are_named_with_their_table_wherever_the_mapping_names_them() {
    let folder = folder("").await;
    let data = "table = \"d\"\ndatabase = \"sqlite:rows.sqlite\"";
    let more = r#"
[[column]]
template = "{no}-{part}"
to = "ucr"
[[column]]
from = ["more", "rest"]
to = "office"
[[column]]
from = "kg"
to = "items.value"
convert = { kind = "money", currency_column = "cur" }
[handling]
version_column = "ver"
[[handling.when]]
column = "mark"
equals = "x"
tlp = "RED"
"#;
    folder.write("m.toml", mapping(data) + more);
    let found = problems(folder.path(), "m.toml").await;
    let missing = |line: u64, name: &str| {
        format!("m.toml:{line}: column `{name}`: table `d` has no such column")
    };
    assert_eq!(
        found,
        [
            missing(18, "part"),
            missing(21, "rest"),
            missing(24, "cur"),
            missing(28, "ver"),
            missing(30, "mark"),
        ]
    );
}

#[tokio::test]
async fn rows_are_named_by_ordinal_and_never_by_what_they_hold() {
    let rows = "('CANARY1', '2', '2021-01-01', NULL), ('a', 'CANARY2', '2021-01-01', NULL), \
                ('b', '1', 'CANARY3', NULL), ('c', NULL, NULL, NULL), (NULL, '1', NULL, NULL), \
                ('d', x'CAFE', NULL, NULL)";
    let folder = folder(rows).await;
    folder.write("m.toml", mapping("table = \"d\"\ndatabase = \"sqlite:rows.sqlite\""));
    let found = problems(folder.path(), "m.toml").await;
    assert_eq!(
        found,
        [
            "m.toml:8: row 2: column `kg` -> items.net_mass_grams: not a decimal number",
            "m.toml:13: row 3: column `at` -> accepted_at: not a time in the given format",
            "m.toml:8: row 4: column `kg` -> items.net_mass_grams: a value is required",
            "m.toml: row 5: column `no`: an id is required",
            "m.toml:8: row 6: column `kg` -> items.net_mass_grams: not a decimal number",
        ]
    );
    assert!(!found.concat().contains("CANARY") && !found.concat().to_lowercase().contains("cafe"));
}

#[tokio::test]
async fn two_rows_with_one_id_are_refused_and_at_most_fifty_problems_are_listed() {
    let folder =
        folder("('a', '1', NULL, NULL), ('b', '1', NULL, NULL), (' a', '1', NULL, NULL)").await;
    folder.write("m.toml", mapping("table = \"d\"\ndatabase = \"sqlite:rows.sqlite\""));
    let found = problems(folder.path(), "m.toml").await;
    assert_eq!(found, ["m.toml: row 3: column `no`: same id as row 1"]);
    let rows: Vec<String> = (0..80).map(|no| format!("('{no}', 'x', NULL, NULL)")).collect();
    let folder = self::folder(&rows.join(", ")).await;
    folder.write("m.toml", mapping("table = \"d\"\ndatabase = \"sqlite:rows.sqlite\""));
    let found = problems(folder.path(), "m.toml").await;
    assert_eq!((found.len(), found[50].as_str()), (51, "and 30 more"));
}

#[tokio::test]
async fn a_password_comes_from_a_file_that_others_cannot_read() {
    use std::os::unix::fs::PermissionsExt as _;
    let Some(mut database) = Database::new().await else { return };
    database.run("CREATE TABLE x.d (no text, kg text, at text)").await;
    let folder = Folder::new(&[]);
    let spelled = database.spelled(folder.path());
    let data = format!("table = \"x.d\"\ndatabase = {spelled}");
    folder.write("m.toml", mapping(&data));
    open(folder.path(), &["m.toml"], Limits::default()).await.unwrap();
    let socket = data.replace(&database.url(), &database.socket_url());
    assert_ne!(socket, data);
    folder.write("m.toml", mapping(&socket));
    open(folder.path(), &["m.toml"], Limits::default()).await.unwrap();
    // A table that may not be read, and one in a schema that is not told.
    database
        .run(
            "CREATE TABLE x.closed (no text, kg text, at text); REVOKE ALL ON x.closed FROM reader",
        )
        .await;
    folder.write("m.toml", mapping(&data.replace("x.d", "x.closed")));
    let found = problems(folder.path(), "m.toml").await;
    let denied = "m.toml:2: `table`: DATABASE_DENIED: the user of the database may not read it";
    assert_eq!(found, [denied]);
    folder.write("m.toml", mapping(&data.replace("x.d", "d")));
    let found = problems(folder.path(), "m.toml").await;
    assert_eq!(found, ["m.toml:2: `table`: there is no table or view `d`"]);

    folder.write("m.toml", mapping(&data));
    let secret = folder.path().join("reader.password");
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o644)).unwrap();
    let found = problems(folder.path(), "m.toml").await;
    assert!(found[0].starts_with("reader.password: a key that everybody"), "{found:?}");
    folder.write("reader.password", "another");
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).unwrap();
    let found = problems(folder.path(), "m.toml").await;
    let refused = "m.toml:2: `database`: DATABASE_UNREACHABLE: the database cannot be reached (SQLSTATE 28P01)";
    assert_eq!(found, [refused]);
    assert!(!found.concat().contains(PASSWORD));
}
