"""Prepare one photo: from its file to the stored JPEG and the model's input.

Import its modules one by one: the settings need `spec`, but neither NumPy nor Pillow.
"""
