"""Reads Hive-partitioned Parquet parts with DuckDB and holds them against the CSV of a one-part run.

    readback.py PARTS CSV    prints a JSON object a table; ends with 1 where they differ
"""

import json
import pathlib
import sys

import duckdb

# What a column's logical type is to DuckDB, and how its cells become the text that CSV has.
TEXTS = {
    "VARCHAR": "{}",
    "BIGINT": "CAST({} AS VARCHAR)",
    "DECIMAL(18,2)": "CAST({} AS VARCHAR)",
    "DECIMAL(12,6)": "CAST({} AS VARCHAR)",
    "TIMESTAMP WITH TIME ZONE": "strftime(make_timestamp(epoch_us({})), '%Y-%m-%dT%H:%M:%SZ')",
    "DATE": "CAST({} AS VARCHAR)",
    "BOOLEAN": "CAST({} AS VARCHAR)",
}


def table(connection, parts, text):
    """Compares a table; counts, sums by column, and rows that only one side has."""
    hive = f"read_parquet('{parts}/*/*.parquet', hive_partitioning = true, hive_types_autocast = false)"
    csv = f"read_csv('{text}/*.csv', header = true, all_varchar = true, quote = '\"', escape = '\"')"
    types = {name: kind for name, kind, *_ in connection.sql(f"DESCRIBE SELECT * FROM {hive}").fetchall()}
    names = [name for name, *_ in connection.sql(f"DESCRIBE SELECT * FROM {csv}").fetchall()]
    if sorted(types) != sorted(names + ["table"]):
        raise SystemExit(f"{text.name}: columns {sorted(types)} and {sorted(names)}")
    as_text = ", ".join(
        f"""coalesce({TEXTS[types[name]].format(f'"{name}"')}, '') AS "{name}\"""" for name in names
    )
    typed = f"(SELECT {as_text} FROM {hive})"
    plain = "(SELECT " + ", ".join(f"""coalesce("{name}", '') AS "{name}\"""" for name in names) + f" FROM {csv})"
    numbers = [name for name in names if types[name] == "BIGINT" or types[name].startswith("DECIMAL")]

    def one(query):
        return connection.sql(query).fetchall()[0]

    def sums(source, cast):
        columns = ", ".join(f'sum({cast.format(name)})' for name in numbers)
        return [str(value) for value in one(f"SELECT {columns} FROM {source}")] if numbers else []

    by_agency = "SELECT agency, count(*) FROM {} GROUP BY agency ORDER BY agency"
    return {
        "files": len(list(parts.glob("*/*.parquet"))),
        "partition": one(f'SELECT min("table"), max("table") FROM {hive}'),
        "rows": [one(f"SELECT count(*) FROM {source}")[0] for source in (hive, csv)],
        "agencies": [connection.sql(by_agency.format(source)).fetchall() for source in (hive, csv)],
        "sums": [
            sums(hive, 'CAST("{}" AS DECIMAL(38,6))'),
            sums(csv, 'CAST(nullif("{}", \'\') AS DECIMAL(38,6))'),
        ],
        "only": [
            one(f"SELECT count(*) FROM (SELECT * FROM {one_side} EXCEPT ALL SELECT * FROM {other})")[0]
            for one_side, other in ((typed, plain), (plain, typed))
        ],
    }


def main():
    parts, text = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    connection = duckdb.connect()
    tables, differ = {}, []
    for folder in sorted((parts / "records").iterdir()):
        name = folder.name.removeprefix("table=")
        found = tables[name] = table(connection, folder, text / name)
        pairs = all(found[key][0] == found[key][1] for key in ("rows", "agencies", "sums"))
        if not pairs or found["only"] != [0, 0] or set(found["partition"]) != {name}:
            differ.append(name)
    print(json.dumps({"tables": tables, "differ": differ}))
    sys.exit(bool(differ))


main()
