"""The TFX components of customer-age, and what they stand on."""
