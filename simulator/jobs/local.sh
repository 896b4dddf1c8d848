#!/usr/bin/env bash
# A world in parts on one machine, some at a time: `jobs/local.sh FOLDER`. What was interrupted is run again in the same
# way; parts that were whole come out the same.
#
# PARTS, JOBS at a time, THREADS of each, and what is generated: by the variables below.
set -euo pipefail
export OUT=${1:?folder for the world}
export PARTS=${PARTS:-8} THREADS=${THREADS:-1} PACK=${PACK:-default} SEED=${SEED:-1} CONSIGNMENTS=${CONSIGNMENTS:-10000000}

seq 0 $((PARTS - 1)) | xargs -P "${JOBS:-$(nproc)}" -I{} bash -c \
    'portcullis-sim generate --pack "$PACK" --seed "$SEED" --consignments "$CONSIGNMENTS" --format parquet --layout hive \
        --part "{}/$PARTS" --threads "$THREADS" --out "$OUT" >/dev/null'
portcullis-sim join "$OUT"
