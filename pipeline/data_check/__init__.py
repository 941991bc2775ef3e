"""Checks a data set as a run would, without TensorFlow."""
