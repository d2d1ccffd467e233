#!/usr/bin/env bash
# Writes the tables of docs/cuda.md between their markers, from what the backend launches at the public model's sizes
# (build/release) and what the compiler says of each kernel (build/cuda). Both are built before.
#
# usage: tests/cuda/table/write.sh [--check]     --check: changes nothing, fails where the document says something else
#
# Another nvcc gives kernels other registers: --check compares with the tables of another release but says so, and fails
# only where more than registers differ.
set -euo pipefail
cd "$(dirname "$0")/../../.."
program=build/release/tests/cuda/kernel_table
document=docs/cuda.md
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

nm "$program" >"$scratch/symbols"
find build/cuda -name '*.ptxas' -exec cat {} + >"$scratch/resources"
release=$(sed -n 's/^set(CMAKE_CUDA_COMPILER_VERSION "\([0-9]*\.[0-9]*\).*/\1/p' build/cuda/CMakeFiles/*/CMakeCUDACompiler.cmake)
{
  echo
  echo "Registers as nvcc $release gives them."
  "$program" "$scratch/symbols" "$scratch/resources"
} >"$scratch/tables"
awk -v tables="$scratch/tables" '
  /<!-- tables: end -->/ { inside = 0 }
  !inside { print }
  /<!-- tables: begin/ { inside = 1; while ((getline line < tables) > 0) print line; print "" }
' "$document" >"$scratch/document"
if [[ ${1:-} != --check ]]; then
  cp "$scratch/document" "$document"
  exit 0
fi

# The fifth column of rows, and the line that names the release.
without_registers() {
  awk -F'|' -v OFS='|' '/^Registers as nvcc/ { next } NF > 10 { $6 = "" } { print }' "$1"
}
said=$(sed -n 's/^Registers as nvcc \(.*\) gives them\.$/\1/p' "$document")
if [[ $said != "$release" ]]; then
  echo "$document names the registers of nvcc $said, and this is $release: registers are not compared"
  without_registers "$document" >"$scratch/before"
  without_registers "$scratch/document" >"$scratch/after"
else
  cp "$document" "$scratch/before"
  cp "$scratch/document" "$scratch/after"
fi
if ! diff -u "$scratch/before" "$scratch/after"; then
  echo "$document is out of date: run tests/cuda/table/write.sh" >&2
  exit 1
fi
echo "the tables of $document are up to date"
