"""Train a model on photos to estimate a person's age, check its quality, and publish it.

The four rooms of the pipeline are folders at the top of the checkout, linked from here. The
packages that they share are in this folder.
"""
