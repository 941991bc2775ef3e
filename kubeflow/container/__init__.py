"""The code that runs one executor in a container, between the back end and TFX."""
