#!/usr/bin/env bash
# Run the tests that depend on the TFX line on TFX 1.21, in the Debian 13 root, and hand models from
# TFX 1.16, on this host, to it and back.
# usage: tests/debian13/both_lines.sh PYTHON      of the environment on this host
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
python=$1
line=$("$python" -c 'from importlib.metadata import version; print(version("tfx"))')
case $line in
1.16.*) ;;
*)
    echo "both lines: this host runs TFX $line like the Debian 13 root: there is no other line"
    exec "$here/run.sh" make test-line
    ;;
esac

folder=$(mktemp -d -t customer-age-handover.XXXXXX)
trap 'rm -rf "$folder"' EXIT
export CUSTOMER_AGE_HANDOVER=$folder
stage() { "$python" -m pytest -q "tests/both_lines"; }

cd "$here/../.."
echo "both lines: TFX $line publishes"
stage
# With CUSTOMER_AGE_HANDOVER, tests/both_lines is one of the tests.
echo "both lines: TFX 1.21 continues, and runs its tests"
"$here/run.sh" make test-line
echo "both lines: TFX $line continues"
stage
