"""Stops a run whose data are not what the schema and the limits ask for."""
