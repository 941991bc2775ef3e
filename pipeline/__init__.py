"""The pipeline: its settings, its graph, local runs, and the command line."""
