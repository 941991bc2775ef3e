"""The pipeline: its settings, its graph, how it runs on one machine, and the command line."""
