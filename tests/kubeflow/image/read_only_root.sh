#!/usr/bin/env bash
# Run a command in an image as a cluster that trusts nobody does: the root read-only, a user without
# a name or rights, an empty environment; and no network but its own loopback, so that nobody reaches
# what listens here. Whichever way this ends, its mounts and processes end too.
#
# usage: read_only_root.sh ROOT UID:GID VOLUME... -- [NAME=VALUE...] COMMAND...
#   ROOT     a folder with the image's files; nothing is written there
#   VOLUME   an empty folder of the image's that is writable, as an emptyDir is: /tmp, ...
set -euo pipefail

if [ "${INSIDE:-}" != "$$" ]; then
    exec setpriv --pdeathsig KILL unshare --mount --propagation private --net --pid --fork \
        --kill-child --mount-proc bash -c 'INSIDE=$$ exec bash "$@"' bash "$0" "$@"
fi
root=$1
user=$2
shift 2
mount --bind "$root" "$root"
mount -o remount,bind,ro "$root"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
while [ "$1" != -- ]; do
    mount -t tmpfs -o mode=1777 volume "$root$1"
    shift
done
shift
cd "$root"
chroot "$root" /usr/local/bin/python -c '
import fcntl, socket, struct
up = struct.pack("16sH14x", b"lo", 0x1 | 0x40)
fcntl.ioctl(socket.socket(), 0x8914, up)  # SIOCSIFFLAGS: IFF_UP, IFF_RUNNING
'
exec chroot "$root" setpriv --reuid "${user%:*}" --regid "${user#*:}" --clear-groups \
    --no-new-privs --bounding-set=-all --inh-caps=-all env -i --chdir /tmp "$@"
