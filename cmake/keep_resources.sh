#!/usr/bin/env bash
# usage: keep_resources.sh NVCC ARGUMENTS…
# Compiles, and leaves beside the object what the compiler's proof reads (tests/cuda/compiled): what ptxas says of each kernel's
# resources as OBJECT.ptxas, the PTX as OBJECT.*.ptx.
set -uo pipefail
object=
for ((i = 1; i < $#; ++i)); do
  if [[ ${!i} == -o ]]; then
    next=$((i + 1))
    object=${!next}
  fi
done
if [[ $object != *.o ]]; then exec "$@"; fi

rm -f "$object".*ptx "$object.ptxas"
keep=$object.keep
rm -rf "$keep"
mkdir -p "$keep"
code=0
said=$("$@" -Xptxas=-v --keep --keep-dir "$keep" 2>&1) || code=$?
# Everything but the resources is for people.
grep -vE '^(ptxas info|nvlink info| +[0-9]+ bytes stack frame)|^$' <<<"$said" >&2
if [[ $code == 0 ]]; then
  echo "$said" >"$object.ptxas"
  for ptx in "$keep"/*.ptx; do mv "$ptx" "$object.${ptx##*/}"; done
fi
rm -rf "$keep"
exit "$code"
