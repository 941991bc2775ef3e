"""One photo: from its file to what is stored and what a model is asked about.

Its modules are imported one by one: settings need `spec`, and neither NumPy nor Pillow.
"""
