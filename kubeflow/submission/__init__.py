"""Starting the compiled pipeline on Kubeflow or Vertex AI, each run once, and following it."""
