#!/bin/sh
# Make every lock file again from the ranges in setup.py, for both TFX lines, on any host.
# usage: UV=uv requirements/lock.sh
set -eu

cd "$(dirname "$0")/.."
runs="--extra kubeflow --extra vertex --extra kubeflow-registry --extra gcs --extra s3 --extra postgres"
runs="$runs --extra serve --extra heic"

# compile LOCK ARGUMENT...: the platform is the oldest glibc that the line runs on.
compile() {
    lock=requirements/$1
    shift
    echo "$lock" >&2
    "$UV" pip compile --quiet --upgrade --generate-hashes --no-annotate \
        --custom-compile-command "make lock" -o "$lock" "$@"
}

echo uv | compile uv.txt -
# rfc3987-syntax is left out, which saves two and a half seconds of every start: kubernetes-validate,
# which the tests use, makes TFX import jsonschema, and jsonschema would then load a grammar of web
# addresses that nothing here checks.
# shellcheck disable=SC2086  # the extras are words
compile tfx-1.16-py311.txt setup.py $runs --extra dev --constraint requirements/tfx-1.16.constraints \
    --python-version 3.11 --python-platform x86_64-manylinux_2_28 --no-emit-package rfc3987-syntax
for python in 3.11 3.12 3.13; do
    # shellcheck disable=SC2086
    compile "tfx-1.21-py$(echo $python | tr -d .).txt" setup.py $runs --extra dev \
        --constraint requirements/tfx-1.21.constraints \
        --python-version $python --python-platform x86_64-manylinux_2_39
done
# The containers get the versions that the tests of their line ran with: the line's lock is the bound.
# shellcheck disable=SC2086
compile image-py313.txt setup.py $runs --constraint requirements/tfx-1.21-py313.txt \
    --python-version 3.13 --python-platform x86_64-manylinux_2_39
# shellcheck disable=SC2086
compile image-gpu-py313.txt setup.py $runs --extra gpu --constraint requirements/tfx-1.21-py313.txt \
    --python-version 3.13 --python-platform x86_64-manylinux_2_39
