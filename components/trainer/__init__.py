"""What TFX's Trainer runs: a ResNet50 that answers with an age in years."""
