#!/bin/sh
# Take out of an environment what no container needs when it runs.
# usage: trim.sh VENV
#
# Every package stays, with its metadata and its licence: Beam's boot asks pip what is installed.
set -eu
cd "$1"/lib/python3*/site-packages

# What serves only whoever compiles against TensorFlow: its headers, and a compiler's library (505 MB).
rm -rf tensorflow/include clang/native

# The packages' own tests, and data for them (130 MB). What they license goes with them.
find . -type d \( -name tests -o -name testdata \) -prune -exec rm -rf {} +

# A server's pages, the programs behind them, and what completes names at a prompt (90 MB): MLflow's
# server and TensorBoard run elsewhere, and nobody types in a container.
rm -rf mlflow/server/js tensorboard_data_server/bin/server jedi/third_party ../../../share/jupyter

# Symbols for a debugger (440 MB). Each library is written anew: an installer may have linked it
# from its cache.
find . -type f -size +1M \( -name '*.so' -o -name '*.so.[0-9]*' \) | while IFS= read -r library; do
    strip --strip-unneeded -o "$library.stripped" "$library"
    mv "$library.stripped" "$library"
done
