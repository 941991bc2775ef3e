"""Versions in a Kubeflow Model Registry, with their files in an object store."""
