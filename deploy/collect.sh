#!/usr/bin/env bash
# Gathers what serves into one folder: collect.sh DIR, after `mvn package` has built java/cli.
# DIR gets lib/ (all jars), bin/ (start and health check) and jvm.options; it can be moved anywhere.
set -euo pipefail

root=$(cd -- "$(dirname -- "$0")/.." && pwd)
dependencies=$root/java/cli/target/classpath.txt

die() {
  printf 'collect.sh: %s\n' "$1" >&2
  exit 1
}

(($# == 1)) || die "give the folder that gets the files: collect.sh DIR"
[[ -s $dependencies ]] || die "$dependencies is missing; build first: mvn package -DskipTests"
command_line=("$root"/java/cli/target/blip3o-cli-*-SNAPSHOT.jar)
[[ -e ${command_line[0]} ]] || die "the jar of java/cli is missing; build first: mvn package -DskipTests"

mkdir -p "$1/lib" "$1/bin"
IFS=: read -r -a jars <"$dependencies" || true # the file has no line end
cp -- "${command_line[@]}" "${jars[@]}" "$1/lib/"

# Built with -Dblip3o.cuda, the jar with both backends takes the place of the CPU's.
cuda_jar=$(compgen -G "$root/presets/target/blip3o-native-*-SNAPSHOT-linux-x86_64-cuda.jar" || true)
if [[ -n $cuda_jar ]]; then
  rm -f -- "$1"/lib/blip3o-native-*-linux-x86_64.jar
  cp -- "$cuda_jar" "$1/lib/"
fi

cp -- "$root/deploy/jvm.options" "$1/"
cp -- "$root/deploy/blip3o-serve" "$root/deploy/blip3o-health" "$1/bin/"
