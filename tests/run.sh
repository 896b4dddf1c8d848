#!/usr/bin/env bash
# Runs every test there is, from a fresh clone: Rust, doc tests, then the contract as Python and Node see it.
#
#     tests/run.sh [all|rust|python|node]
#     tests/run.sh laws [--cases N]     the laws alone, any number of cases each (10,000 without it)
#     tests/run.sh fuzz [SECONDS]       the fuzz targets, 60 s each without it
#     tests/run.sh world [PACK..]       10^6 consignments of a pack against the yardstick, 2 GB of disk, a minute each; all
#                                       packs of any size (default, real-shape) without it
#     tests/run.sh bench [engine|live]  speed beside peers, release profile
#     tests/run.sh generate-speed [ARGS]  the simulator beside tpchgen-cli, which is built into target/tools where it is
#                                       missing; 3 GB of disk, some minutes; ARGS of tests/bench/generate.py
#     tests/run.sh mutants [ARGS]       cargo-mutants on the core, hours; ARGS such as `-f '**/mask.rs'` or `--shard 1/8`
#     tests/run.sh mutants --schemata [WORD..]  the same in one build: tests/mutants/README.md
#
# Installs what it needs where it is missing: Python packages into target/venv, Node packages into target/node,
# tools by apt-get only if they are not there at all. What cannot run is told as `skipped: WHY` and counted. The
# last line is `N passed, N failed, N skipped`; the exit status is 0 only if nothing failed and something passed.
# Rust tests find PORTCULLIS_PYTHON (an interpreter with grpcio) and PORTCULLIS_BIN (the gateway's binary).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage() {
    echo "usage: tests/run.sh [all|rust|python|node] | laws [--cases N] | fuzz [SECONDS] | world [PACK..] | bench [engine|live] | generate-speed [ARGS] | mutants [ARGS]" >&2
    exit 2
}

part=${1:-all}
case $part in
    all | rust | python | node) [[ $# -le 1 ]] || usage ;;
    laws)
        case $#:${2:-} in
            1:) ;;
            3:--cases) [[ $3 =~ ^[1-9][0-9]{0,8}$ ]] || usage; export PORTCULLIS_CASES=$3 ;;
            *) usage ;;
        esac
        exec cargo nextest run --workspace --no-fail-fast -P laws -E 'package(portcullis-laws)'
        ;;
    world)
        shift
        [[ $# -gt 0 ]] || set -- default real-shape
        cargo build --release --locked -p portcullis-sim
        program=${CARGO_TARGET_DIR:-target}/release/portcullis-sim out=$(mktemp -d) missed=0
        trap 'rm -rf "$out"' EXIT
        kcs=()
        [[ ! -d ../shared/data/kcs ]] || kcs=(--kcs ../shared/data/kcs)
        for pack in "$@"; do
            [[ -d $pack ]] || pack=simulator/packs/$pack
            rm -rf "$out/world"
            "$program" generate --pack "$pack" --consignments 1000000 --out "$out/world" >/dev/null
            page=${CARGO_TARGET_DIR:-target}/world-$(basename "$pack").html
            "$program" describe "$out/world" --pack "$pack" "${kcs[@]}" --html "$page" --check || missed=1
            echo "page: $page"
        done
        exit $missed
        ;;
    generate-speed)
        shift
        target=${CARGO_TARGET_DIR:-target}
        cargo build --release --locked -p portcullis-sim
        if [[ ! -x $target/tools/bin/tpchgen-cli ]]; then
            echo "tpchgen-cli 4 is built into $target/tools"
            cargo install tpchgen-cli --version '^4' --locked --root "$target/tools"
        fi
        exec python3 tests/bench/generate.py "$target/release/portcullis-sim" "$target/tools/bin/tpchgen-cli" \
            "$target/generate-speed" --json "$target/bench/generate.json" "$@"
        ;;
    fuzz | bench) shift; exec "tests/$part/run.sh" "$@" ;;
    mutants)
        shift
        [[ ${1:-} != --schemata ]] || { shift; exec tests/mutants/run.sh "$@"; }
        command -v cargo-mutants >/dev/null || { echo "cargo install cargo-mutants --locked" >&2; exit 2; }
        # What fails need not shrink, and most breaks show in few cases.
        export PORTCULLIS_CASES=${PORTCULLIS_CASES:-300} PROPTEST_MAX_SHRINK_ITERS=0 CARGO_PROFILE_DEV_DEBUG=0
        exec cargo mutants --package portcullis-core "$@" # .cargo/mutants.toml says of what
        ;;
    *) usage ;;
