#!/usr/bin/env bash
# Speed beside peers, in one run: `tests/run.sh bench [engine|live]`; see README.md.
#
# Builds the release profile, then runs both halves, or one of them with the arguments behind its name. Tables go to
# standard output, everything else to target/bench/*.json. Installs nginx where apt-get can; without it that peer is
# skipped.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

half=${1:-all}
case $half in
    all | engine | live) shift || true ;;
    *) echo "usage: tests/run.sh bench [engine|live] [ARGUMENTS..]" >&2; exit 2 ;;
esac

if [[ $half != engine && ! -x /usr/sbin/nginx ]] && command -v apt-get >/dev/null; then
    as_root=()
    [[ $(id -u) -eq 0 ]] || as_root=(sudo -n)
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends nginx \
        >/dev/null 2>&1 || echo "nginx cannot be installed: that peer is skipped"
fi

cargo build --release --workspace
target=${CARGO_TARGET_DIR:-target}
mkdir -p "$target/bench"
for name in engine live; do
    if [[ $half == all || $half == "$name" ]]; then
        echo "== $name"
        "$target/release/portcullis-bench" "$name" --json "$target/bench/$name.json" "$@"
    fi
done
