"""The same graph on Kubeflow Pipelines and Vertex AI: compiling, the entry point, submitting."""
