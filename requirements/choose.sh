#!/bin/sh
# Print the lock file for this host's glibc and the given Python; explain on standard error.
# usage: requirements/choose.sh PYTHON
set -eu

folder=$(dirname "$0")
python=$1
version=$("$python" -c 'import sys; print("%d%d" % sys.version_info[:2])') || {
    echo "set-up: $python is not to be found; name one with make PYTHON=python3.11" >&2
    exit 2
}
glibc=$(getconf GNU_LIBC_VERSION 2>/dev/null | cut -d' ' -f2)
newest=$(printf '%s\n2.38\n' "${glibc:-0}" | sort -V | tail -n 1)

lock=$folder/tfx-1.21-py$version.txt
if [ "$newest" != "${glibc:-0}" ] || [ ! -f "$lock" ]; then
    lock=$folder/tfx-1.16-py$version.txt
fi
if [ ! -f "$lock" ]; then
    echo "set-up: no lock file for Python $version and glibc ${glibc:-unknown};" \
        "use Python 3.11, as in make PYTHON=python3.11" >&2
    exit 2
fi
echo "set-up: glibc ${glibc:-unknown}, Python $version: $(basename "$lock" .txt)" >&2
echo "$lock"
