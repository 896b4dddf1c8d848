//! What is known by a moment of the world. Records lie in each agency's database whole, from the first day to the last;
//! what is served are views of them that end at the exercise's now, so that nobody can ask what has not happened yet.

use std::fmt::Write as _;

use crate::table::{Kind, Table};

/// The column that tells since when a row is known; `None`: always.
pub fn since(table: Table) -> Option<&'static str> {
    match table {
        Table::Declaration => Some("accepted_at"),
        Table::Transit => Some("opened_at"),
        Table::BillOfLading => Some("issued_at"),
        Table::Inspection => Some("inspected_at"),
        Table::GateMove | Table::SealEvent | Table::Track | Table::Weighing | Table::Travel => {
            Some("at")
        }
        Table::Payment => Some("value_date"),
        Table::Licence => Some("applied_at"),
        Table::EndUseCheck => Some("checked_on"),
        Table::Denial => Some("denied_at"),
        Table::Tip => Some("received_at"),
        Table::WatchlistHit => Some("listed_on"),
        Table::Owner => Some("since"),
        Table::Invoice | Table::EndUserCertificate | Table::Ruling => Some("issued_on"),
        Table::VesselEntry | Table::Party | Table::Company => Some("registered_on"),
    }
}

/// Cells that become known later than their row: the column that tells when, and those that wait for it.
pub fn later(table: Table) -> Option<(&'static str, &'static [&'static str])> {
    match table {
        Table::Transit => Some(("discharged_at", &["discharged_at", "discharge_reference"])),
        Table::Licence => Some((
            "decided_at",
            &["status", "decided_at", "granted_at", "expires_at", "condition", "assessment"],
        )),
        _ => None,
    }
}

/// Name of the view of a table.
pub fn view(table: Table) -> String {
    format!("{}_by_now", table.name())
}

/// Table with the exercise's now: one row, `at` in RFC 3339.
pub const NOW: &str = "exercise_now";

/// Table with records that nobody has, because what they tell of does not happen: name of their table, and number.
pub const HIDDEN: &str = "exercise_hidden";

/// Statements for SQLite that make the table of the exercise's now, far ahead at first, that of what does not happen, and a
/// view for each table.
pub fn views(tables: &[Table]) -> Vec<String> {
    let mut all = vec![
        format!(
            "CREATE TABLE {HIDDEN} (record_table TEXT NOT NULL, id TEXT NOT NULL, PRIMARY KEY (record_table, id)) WITHOUT ROWID"
        ),
        format!("CREATE TABLE {NOW} (at TEXT NOT NULL)"),
        format!("INSERT INTO {NOW} VALUES ('9999-12-31T00:00:00Z')"),
    ];
    all.extend(tables.iter().map(|table| statement(*table)));
    all
}

fn statement(table: Table) -> String {
    let kind = |name: &str| {
        table.columns().iter().find(|column| column.name == name).map(|column| column.kind)
    };
    // Moments and days are held as texts that sort by time.
    let by_now = |name: &str| {
        let now = match kind(name) {
            Some(Kind::Day) => format!("(SELECT substr(at, 1, 10) FROM {NOW})"),
            _ => format!("(SELECT at FROM {NOW})"),
        };
        format!("\"{name}\" <= {now}")
    };
    let (when, waits) = later(table).map_or(("", &[][..]), |later| later);
    let mut columns = String::new();
    for column in table.columns().iter().skip(1) {
        let name = column.name;
        let comma = if columns.is_empty() { "" } else { ", " };
        // Writing to a String cannot fail.
        let _ = if waits.contains(&name) {
            write!(columns, "{comma}CASE WHEN {} THEN \"{name}\" END AS \"{name}\"", by_now(when))
        } else {
            write!(columns, "{comma}\"{name}\"")
        };
    }
    let known = since(table)
        .map_or(String::new(), |name| format!(" AND (\"{name}\" IS NULL OR {})", by_now(name)));
    let (view, name) = (view(table), table.name());
    format!(
        "CREATE VIEW \"{view}\" AS SELECT {columns} FROM \"{name}\" WHERE NOT EXISTS (SELECT 1 FROM {HIDDEN} AS hidden \
         WHERE hidden.record_table = '{name}' AND hidden.id = \"{name}\".\"id\"){known}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_says_since_when_its_rows_are_known_by_a_time_of_its_own() {
        for table in Table::ALL {
            let named: Vec<&str> =
                since(*table).into_iter().chain(later(*table).map(|(when, _)| when)).collect();
            for name in named {
                let column = table.columns().iter().find(|column| column.name == name).unwrap();
                assert!(matches!(column.kind, Kind::Moment | Kind::Day), "{table:?} {name}");
            }
            for name in later(*table).map_or(&[][..], |(_, waits)| waits) {
                assert!(table.columns().iter().any(|column| column.name == *name), "{name}");
            }
        }
    }

    #[tokio::test]
    async fn a_view_ends_at_now_and_so_do_cells_that_come_later() {
        use sqlx::{AssertSqlSafe, Connection as _};
        let mut base = sqlx::SqliteConnection::connect("sqlite::memory:").await.unwrap();
        for statement in crate::load::tables_of(Table::Transit) {
            sqlx::query(AssertSqlSafe(statement)).execute(&mut base).await.unwrap();
        }
        for statement in views(&[Table::Transit]) {
            sqlx::query(AssertSqlSafe(statement)).execute(&mut base).await.unwrap();
        }
        let row = "INSERT INTO transit_declaration (id, opened_at, discharged_at, discharge_reference) \
                   VALUES ('T1', '2026-02-01T10:00:00Z', '2026-02-09T10:00:00Z', 'D1')";
        sqlx::query(row).execute(&mut base).await.unwrap();
        let mut seen = async |now: &str| {
            let told = format!("UPDATE {NOW} SET at = '{now}'");
            sqlx::query(AssertSqlSafe(told)).execute(&mut base).await.unwrap();
            let row = "SELECT discharge_reference FROM transit_declaration_by_now";
            sqlx::query_scalar::<_, Option<String>>(row).fetch_all(&mut base).await.unwrap()
        };
        assert_eq!(seen("2026-02-01T09:59:59Z").await, Vec::<Option<String>>::new());
        assert_eq!(seen("2026-02-01T10:00:00Z").await, [None]);
        assert_eq!(seen("2026-02-09T10:00:00Z").await, [Some("D1".to_owned())]);
    }
}
