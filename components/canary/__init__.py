"""The canary: a model is served in a fresh process, with TensorFlow alone, before it is published.

It does the work of TFX's InfraValidator, which needs Docker or Kubernetes to start a model server,
and which Kubeflow Pipelines v2 cannot run.
"""
