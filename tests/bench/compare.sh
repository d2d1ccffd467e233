#!/bin/sh
# Runs the benchmark and the PyTorch reference in turns and prints medians and ratios. Builds nothing.
# See README.md beside this file.
set -eu

usage() {
  cat >&2 <<'USAGE'
usage: compare.sh demo|edit-demo|tokens|steps|decode|encode|siglip --model DIR --python CMD --tools DIR [options]
  demo                  whole pictures of a small checkpoint against time_reference.py
  edit-demo             both encoders of a reference, of a small checkpoint, against time_editing.py
  tokens|steps|decode   one part at the public sizes against time_public.py
  encode|siglip         one encoder of a reference at the public sizes against time_public.py
  --model DIR           checkpoint: the demo's, or one that RandomCheckpoint wrote
  --python CMD          a python that can import torch, transformers and diffusers
  --tools DIR           folder of reference.py, time_reference.py and time_public.py
  --compute LIST        compute types of ours (default auto,f32,bf16)
  --dtype NAME          the reference's dtype at the public sizes: float32 (default) or bfloat16
  --threads N           of both (default 2)
  --rounds N            turns (default 3; 1 at the public sizes)
  --classpath CP        default: target/classes and what target/classpath.txt says, beside this file
  --java CMD            default: java
USAGE
  exit 2
}

[ $# -ge 1 ] || usage
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
part=$1
shift
model='' python='' tools='' compute=auto,f32,bf16 dtype=float32 threads=2 rounds='' classpath='' java=java
while [ $# -ge 2 ]; do
  case $1 in
    --model) model=$2 ;;
    --python) python=$2 ;;
    --tools) tools=$2 ;;
    --compute) compute=$2 ;;
    --dtype) dtype=$2 ;;
    --threads) threads=$2 ;;
    --rounds) rounds=$2 ;;
    --classpath) classpath=$2 ;;
    --java) java=$2 ;;
    *) usage ;;
  esac
  shift 2
done
if [ $# -ne 0 ] || [ -z "$model" ] || [ -z "$python" ] || [ -z "$tools" ]; then usage; fi
if [ -z "$classpath" ]; then
  if [ ! -f "$here/target/classpath.txt" ]; then
    echo "compare.sh: $here/target/classpath.txt is missing: build first (see README.md), or give --classpath" >&2
    exit 1
  fi
  classpath=$here/target/classes:$(cat "$here/target/classpath.txt")
fi

bench() {
  "$java" -Dorg.bytedeco.javacpp.maxPhysicalBytes=0 -Dorg.bytedeco.javacpp.maxBytes=0 -cp "$classpath" \
    dev.blip3o.bench.PipelineBenchmark --model "$model" --compute "$compute" --threads "$threads" "$@"
}
public() { echo "$python $tools/time_public.py $1 $dtype $threads"; }

grep -m1 'model name' /proc/cpuinfo || true
echo "flags: $(grep -m1 '^flags' /proc/cpuinfo | tr ' ' '\n' | grep -E '^(avx|fma|amx|f16c)' | tr '\n' ' ')"
echo "load average before: $(cat /proc/loadavg)"
case $part in
  demo)
    bench --part all --steps 30 --rounds "${rounds:-3}" --repeats 5 --warmups 2 \
      --reference "$python $tools/time_reference.py $model --steps 30 --threads $threads --repeat 3"
    ;;
  edit-demo) # milliseconds: many repeats, and only on a quiet machine
    bench --part encoders --rounds "${rounds:-3}" --repeats 31 --warmups 3 \
      --reference "$python $here/time_editing.py $model $tools --threads $threads --repeat 31"
    ;;
  tokens)
    bench --part tokens --max-tokens 28 --rounds "${rounds:-1}" --repeats 2 --warmups 1 \
      --reference "$(public lm)"
    ;;
  steps)
    bench --part steps --steps 3 --rounds "${rounds:-1}" --repeats 1 --warmups 0 \
      --reference "$(public step)"
    ;;
  decode)
    bench --part decode --rounds "${rounds:-1}" --repeats 1 --warmups 1 --reference "$(public decode)"
    ;;
  encode|siglip)
    bench --part "$part" --rounds "${rounds:-1}" --repeats 2 --warmups 1 --reference "$(public "$part")"
    ;;
  *) usage ;;
esac
echo "load average after: $(cat /proc/loadavg)"
