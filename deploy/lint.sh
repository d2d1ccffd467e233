#!/usr/bin/env bash
# Checks deploy/ with the linters of its kinds of files. What is not installed is named and counted as skipped; with
# --all, which CI gives, that is a failure. The Helm chart is linted and rendered by tests/deploy, in `mvn verify`.
set -uo pipefail
cd "$(dirname "$0")" || exit 1

readonly dockerfile_utils=dockerfile-utils@0.16.3
passed=0
failed=0
skipped=0

# check NAME TOOL PACKAGE COMMAND...: runs the command where the tool is.
check() {
  local name=$1 tool=$2 package=$3
  shift 3
  if ! command -v "$tool" >/dev/null; then
    printf 'skipped  %s: %s is not installed; on Debian 12: apt-get install -y %s\n' "$name" "$tool" "$package"
    skipped=$((skipped + 1))
  elif "$@"; then
    printf 'passed   %s\n' "$name"
    passed=$((passed + 1))
  else
    printf 'FAILED   %s\n' "$name"
    failed=$((failed + 1))
  fi
}

# The unit names files of an installed system: it is checked with those of this folder in their place.
check_unit() {
  local folder findings
  folder=$(mktemp -d) || return 1
  sed "s#/opt/blip3o/bin/#$PWD/#" blip3o.service >"$folder/blip3o.service"
  findings=$(systemd-analyze verify --man=no "$folder/blip3o.service" 2>&1)
  local status=$?
  rm -rf -- "$folder"
  # Other units of this machine are not ours.
  findings=$(grep -F blip3o <<<"$findings")
  printf '%s' "${findings:+$findings$'\n'}"
  [[ $status == 0 && -z $findings ]]
}

# Exposure by systemd's own measure, from 0 (none) to 10: 2.0 at most.
check_hardening() {
  systemd-analyze security --offline=true --threshold=20 --no-pager blip3o.service >/dev/null
}

check_containerfile() {
  npx --yes "$dockerfile_utils" lint Containerfile
}

check "shell scripts" shellcheck shellcheck shellcheck collect.sh lint.sh blip3o-serve blip3o-health ../.ci/run
check "YAML" yamllint yamllint yamllint --strict .
check "systemd unit" systemd-analyze systemd check_unit
check "systemd unit: hardening" systemd-analyze systemd check_hardening
check "Containerfile" npx npm check_containerfile

printf 'deploy: %d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
((failed == 0)) || exit 1
[[ ${1:-} != --all || $skipped == 0 ]]
