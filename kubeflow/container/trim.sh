#!/bin/sh
# Remove from an environment what a running container does not need.
# usage: trim.sh VENV
#
# Every package stays, with its metadata and its licence: Beam's boot asks pip what is installed.
set -eu
cd "$1"/lib/python3*/site-packages

# Files that are only needed to compile against TensorFlow: headers, and a compiler's library (505 MB).
rm -rf tensorflow/include clang/native

# The packages' own tests and their data (130 MB), with the licences of only these files.
find . -type d \( -name tests -o -name testdata \) -prune -exec rm -rf {} +

# The pages and programs of servers, and the completion at a prompt (90 MB): MLflow's server and
# TensorBoard run elsewhere, and nobody types in a container.
rm -rf mlflow/server/js tensorboard_data_server/bin/server jedi/third_party ../../../share/jupyter

# Symbols for a debugger (440 MB). Each library is replaced by a new file, because an installer may
# have hard-linked it from its cache.
find . -type f -size +1M \( -name '*.so' -o -name '*.so.[0-9]*' \) | while IFS= read -r library; do
    strip --strip-unneeded -o "$library.stripped" "$library"
    mv "$library.stripped" "$library"
done
