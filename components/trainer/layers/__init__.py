"""The network's own layers, loss and metric, in addition to those of Keras."""
