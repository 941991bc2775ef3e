"""The TFX components of customer-age, and the code that they share."""
