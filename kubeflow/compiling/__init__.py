"""Compiles the graph for Kubeflow Pipelines and Vertex AI Pipelines."""
