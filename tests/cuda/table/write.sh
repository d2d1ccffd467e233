#!/usr/bin/env bash
# Writes the tables of docs/cuda.md between their markers, from what the backend launches at the public model's sizes
# (build/release) and what the compiler says of each kernel (build/cuda). Both are built before.
#
# usage: tests/cuda/table/write.sh [--check]     --check: changes nothing, fails where the document says something else
set -euo pipefail
cd "$(dirname "$0")/../../.."
program=build/release/tests/cuda/kernel_table
document=docs/cuda.md
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

nm "$program" >"$scratch/symbols"
find build/cuda -name '*.ptxas' -exec cat {} + >"$scratch/resources"
"$program" "$scratch/symbols" "$scratch/resources" >"$scratch/tables"
awk -v tables="$scratch/tables" '
  /<!-- tables: end -->/ { inside = 0 }
  !inside { print }
  /<!-- tables: begin/ { inside = 1; while ((getline line < tables) > 0) print line; print "" }
' "$document" >"$scratch/document"
if [[ ${1:-} == --check ]]; then
  if ! diff -u "$document" "$scratch/document"; then
    echo "$document is out of date: run tests/cuda/table/write.sh" >&2
    exit 1
  fi
else
  cp "$scratch/document" "$document"
fi
