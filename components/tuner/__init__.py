"""TFX's Tuner with KerasTuner: which settings of the Trainer give the lowest error on `valid`."""
