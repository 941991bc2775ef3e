"""Publishes a blessed model in the model registry."""
