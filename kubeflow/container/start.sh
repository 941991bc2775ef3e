#!/bin/sh
# The image's entry point. Beam's runners start a worker by options alone (--id=..., --worker_pool);
# who starts anything else names a command. Kubeflow and Vertex put theirs in this script's place.
case ${1:-} in
-*) exec /opt/apache/beam/boot "$@" ;;
*) exec "$@" ;;
esac
