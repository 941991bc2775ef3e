"""The graph on Kubeflow Pipelines and Vertex AI: the compiler, the entry point, the submission."""
