#!/bin/sh
# Print the Python and the lock file for this host, and say on standard error why those.
# usage: requirements/choose.sh [PYTHON]; without PYTHON, the first on PATH that has a lock here
set -eu

folder=$(dirname "$0")
wanted=${1:-}
needed=2.38 # TFX 1.21's wheels for MLMD and TFDV ask for it

refuse() {
    echo "set-up: $*" >&2
    exit 2
}

platform=$(uname -s)-$(uname -m)
[ "$platform" = Linux-x86_64 ] ||
    refuse "TFX has wheels for Linux on x86_64, and this is $platform: use a container or a machine of that kind"
glibc=$(getconf GNU_LIBC_VERSION 2>/dev/null | cut -d' ' -f2)
[ -n "$glibc" ] ||
    refuse "TFX's wheels need glibc, and this host has another C library: use Debian 12 or newer, or Ubuntu 22.04 or newer"

if [ "$(printf '%s\n%s\n' "$glibc" $needed | sort -V | head -n 1)" = $needed ]; then
    line=1.21
    why="glibc $glibc"
else
    line=1.16
    why="glibc $glibc is older than the $needed of TFX 1.21"
fi

seen=
for python in ${wanted:-python3 python3.13 python3.12 python3.11}; do
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || continue
    lock=$folder/tfx-$line-py$(echo "$version" | tr -d .).txt
    if [ -f "$lock" ]; then
        headers=$("$python" -c 'import sysconfig; print(sysconfig.get_path("include"))')
        if ! command -v c++ >/dev/null || [ ! -f "$headers/Python.h" ]; then
            refuse "pyfarmhash, which TFX needs, is compiled here, without a C++ compiler or the headers of" \
                "Python $version: as root, apt-get install g++ python$version-dev"
        fi
        echo "set-up: TFX $line on Python $version ($(command -v "$python")), because $why" >&2
        echo "$python $lock"
        exit 0
    fi
    seen="$seen $python is $version;"
done

ours=$(cd "$folder" && ls tfx-$line-py*.txt | sed 's/.*-py\([0-9]\)\([0-9]*\)\.txt/\1.\2/' | paste -sd ' ')
[ -n "$seen" ] || seen=" ${wanted:-python3} is not to be found;"
refuse "no lock file for this Python and this host:$seen $why, and TFX $line is locked for Python $ours:" \
    "install one, and name it with make PYTHON=python${ours##* }"
