"""What runs in a container: one executor, between the back end and TFX."""
