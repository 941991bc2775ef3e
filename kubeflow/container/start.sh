#!/bin/sh
# The image's entry point. Beam's runners start a worker by options alone (--id=...), and a pool of
# workers is started by --worker_pool; who starts anything else names a command. Kubeflow and Vertex
# put theirs in this script's place.
boot=/opt/apache/beam/boot
case ${1:-} in
# Beam's own pool would listen on every address, and whoever reaches it runs programs.
--worker_pool)
    shift
    export BEAM_PYTHON_WORKER_POOL_ID=$$
    exec python -m customer_age.components.beam_elsewhere.worker_pool --container_executable="$boot" "$@"
    ;;
-*) exec "$boot" "$@" ;;
*) exec "$@" ;;
esac
