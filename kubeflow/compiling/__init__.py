"""From the graph to what Kubeflow Pipelines and Vertex AI Pipelines run."""
