#!/usr/bin/env bash
# The mutants of the core, all in one build: see README.md.
#
#     tests/mutants/run.sh [WORD..]     those whose name has every word, such as `redact/pass.rs`; all without
#
# MOST=1.5 leaves out tests that take longer (a first look); WORKERS=2 says how many run side by side.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
command -v cargo-mutants >/dev/null || { echo "cargo install cargo-mutants --locked" >&2; exit 2; }

out=$PWD/target/schemata
python=$out/venv/bin/python
mkdir -p "$out"
if [[ ! -x $python ]]; then
    python3 -m venv "$out/venv"
    "$python" -m pip install --quiet --disable-pip-version-check -r tests/mutants/requirements.txt
fi
cargo mutants --list --json --diff --package portcullis-core >"$out/list.json"
"$python" tests/mutants/build.py "$out"
"$python" tests/mutants/run.py "$out" reach
"$python" tests/mutants/run.py "$out" run "$@"
"$python" tests/mutants/run.py "$out" report
