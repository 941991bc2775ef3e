"""Start the compiled pipeline on Kubeflow or Vertex AI, each run once, and follow it."""
