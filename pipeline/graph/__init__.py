"""The graph of components, its cache keys, and its parameters from the settings."""
