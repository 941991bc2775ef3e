#!/bin/sh
# The image's entry point. Beam's runners start a worker with options only (--id=...), and a pool of
# workers with --worker_pool; everything else is started with a command. Kubeflow and Vertex replace
# this script by their own command.
boot=/opt/apache/beam/boot
case ${1:-} in
# Beam's own pool would listen on every address, and anyone who can connect to it can run programs.
--worker_pool)
    shift
    export BEAM_PYTHON_WORKER_POOL_ID=$$
    exec python -m customer_age.components.beam_elsewhere.worker_pool --container_executable="$boot" "$@"
    ;;
-*) exec "$boot" "$@" ;;
*) exec "$@" ;;
esac
