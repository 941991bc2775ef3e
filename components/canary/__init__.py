"""The canary: TensorFlow alone serves a model in a new process before the model is published.

It does the work of TFX's InfraValidator, which needs Docker or Kubernetes to start a model server,
and which Kubeflow Pipelines v2 cannot run.
"""
