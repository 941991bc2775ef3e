"""The artifacts of the graph: their types, and a model for each of their files."""
