"""The settings of a run, one section per file: read from YAML and checked."""
