"""Speed of `portcullis-sim generate` beside `tpchgen-cli`, in one run: see README.md.

    generate.py SIMULATOR TPCHGEN FOLDER [--consignments N] [--scale N] [--rounds N] [--json FILE]

Programs take turns, each in an empty folder of FOLDER that is removed afterwards. Of several rounds the best counts
for speed and the worst for memory. Both write to the same disk; the simulator also hashes its files and waits until
they are on the disk, tpchgen-cli does neither. On a busy machine seconds of processors tell more than those of the clock.
"""

import argparse
import csv
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

GOALS = {"times": 1.0, "memory": 512, "scaling": 1.8}


def run(command, folder):
    """Runs a program that writes into a folder; seconds, MiB at its peak, bytes written, what it printed."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    began = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    text = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.monotonic() - began
    if process.returncode != 0:
        sys.exit(f"{' '.join(command)} ended with {process.returncode}")
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    cpu = usage.ru_utime + usage.ru_stime
    found = {"seconds": seconds, "cpu_seconds": cpu, "mib": usage.ru_maxrss / 1024, "bytes": size}
    return found, text.decode()


def tpch_cells(folder):
    """Rows by columns of CSV files that have a header and no line breaks in their cells."""
    cells = 0
    for path in folder.rglob("*.csv"):
        with path.open("rb") as file:
            columns = len(next(csv.reader([file.readline().decode()])))
            rows = sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))
        cells += rows * columns
    return cells


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("simulator")
    parser.add_argument("tpchgen")
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--consignments", type=int, default=400_000)
    parser.add_argument("--scale", default="1")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=pathlib.Path)
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    out = asked.folder / "world"

    def tpch(form, threads):
        command = [asked.tpchgen, form, "-s", asked.scale, "--num-threads", str(threads), "--output-dir", str(out)]
        return run(command, out)[0]

    def ours(form, threads):
        command = [asked.simulator, "generate", "--pack", "default", "--consignments", str(asked.consignments)]
        command += ["--format", form, "--threads", str(threads), "--out", str(out), "--json"]
        found, text = run(command, out)
        return found | {"cells": json.loads(text)["cells"]}

    kinds = {
        f"{name} {form}, {threads}": (program, form, threads)
        for form in ("csv", "parquet")
        for name, program, threads in (("tpchgen", tpch, 2), ("portcullis", ours, 2), ("portcullis", ours, 1))
    }
    runs, cells = {name: [] for name in kinds}, None
    for _ in range(asked.rounds):
        for name, (program, form, threads) in kinds.items():
            found = program(form, threads)
            if program is tpch:
                # Its Parquet has the same tables.
                cells = cells or tpch_cells(out)
                found["cells"] = cells
            runs[name].append(found)
    shutil.rmtree(asked.folder, ignore_errors=True)

    def best(name):
        all_runs = runs[name]
        fastest = min(all_runs, key=lambda found: found["seconds"])
        return {
            "seconds": fastest["seconds"],
            "cpu_seconds": min(found["cpu_seconds"] for found in all_runs),
            "mb_per_s": fastest["bytes"] / 1e6 / fastest["seconds"],
            "mcells_per_s": fastest["cells"] / 1e6 / fastest["seconds"],
            "peak_mib": max(found["mib"] for found in all_runs),
        }

    table = {name: best(name) for name in kinds}

    def times(form, what):
        return table[f"portcullis {form}, 2"][what] / table[f"tpchgen {form}, 2"][what]

    def scaling(form):
        return table[f"portcullis {form}, 1"]["seconds"] / table[f"portcullis {form}, 2"]["seconds"]

    peak = max(row["peak_mib"] for name, row in table.items() if name.startswith("portcullis"))
    goals = [
        ("CSV MB/s, times tpchgen", times("csv", "mb_per_s"), GOALS["times"]),
        ("CSV cells/s, times tpchgen", times("csv", "mcells_per_s"), GOALS["times"]),
        ("Parquet cells/s, times tpchgen", times("parquet", "mcells_per_s"), GOALS["times"]),
        ("CSV, 1 to 2 threads", scaling("csv"), GOALS["scaling"]),
        ("Parquet, 1 to 2 threads", scaling("parquet"), GOALS["scaling"]),
    ]
    print(f"{'program, format, threads':<26}{'s':>8}{'CPU s':>8}{'MB/s':>8}{'Mcells/s':>10}{'peak MiB':>10}")
    for name, row in table.items():
        print(f"{name:<26}{row['seconds']:>8.2f}{row['cpu_seconds']:>8.2f}{row['mb_per_s']:>8.0f}{row['mcells_per_s']:>10.1f}{row['peak_mib']:>10.0f}")
    print()
    for what, found, goal in goals:
        print(f"{what:<34}{found:>6.2f}  at least {goal}  {'ok' if found >= goal else 'MISSED'}")
    memory = GOALS["memory"]
    print(f"{'peak memory, MiB':<34}{peak:>6.0f}  at most {memory}  {'ok' if peak <= memory else 'MISSED'}")
    if asked.json:
        asked.json.parent.mkdir(parents=True, exist_ok=True)
        measured = {what: {"measured": found, "goal": goal} for what, found, goal in goals}
        measured["peak memory, MiB"] = {"measured": peak, "goal": memory}
        document = {"runs": runs, "best": table, "goals": measured, "cpus": os.cpu_count()}
        asked.json.write_text(json.dumps(document, indent=1) + "\n")


main()
