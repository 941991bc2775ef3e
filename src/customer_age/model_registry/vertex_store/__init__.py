"""Versions in Vertex AI's Model Registry, with their files in Cloud Storage."""
