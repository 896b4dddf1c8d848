#!/usr/bin/env bash
# Fuzzes: builds the targets, makes seeds, runs each target for a time, tells what was found.
#
#     tests/run.sh fuzz [SECONDS] [TARGET..]     60 s for each of engine, filter, lint, oracle without it
#
# On the stable toolchain (cargo-fuzz with RUSTC_BOOTSTRAP=1); cargo-fuzz is installed where it is missing.
# PORTCULLIS_FUZZ_SANITIZER=address builds with a sanitizer: half as fast, and the code here is safe Rust, so
# the default is none (panics, overflows, time and memory are noticed without).
# Exit status: 0 nothing found, 1 something found or a target did not run, 2 wrong usage.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

seconds=${1:-60}
[[ $seconds =~ ^[1-9][0-9]{0,5}$ ]] || { echo "usage: tests/run.sh fuzz [SECONDS] [TARGET..]" >&2; exit 2; }
shift $(($# > 0))
targets=("$@")
[[ $# -gt 0 ]] || targets=(engine filter lint oracle)
for name in "${targets[@]}"; do
    [[ -e tests/fuzz/fuzz_targets/$name.rs ]] || { echo "no target $name" >&2; exit 2; }
done

target=${CARGO_TARGET_DIR:-$PWD/target}
[[ $target == /* ]] || target=$PWD/$target
work=$target/fuzz
mkdir -p "$work"
triple=$(rustc -vV | sed -n 's/^host: //p')
bin=$work/$triple/release

# A package that each lock file has once stands in the same version in both.
once() { awk -F'"' '/^name = /{n=$2} /^version = /{print n, $2}' "$1" | awk '{c[$1]++; v[$1]=$2} END {for (n in c) if (c[n] == 1) print n, v[n]}' | sort; }
apart=$(join <(once Cargo.lock) <(once tests/fuzz/Cargo.lock) | awk '$2 != $3 {print $1, $2, "here,", $3, "in tests/fuzz"}')
[[ -z $apart ]] || { echo "the lock files differ:"; echo "$apart"; exit 1; }

command -v cargo-fuzz >/dev/null || cargo install cargo-fuzz --locked

echo "== build"
# One compiler per GiB and a half of free memory, at most as many as there are processors.
free=$(awk '/^MemAvailable/ {print int($2 / 1572864)}' /proc/meminfo 2>/dev/null || echo 2)
jobs=$(nproc)
[[ $free -ge $jobs ]] || jobs=$((free > 0 ? free : 1))
RUSTC_BOOTSTRAP=1 CARGO_BUILD_JOBS=$jobs CARGO_TARGET_DIR=$work cargo fuzz build --fuzz-dir tests/fuzz \
    --sanitizer "${PORTCULLIS_FUZZ_SANITIZER:-none}" --target-dir "$work"

echo "== seeds"
# Records through the mappings: the samples, and the public declarations where they are beside the project.
# They are written by the adapter's own tests, once, and never committed.
records=$work/records
if [[ ! -d $records ]]; then
    if PORTCULLIS_RECORDS=$records CARGO_TARGET_DIR=$target cargo test --quiet --workspace --lib -- \
        adapter::tests::kcs::inspections adapter::tests::kcs::all adapter::tests::samples >"$work/records.log" 2>&1; then
        mkdir -p "$records"
    else
        rm -rf "$records"
        echo "without records of the mappings: see $work/records.log"
    fi
fi
rm -rf "$work/seeds"
from=()
[[ ! -d $records ]] || from=("$records")
# With --workspace, as everything else is built: for one package alone features differ, and all is built anew.
CARGO_TARGET_DIR=$target cargo build --quiet --workspace --example seeds
"$target/debug/examples/seeds" "$work/seeds" "${from[@]}"

# The last value of `stat::NAME: N` and of `NAME: N` in libFuzzer's lines.
stat() { { grep -oE "stat::$1: +[0-9]+" "$2" || echo 0; } | grep -oE '[0-9]+$' | tail -1; }
last() { { grep -oE " $1: [0-9]+" "$2" || echo 0; } | grep -oE '[0-9]+$' | tail -1; }

table=() status=0
for name in "${targets[@]}"; do
    echo "== $name, $seconds s"
    corpus=$work/corpus/$name found=$work/artifacts/$name log=$work/$name.log
    mkdir -p "$corpus" "$found" "$work/seeds/$name"
    before=$(ls "$found")
    dictionary=tests/fuzz/dictionaries/$name.dict options=()
    [[ ! -e $dictionary ]] || options+=("-dict=$dictionary")
    ended=0
    # Alone a slow or large input ends a run: a second is a thousand times what an ordinary one takes.
    # Findings of a target that has none yet have no folder.
    inputs=("$corpus")
    for folder in "tests/fuzz/seeds/$name" "tests/fuzz/regressions/$name" "$work/seeds/$name"; do
        [[ ! -d $folder ]] || inputs+=("$folder")
    done
    "$bin/$name" "${inputs[@]}" \
        -max_total_time="$seconds" -rss_limit_mb=2048 -malloc_limit_mb=1024 -timeout=10 -max_len=8192 \
        -artifact_prefix="$found/" -print_final_stats=1 -verbosity=1 "${options[@]}" >"$log" 2>&1 || ended=$?
    new=$(comm -13 <(echo "$before") <(ls "$found"))
    executions=$(stat number_of_executed_units "$log")
    verdict=clean
    if [[ -n $new || $ended -ne 0 ]]; then
        status=1 verdict=FOUND
        { grep -E "panicked at|ERROR:|SUMMARY:" -A1 "$log" || tail -5 "$log"; } | head -8
        for input in $new; do
            echo "found:    $found/$input"
            echo "minimise: $bin/$name -minimize_crash=1 -max_total_time=60 -exact_artifact_path=$work/small $found/$input"
            echo "keep:     cp $work/small tests/fuzz/regressions/$name/WHAT-IS-WRONG"
        done
        [[ -n $new ]] || echo "$name ended with status $ended: see $log"
    fi
    table+=("$name $executions $((executions / seconds)) $(last cov "$log") $(ls "$corpus" | wc -l) $verdict")
done

echo
printf '%-8s %12s %9s %9s %8s  %s\n' target executions 'per s' coverage corpus verdict
for row in "${table[@]}"; do
    # shellcheck disable=SC2086
    printf '%-8s %12s %9s %9s %8s  %s\n' $row
done
exit $status
