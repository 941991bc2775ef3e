"""The code that TFX's Trainer runs: it trains a ResNet50 that predicts an age in years."""
