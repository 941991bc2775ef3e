#!/usr/bin/env bash
# Build the programs of the cluster tests, once, and print the folder that holds them.
#
# usage: programs/build.sh [--check]      --check only reports whether Go is there
#
#   CUSTOMER_AGE_CACHE   where they are kept (default: customer-age in the user's cache folder).
#                        Modules and objects are kept where Go keeps them (go env GOMODCACHE GOCACHE).
#
# From nothing this takes some minutes, and 4 GB; afterwards well under a second.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
cache=${CUSTOMER_AGE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/customer-age}/cluster

command -v go >/dev/null || {
    echo "test-cluster: Go 1.26 or newer is not installed; it builds the Kubernetes API server, etcd and Argo's controller (https://go.dev/dl)" >&2
    exit 2
}
[ "${1:-}" != --check ] || exit 0

# Folder of the Go module, package, name of the program.
programs() {
    echo kubernetes go.etcd.io/etcd/server/v3 etcd
    echo kubernetes k8s.io/kubernetes/cmd/kube-apiserver kube-apiserver
    echo argo github.com/argoproj/argo-workflows/v4/cmd/workflow-controller workflow-controller
}

# Other versions or another Go are other programs, in another folder.
key=$({ cat "$0" "$here"/*/go.mod "$here"/*/go.sum; go version; } | sha256sum | cut -c-16)
folder=$cache/$key

mkdir -p "$folder"
exec 9>"$cache/lock"
flock 9
programs | while read -r module package name; do
    if [ ! -x "$folder/$name" ]; then
        echo "test-cluster: building $name" >&2
        # Made under another name: a build that is stopped leaves no program.
        (
            cd "$here/$module"
            release=$(go list -m -f '{{.Version}}' k8s.io/kubernetes 2>/dev/null || true)
            # A test needs no optimized program, and a compiler that seldom collects garbage is faster:
            # together they save two fifths of the time.
            GOGC=400 CGO_ENABLED=0 go build -o "$folder/.$name" -gcflags="all=-N -l" \
                -ldflags="-s -w -X k8s.io/component-base/version.gitVersion=$release" "$package"
        )
        mv "$folder/.$name" "$folder/$name"
    fi
done
# Argo's custom resources come with its module.
if [ ! -d "$folder/argo-crds" ]; then
    module=$(cd "$here/argo" && go list -m -f '{{.Dir}}' github.com/argoproj/argo-workflows/v4)
    cp -r "$module/manifests/base/crds/minimal" "$folder/.argo-crds"
    chmod -R u+w "$folder/.argo-crds"
    mv "$folder/.argo-crds" "$folder/argo-crds"
fi
# Cilium's too, of which the manifests hold a policy.
if [ ! -d "$folder/cilium-crds" ]; then
    (cd "$here/custom_resources" && go mod download github.com/cilium/cilium)
    module=$(cd "$here/custom_resources" && go list -m -f '{{.Dir}}' github.com/cilium/cilium)
    mkdir -p "$folder/.cilium-crds"
    cp "$module/pkg/k8s/apis/cilium.io/client/crds/v2/ciliumnetworkpolicies.yaml" "$folder/.cilium-crds/"
    mv "$folder/.cilium-crds" "$folder/cilium-crds"
fi
echo "$folder"
