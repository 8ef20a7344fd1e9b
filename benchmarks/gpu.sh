#!/usr/bin/env bash
# Numbers of one NVIDIA GPU, on a machine with nothing but Python 3.11 or newer:
#
#   benchmarks/gpu.sh [--smoke] [OUT]
#
# Makes an environment beside this repository's own (build/gpu-venv) from the hashed locks, CUDA's
# torch included, and writes OUT/train_gpu.json and OUT/train_path.json, each with a .txt beside it
# (default build/gpu): speed, then the way from trigger to adapter to a served answer with the
# demo's base, training and serving on the one GPU. With Java 17 on PATH it also turns the whole
# wheel once, streams included. About ten minutes with a fast network. --smoke does the same with a
# tiny shape on a CPU. DESKWHEEL_PYTHON names an environment that is ready, to be used as it is,
# with PYTHONPATH.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
smoke=() gpu=(--gpu)
if [[ ${1:-} == --smoke ]]; then
    smoke=(--smoke) gpu=()
    shift
fi
out=${1:-build/gpu}
mkdir -p "$out"
venv=build/gpu-venv

say() { printf '[%s] %s\n' "$(date +%T)" "$*"; }
stop() {
    say "stopped: $*" >&2
    exit 1
}

find_python() {
    local candidate
    for candidate in python3.13 python3.12 python3.11 python3; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$candidate"
            return
        fi
    done
    stop "no Python 3.11 or newer on PATH; install one"
}

install() {
    local python=$1
    [[ -x $venv/bin/python ]] || "$python" -m venv "$venv" || stop "no venv: install python3-venv"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps \
        --require-hashes -r requirements/uv.txt
    "$venv/bin/uv" pip sync --quiet --python "$venv/bin/python" --require-hashes \
        --build-constraints requirements/locked.txt \
        requirements/locked.txt requirements/torch-cuda.txt
}

if [[ -n ${DESKWHEEL_PYTHON:-} ]]; then
    run=$DESKWHEEL_PYTHON
else
    say "environment: $venv"
    install "$(find_python)"
    run=$venv/bin/python
fi

if [[ ${#smoke[@]} -eq 0 ]]; then
    command -v nvidia-smi >/dev/null || stop "no nvidia-smi: is there an NVIDIA driver? --smoke needs none"
    nvidia-smi --query-gpu=name,driver_version,memory.total,power.limit --format=csv | tee "$out/device.csv"
fi

export PYTHONPATH=$root${PYTHONPATH:+:$PYTHONPATH} TOKENIZERS_PARALLELISM=false HF_HUB_OFFLINE=1 DO_NOT_TRACK=1

say "throughput, MFU, and examples to an adapter to answers"
status=0
"$run" -m benchmarks.train_gpu "${smoke[@]}" --json "$out/train_gpu.json" 2>"$out/train_gpu.log" |
    tee "$out/train_gpu.txt" || status=$?

say "the whole way without streams: trigger, adapter, served answer"
"$run" -m benchmarks.train_path "${gpu[@]}" --json "$out/train_path.json" 2>&1 |
    tee "$out/train_path.txt" || status=$?

if [[ ${#smoke[@]} -eq 0 ]] && command -v java >/dev/null; then
    say "the whole wheel on the GPU, streams included"
    # Training and serving join the stack's Ray, which gives each half of the one GPU.
    "$run" -c 'import sys; from deskwheel.cli import main; sys.exit(main())' demo --no-color \
        --home "$out/wheel" --set train.use_gpu=true --set jobs.gpus_per_worker=0.5 \
        --set serve.num_gpus=0.5 2>&1 | tee "$out/wheel.txt" || status=$?
elif [[ ${#smoke[@]} -eq 0 ]]; then
    say "no java on PATH: the whole wheel is left out (Java 17 runs it)"
fi

say "written: $out/train_gpu.json, $out/train_path.json, and a .txt beside each"
exit "$status"