esac

target=${CARGO_TARGET_DIR:-$PWD/target}
[[ $target == /* ]] || target=$PWD/$target
log=$target/run-sh.log
mkdir -p "$target"
export CARGO_TERM_COLOR=never PYTHONDONTWRITEBYTECODE=1
locked=()
[[ -z ${CI:-} ]] || locked=(--locked)
passed=0 failed=0 skipped=0

wants() { [[ $part == all || $part == "$1" ]]; }
title() { echo; echo "== $*"; }
skip() { echo "skipped: $*"; skipped=$((skipped + 1)); }
fail() { echo "failed: $*"; failed=$((failed + 1)); }
have() { command -v "$1" >/dev/null 2>&1; }

# Installs Debian packages if that is possible here; says so if it is not.
apt_install() {
    local as_root=()
    have apt-get || return 1
    if [[ $(id -u) -ne 0 ]]; then
        have sudo && sudo -n true 2>/dev/null || return 1
        as_root=(sudo -n)
    fi
    "${as_root[@]}" apt-get update -qq >>"$log" 2>&1 || true # an old list may still do
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$@" >>"$log" 2>&1
}

# Numbers out of a runner's closing lines: sums every `N WORD` on lines that match the pattern.
sum() { # PATTERN WORD
    { grep -E "$1" "$log" || true; } | { grep -oE "[0-9]+ $2" || true; } | awk '{n += $1} END {print n + 0}'
}

count() { # PATTERN PASSED-WORD FAILED-WORDS SKIPPED-WORD
    passed=$((passed + $(sum "$1" "$2")))
    failed=$((failed + $(sum "$1" "$3")))
    skipped=$((skipped + $(sum "$1" "$4")))
}

# A virtual environment with the pinned packages, made anew when the pins change.
prepare_python() {
    local pins=tests/clients/python/requirements.txt venv=$target/venv stamp
    stamp=$venv/.pins-$(cksum <$pins | tr ' ' -)
    if [[ ! -e $stamp ]]; then
        have python3 || apt_install python3 python3-venv || { skip "Python: no python3, and it cannot be installed"; return 1; }
        if ! { rm -rf "$venv" && python3 -m venv "$venv"; } >>"$log" 2>&1; then
            apt_install python3-venv && rm -rf "$venv" && python3 -m venv "$venv" >>"$log" 2>&1 ||
                { rm -rf "$venv"; skip "Python: no virtual environment can be made (python3-venv)"; return 1; }
        fi
        "$venv/bin/pip" install --quiet --disable-pip-version-check -r $pins >>"$log" 2>&1 ||
            { tail -3 "$log"; skip "Python: the packages of $pins cannot be installed"; return 1; }
        touch "$stamp"
    fi
    export PORTCULLIS_PYTHON=$venv/bin/python
}

prepare_node() {
    local pins=tests/clients/node/package.json node=$target/node stamp
    stamp=$node/.pins-$(cksum <$pins | tr ' ' -)
    { have node && have npm; } || apt_install nodejs npm || { skip "Node: no node and npm, and they cannot be installed"; return 1; }
    if [[ ! -e $stamp ]]; then
        rm -rf "$node" && mkdir -p "$node" && cp $pins "$node/"
        npm install --prefix "$node" --no-audit --no-fund --no-package-lock --silent >>"$log" 2>&1 ||
            { tail -3 "$log"; skip "Node: the packages of $pins cannot be installed"; return 1; }
        touch "$stamp"
    fi
    export PORTCULLIS_NODE_MODULES=$node
}

run_rust() {
    have cargo || { fail "Rust: no cargo (rust-version is in Cargo.toml)"; return; }
    have cc || apt_install gcc libc6-dev || { fail "Rust: no C compiler, and it cannot be installed"; return; }
    title "build (test profile, everything once)"
    cargo build "${locked[@]}" --workspace --all-targets || { fail "the build"; return; }
    export PORTCULLIS_BIN=$target/debug/portcullis
    # Each test process starts a server of its own, as an unprivileged user; without the programs they say that they skip.
    have postgres || compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null || apt_install postgresql ||
        skip "tests on PostgreSQL: it is not installed, and it cannot be"

    title "Rust tests"
    local before=$failed status=0
    if cargo nextest --version >/dev/null 2>&1; then
        cargo nextest run "${locked[@]}" --workspace --no-fail-fast 2>&1 | tee "$log" || status=$?
        count '^ +Summary \[' passed '(failed|timed out|exec failed)' skipped
    else
        echo "cargo-nextest is not installed: cargo test runs them (without its limits on time and threads)"
        cargo test "${locked[@]}" --workspace --lib --bins --tests --no-fail-fast 2>&1 | tee "$log" || status=$?
        count '^test result:' passed failed ignored
    fi
    [[ $status -eq 0 || $failed -gt $before ]] || fail "the Rust tests ended with status $status"

    title "doc tests"
    before=$failed status=0
    cargo test "${locked[@]}" --doc --workspace --no-fail-fast 2>&1 | tee "$log" || status=$?
    count '^test result:' passed failed ignored
    [[ $status -eq 0 || $failed -gt $before ]] || fail "the doc tests ended with status $status"
}

run_python() {
    title "Python: digest vectors, receipt verifier"
    local client=tests/clients/python
    if "$PORTCULLIS_PYTHON" $client/portcullis_client.py vectors 2>&1 | tee "$log"; then
        passed=$((passed + $(grep -oE '"vectors": [0-9]+' "$log" | grep -oE '[0-9]+')))
    else
        fail "Python does not reproduce the digest vectors"
    fi
    if "$PORTCULLIS_PYTHON" $client/verify_receipt.py --self-test; then
        passed=$((passed + 1)) # one test, however many checks
    else
        fail "the receipt verifier's self-test"
    fi
    if "$PORTCULLIS_PYTHON" $client/verify_statement.py --vectors gateway/core/vectors/statements.json; then
        passed=$((passed + 1))
    else
        fail "signed statements about agreements"
    fi

    title "Python: the client against a gateway that lies"
    local ran bad
    (cd $client && "$PORTCULLIS_PYTHON" -m unittest test_client) 2>&1 | tee "$log" || true
    ran=$(sed -nE 's/^Ran ([0-9]+) tests? in .*/\1/p' "$log")
    bad=$({ grep -E '^FAILED \(' "$log" || true; } | { grep -oE '(failures|errors)=[0-9]+' || true; } | awk -F= '{n += $2} END {print n + 0}')
    if [[ -n $ran && ($bad -gt 0 || $(grep -cE '^OK' "$log") -gt 0) ]]; then
        passed=$((passed + ran - (bad < ran ? bad : ran))) failed=$((failed + bad))
    else
        fail "the client's tests did not run"
    fi
}

# The second reader: the vector file, then what the redactor made of random records. Another seed: PORTCULLIS_SEED.
run_reader() {
    local reader=tests/reader/reader.py tuples=$target/tuples.jsonl seed=${PORTCULLIS_SEED:-1} count=100000
    title "Python: the second reader, vectors"
    if "$PORTCULLIS_PYTHON" $reader vectors gateway/core/vectors/treatments.json; then
        passed=$((passed + 1))
    else
        fail "the second reader does not reproduce the treatment vectors"
    fi

    title "Python: the second reader, $count answers (PORTCULLIS_SEED=$seed)"
    # `all` has just built it; alone, this part must not run on an old one.
    if [[ $part != all || ! -x $target/debug/portcullis-tuples ]]; then
        { have cargo && cargo build "${locked[@]}" --quiet --workspace --bin portcullis-tuples; } ||
            { skip "the second reader: portcullis-tuples cannot be built"; return; }
    fi
    if "$target/debug/portcullis-tuples" --seed "$seed" --count "$count" >"$tuples" &&
        "$PORTCULLIS_PYTHON" $reader check "$tuples" --jobs 2 --varied; then
        passed=$((passed + 1))
        rm -f "$tuples" # kept when they do not agree
    else
        fail "the second reader disagrees with the redactor ($tuples)"
    fi
}

# The second decider: what is kept, asked again, then what the core decides of random exchanges.
run_decider() {
    local decider=tests/decider/decider.py made=$target/decisions.jsonl again=$target/decisions-kept.jsonl
    local program=$target/debug/portcullis-decisions seed=${PORTCULLIS_SEED:-1} count=100000 kept
    title "Python: the second decider, decisions that are kept"
    "$PORTCULLIS_PYTHON" -c 'import tomllib' 2>/dev/null || { skip "the second decider: needs Python 3.11 or later"; return; }
    if [[ $part != all || ! -x $program ]]; then
        { have cargo && cargo build "${locked[@]}" --quiet --workspace --bin portcullis-decisions; } ||
            { skip "the second decider: portcullis-decisions cannot be built"; return; }
    fi
    for kept in tests/decider/kept/*.jsonl; do
        if "$program" --replay "$kept" >"$again" && cmp "$again" "$kept" && "$PORTCULLIS_PYTHON" $decider check "$kept"; then
            passed=$((passed + 1))
        else
            fail "$kept is decided otherwise than it was"
        fi
    done

    title "Python: the second decider, $count decisions (PORTCULLIS_SEED=$seed)"
    if "$program" --seed "$seed" --count "$count" >"$made" &&
        "$PORTCULLIS_PYTHON" $decider check "$made" --jobs 2 --varied --save "$target/decisions-differ.jsonl"; then
        passed=$((passed + 1))
        rm -f "$made" # kept when they do not agree
    else
        fail "the second decider disagrees with the core ($made)"
    fi
}

run_node() {
    title "Node: digest vectors"
    local set=$target/contract.binpb before=$failed
    if ! "$PORTCULLIS_PYTHON" tests/clients/python/portcullis_client.py descriptors "$set" >"$log" 2>&1; then
        cat "$log"
        fail "no descriptor set for Node"
        return
    fi
    node tests/clients/node/vectors.mjs "$set" proto/vectors/query_digest.json 2>&1 | tee "$log" || true
    count '^[0-9]+ passed, [0-9]+ failed$' passed failed skipped
    [[ $failed -gt $before ]] || grep -qE '^[0-9]+ passed, 0 failed$' "$log" || fail "the vector check in Node"
}

: >"$log"
python=0 node=0
# Rust tests spawn Python clients, and Node's descriptor set is compiled in Python: so it is prepared for all.
prepare_python && python=1
if wants node; then prepare_node && node=1; fi

if wants rust; then run_rust; fi
if wants python && [[ $python -eq 1 ]]; then run_python; run_reader; run_decider; fi
if wants node; then
    if [[ $node -eq 1 && $python -eq 1 ]]; then
        run_node
    elif [[ $node -eq 1 ]]; then
        skip "Node: the descriptor set needs Python's grpcio-tools"
    fi
fi

echo
echo "$passed passed, $failed failed, $skipped skipped" | tee "$target/run-sh.summary"
[[ $failed -eq 0 && $passed -gt 0 ]]
