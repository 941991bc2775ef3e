"""Learns a person's age from a photo, proves that it is good enough, and publishes the model.

The four rooms of the pipeline stand at the top of the checkout and are linked here; what they
share stands here itself.
"""
