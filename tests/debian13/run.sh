#!/usr/bin/env bash
# Run the checks and the tests on TFX 1.21 in a Debian 13 root, on any Linux.
#
# usage: tests/debian13/run.sh [COMMAND...]     as root; the default command is: make test
#
#        tests/debian13/run.sh --check          reports whether that is possible here, and does nothing
#
#   CUSTOMER_AGE_CACHE   where the root is kept (default: customer-age in the user's cache folder);
#                        removing that folder undoes everything
#   DEBIAN_MIRROR        where Debian comes from (default: this host's own mirror, or Debian's)
#
# Every mount is in a separate mount namespace, and every process inside is a child of that
# namespace's first process. So when this script ends in any way, also by Ctrl-C or kill -9, the
# kernel ends those processes and removes the mounts.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
cache=${CUSTOMER_AGE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/customer-age}/debian13

[ $# -gt 0 ] || set -- make test

refuse() {
    echo "debian13: $*" >&2
    exit 2
}

[ "$(id -u)" = 0 ] || refuse "mounts need root: run it as root, as in sudo make test-debian13"
[ "$(uname -sm)" = "Linux x86_64" ] || refuse "TFX has wheels for Linux on x86_64, and this is $(uname -sm)"
for program in debootstrap wget unshare pivot_root setpriv flock tar; do
    command -v "$program" >/dev/null ||
        refuse "$program is not found: apt-get install debootstrap wget util-linux tar"
done
[ -f /usr/share/keyrings/debian-archive-keyring.gpg ] ||
    refuse "Debian's keys are not found: apt-get install debian-archive-keyring"
unshare --mount --pid --fork true 2>/dev/null ||
    refuse "root cannot create a mount namespace on this host (a container without --privileged?)"

mkdir -p "$cache"
if [ ! -d "$cache/root" ]; then
    mirror=$("$here/mirror.sh")
    wget --quiet --spider --timeout=10 --tries=1 "$mirror/dists/trixie/InRelease" ||
        refuse "$mirror does not answer; set another mirror with DEBIAN_MIRROR"
    [ "$(df --output=avail --block-size=1G "$cache" | tail -n 1)" -ge 8 ] ||
        refuse "8 GB are needed in $cache; set another folder with CUSTOMER_AGE_CACHE"
fi
[ "$1" != --check ] || exit 0

exec 9>"$cache/lock"
flock --nonblock 9 || {
    echo "debian13: waiting for another run in $cache" >&2
    flock 9
}

stop() {
    trap '' INT TERM HUP
    kill -KILL "$inside" 2>/dev/null || true
    wait "$inside" 2>/dev/null || true
    exit "$1"
}

# In the background, so that a signal is handled at once and not after the tests have ended.
setpriv --pdeathsig KILL \
    unshare --mount --propagation private --pid --fork --kill-child \
    bash "$here/inside.sh" "$cache" "$(cd "$here/../.." && pwd)" "$@" &
inside=$!
trap 'stop 130' INT
trap 'stop 143' TERM
trap 'stop 129' HUP
wait "$inside"
