"""What a run would make of a data set, found out without TensorFlow."""
