#!/usr/bin/env bash
# Puts kube-apiserver (built from its Go module) and etcd (the system's) in one
# folder, the one KUBEBUILDER_ASSETS is to point to.
# usage: .ci/build-kube-apiserver.sh [folder]
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
out=${1:-${XDG_CACHE_HOME:-$HOME/.cache}/mlops-iac/kubebuilder/bin}

etcd=$(command -v etcd) || {
  echo "build-kube-apiserver: no etcd on PATH (Debian: apt-get install etcd-server)" >&2
  exit 1
}
mkdir -p "$out"
out=$(cd "$out" && pwd)
[[ $etcd -ef $out/etcd ]] || ln -sfn "$etcd" "$out/etcd"

version=$(awk '{ sub(/^require /, "") } $1 == "k8s.io/kubernetes" { print $2; exit }' "$here/kube-apiserver/go.mod")
[[ $version =~ ^v([0-9]+)\.([0-9]+)\.[0-9]+$ ]] || {
  echo "build-kube-apiserver: no k8s.io/kubernetes version in $here/kube-apiserver/go.mod" >&2
  exit 1
}
major=${BASH_REMATCH[1]} minor=${BASH_REMATCH[2]}

if [[ "$("$out/kube-apiserver" --version 2>/dev/null || true)" == "Kubernetes $version" ]]; then
  echo "build-kube-apiserver: $out already has kube-apiserver $version"
  exit 0
fi

echo "build-kube-apiserver: building kube-apiserver $version into $out (some minutes)"
# Without these the server calls itself v0.0.0-master.
v=k8s.io/component-base/version
part=$(mktemp "$out/.kube-apiserver.XXXXXX")
trap 'rm -f "$part"' EXIT
(cd "$here/kube-apiserver" && CGO_ENABLED=0 GOWORK=off go build -mod=readonly -trimpath \
  -ldflags "-s -w -X $v.gitVersion=$version -X $v.gitMajor=$major -X $v.gitMinor=$minor" \
  -o "$part" k8s.io/kubernetes/cmd/kube-apiserver)
chmod 755 "$part"
mv -f "$part" "$out/kube-apiserver"
echo "build-kube-apiserver: built $out/kube-apiserver $version"
