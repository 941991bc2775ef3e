"""The second document of a pipeline for Kubeflow: the options of Kubernetes."""

from google.protobuf import json_format
from kfp.kubernetes import kubernetes_executor_config_pb2 as kubernetes
from kfp.pipeline_spec import pipeline_spec_pb2

from customer_age.pipeline.settings.cluster import GpuSettings
from customer_age.pipeline.settings.settings import Settings

from . import gpus


def platform_document(settings: Settings, executors: dict[str, str]) -> dict:
    """Return node selectors, tolerations, secrets, image pulling, security context, time limits.

    Args:
        settings: of the pipeline.
        executors: component to the label of its executor.

    Returns:
        A `PlatformSpec` as a dict.
    """
    gpu_of = gpus.of_components(settings)
    document = pipeline_spec_pb2.PlatformSpec()
    deployment = document.platforms["kubernetes"].deployment_spec
    for component, label in executors.items():
        config = _executor_config(settings, gpu_of.get(component))
        deployment.executors[label].update(json_format.MessageToDict(config))
        if settings.cluster.run_as_non_root:
            # kfp-kubernetes 1.5, the release for TFX 1.16, has no message for it.
            deployment.executors[label].update({"securityContext": {"runAsNonRoot": True}})
    return json_format.MessageToDict(document)


def _executor_config(
    settings: Settings, gpu: GpuSettings | None
) -> kubernetes.KubernetesExecutorConfig:
    cluster = settings.cluster
    config = kubernetes.KubernetesExecutorConfig(
        image_pull_policy=cluster.image_pull_policy,
        image_pull_secret=[
            kubernetes.ImagePullSecret(secret_name=name) for name in cluster.image_pull_secrets
        ],
        active_deadline_seconds=cluster.timeout_seconds,
        secret_as_env=[
            kubernetes.SecretAsEnv(
                secret_name=secret.secret,
                key_to_env=[
                    kubernetes.SecretAsEnv.SecretKeyToEnvMap(secret_key=key, env_var=variable)
                    for key, variable in sorted(secret.variables.items())
                ],
            )
            for secret in cluster.secret_environment
        ],
        secret_as_volume=[
            kubernetes.SecretAsVolume(
                secret_name=secret.secret, mount_path=secret.folder, optional=False
            )
            for secret in cluster.secret_files
        ],
    )
    if gpu is not None:
        _put_on_gpu_nodes(config, gpu)
    return config


def _put_on_gpu_nodes(config: kubernetes.KubernetesExecutorConfig, gpu: GpuSettings) -> None:
    config.node_selector.labels.update(gpu.node_selector)
    for toleration in gpu.tolerations:
        config.tolerations.add(**toleration.model_dump(exclude_defaults=False))
