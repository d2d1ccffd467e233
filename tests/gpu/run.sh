#!/usr/bin/env bash
# Proves the CUDA backend on the device of this machine and times it. Needs a C++20 compiler, nvcc (13 or newer), CMake and
# ninja; no network, no Java. Without a device it says so and exits 0, having proven nothing.
#
# usage: tests/gpu/run.sh [RESULTS]      (default: build/gpu/results)
#
# Each part has a time limit and leaves its result at once: RESULTS/NAME.txt, and a line in RESULTS/summary.txt:
#   passed NAME | failed NAME (how) | not run NAME (why)
set -uo pipefail
cd "$(dirname "$0")/../.."
results=${1:-build/gpu/results}
mkdir -p "$results"
results=$(cd "$results" && pwd)
: >"$results/summary.txt"
failed=0
passed=0

say() { echo "$1" | tee -a "$results/summary.txt"; }

# part NAME SECONDS COMMAND…: over its limit it has failed.
part() { measure failed "$@"; }
# tool NAME SECONDS COMMAND…: over its limit it counts as not run. What is compared with, and what only looks on, may be
# slow without the backend being wrong.
tool() { measure 'not run' "$@"; }

measure() {
  local late=$1 name=$2 limit=$3 began=$SECONDS code=0
  shift 3
  timeout --kill-after=5 "$limit" "$@" >"$results/$name.txt" 2>&1 || code=$?
  case $code in
    0) say "passed $name ($((SECONDS - began)) s)"; passed=$((passed + 1)) ;;
    77) say "not run $name ($(tail -n 1 "$results/$name.txt"))" ;;
    124 | 137)
      say "$late $name (over its limit of $limit s)"
      if [[ $late == failed ]]; then failed=1; fi
      ;;
    *) say "failed $name (exit code $code): see $name.txt"; failed=1 ;;
  esac
  return 0
}

if ! command -v nvidia-smi >/dev/null || ! nvidia-smi -L >/dev/null 2>&1; then
  say "not run everything (this machine has no NVIDIA device, or no driver for it): nothing was proven"
  exit 0
fi
for program in cmake ninja c++; do
  if ! command -v "$program" >/dev/null; then
    say "not run everything ($program is not installed)"
    exit 1
  fi
done
nvcc=${CUDACXX:-$(command -v nvcc || echo /usr/local/cuda/bin/nvcc)}
if [[ ! -x $nvcc ]]; then
  say "not run everything (nvcc was not found: set CUDACXX)"
  exit 1
fi
capability=$(nvidia-smi --query-gpu=compute_cap --format=csv,noheader | head -n 1 | tr -d ' .')
{
  nvidia-smi --query-gpu=name,driver_version,memory.total,clocks.max.sm,clocks.max.memory --format=csv
  "$nvcc" --version | tail -n 2
  grep -m 1 'model name' /proc/cpuinfo
} >"$results/machine.txt" 2>&1

build=build/gpu
jobs=$(nproc)
part configure 40 env CUDACXX="$nvcc" cmake --preset gpu "-DBLIP3O_CUDA_ARCHITECTURES=$capability-real"
part build 200 cmake --build --preset gpu -j "$jobs"
if [[ $failed != 0 ]]; then
  say "not run the rest (the build failed)"
  exit 1
fi
tests=$build/tests/gpu
passed=0  # a build proves nothing
part operations 60 "$tests/gpu_operations"
part golden 40 "$tests/gpu_golden"
part pictures 30 "$tests/gpu_pictures" "$results"
part benchmark 70 "$tests/gpu_benchmark" "$results/benchmark.csv"
# shellcheck disable=SC2016
tool pytorch 60 bash -c '
  python3 -c "import torch" 2>/dev/null || { echo "PyTorch is not installed"; exit 77; }
  python3 tests/gpu/time_pytorch.py'
sanitizer=$(command -v compute-sanitizer || echo "$(dirname "$nvcc")/compute-sanitizer")
for check in memcheck racecheck synccheck; do
  # Few tests: the tool makes each many times slower.
  tool "sanitizer-$check" 20 tests/gpu/sanitize.sh "$sanitizer" "$check" "$tests/gpu_operations"
done
if [[ $failed != 0 ]]; then
  say "some parts failed"
elif [[ $passed == 0 ]]; then
  say "no part ran: nothing was proven"
  failed=1
else
  say "all parts that ran passed"
fi
exit "$failed"
