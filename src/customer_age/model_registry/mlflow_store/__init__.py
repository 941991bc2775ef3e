"""Versions in MLflow's model registry, in a SQLite file or on a server."""
