#!/usr/bin/env bash
# usage: sanitize.sh COMPUTE_SANITIZER TOOL PROGRAM: the small shapes of every family under one tool; 77 where the tool does not
# take the device.
set -uo pipefail
sanitizer=$1 tool=$2 program=$3
if [[ ! -x $sanitizer ]]; then
  echo "compute-sanitizer is not installed"
  exit 77
fi
code=0
output=$("$sanitizer" --tool "$tool" --error-exitcode 9 "$program" '--gtest_filter=*Bytes*:DrawTokens.IsGreedy*:ProductOperands.*:CheckFinite.*' 2>&1) || code=$?
echo "$output"
if grep -qiE '^=========.*(not supported|unsupported|Unable to (find|load)|device not|insufficient permissions)' <<<"$output" &&
  ! grep -q 'ERROR SUMMARY: [1-9]' <<<"$output" && [[ $code != 0 ]]; then
  echo "compute-sanitizer refuses this device"
  exit 77
fi
exit "$code"
