#!/usr/bin/env bash
# The part of run.sh inside the mount namespace: create the root once, enter it, run a command.
# usage: inside.sh CACHE CHECKOUT COMMAND...
set -euo pipefail

cache=$1
checkout=$2
shift 2
root=$cache/root
here=$checkout/tests/debian13
packages=$(sed '/^#/d; s/#.*//' "$here/packages.txt" | paste -sd, | tr -d ' ')

# A root is complete when it contains the list of its packages.
if [ "$(cat "$root/packages" 2>/dev/null)" != "$packages" ]; then
    echo "debian13: making a Debian 13 root in $root (some minutes, once)" >&2
    rm -rf "$root" "$cache/new"
    debootstrap --variant=minbase --include="$packages" trixie "$cache/new" "$("$here/mirror.sh")" \
        >"$cache/debootstrap.log" 2>&1 || {
        tail -n 5 "$cache/debootstrap.log" >&2
        echo "debian13: debootstrap failed; its output is in $cache/debootstrap.log" >&2
        exit 1
    }
    echo "$packages" >"$cache/new/packages"
    mv "$cache/new" "$root"
fi

rm -rf "${root:?}"/tmp/* "$root$HOME/.cache/pytest"
mount --bind "$root" "$root" # the new root must be a mount
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount --rbind /sys "$root/sys"
# The host's settings of its network and its package indexes also apply inside. They are mounted, not
# copied, because they may contain a password.
for file in /etc/resolv.conf /etc/hosts /etc/ssl/certs/ca-certificates.crt \
    /etc/pip.conf "$HOME/.config/pip/pip.conf" "$HOME/.pip/pip.conf" "${PIP_CONFIG_FILE:-}" \
    /etc/uv/uv.toml "$HOME/.config/uv/uv.toml" "${UV_CONFIG_FILE:-}" "$HOME/.netrc"; do
    if [ -f "$file" ]; then
        mkdir -p "$root$(dirname "$file")"
        [ -e "$root$file" ] || touch "$root$file"
        mount --bind "$(readlink -f "$file")" "$root$file"
    fi
done
# A folder that both sides share under the same name.
if [ -n "${CUSTOMER_AGE_HANDOVER:-}" ]; then
    mkdir -p "$root$CUSTOMER_AGE_HANDOVER"
    mount --bind "$CUSTOMER_AGE_HANDOVER" "$root$CUSTOMER_AGE_HANDOVER"
fi
mapfile -t environment < <(env | grep -E '^(CI|HOME|TERM|CUSTOMER_AGE_HANDOVER|(PIP|UV|OPENBLAS)_\w+|\w*_proxy|\w*_PROXY)=')
for name in SSL_CERT_FILE REQUESTS_CA_BUNDLE CURL_CA_BUNDLE; do
    if [ -e "$root${!name:-/none}" ]; then
        environment+=("$name=${!name}")
    fi
done

# The checkout with uncommitted changes; the environment inside stays from one run to the next.
mkdir -p "$root/checkout"
find "$root/checkout" -mindepth 1 -maxdepth 1 ! -name .venv ! -name .mypy_cache -exec rm -rf {} +
tar -C "$checkout" -c --exclude=./.git --exclude=./.venv --exclude=./work --exclude=__pycache__ \
    --exclude='./.*_cache' --exclude=./build --exclude='./*.egg-info' . |
    tar -C "$root/checkout" -x --no-same-owner

# Debian has PostgreSQL's programs in a separate folder.
paths=/usr/sbin:/usr/bin:/sbin:/bin$(cd "$root" && printf ':/%s' usr/lib/postgresql/*/bin)
# Not chroot: inside it, a test could not create its own namespace.
mkdir -p "$root/.host"
cd "$root"
pivot_root . .host
cd /
umount --lazy /.host
# Processes that bash starts in the background ignore SIGINT; the command must not.
exec /usr/bin/env -i --default-signal=INT,QUIT "PATH=$paths" LANG=C.UTF-8 "${environment[@]}" \
    sh -c 'cd /checkout && exec "$@"' sh "$@"
