"""TFX's Tuner with KerasTuner: it searches the Trainer's settings for the lowest MAE on `valid`."""
