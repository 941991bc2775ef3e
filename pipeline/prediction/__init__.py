"""Predicts ages with a published model: a few photos on the command line, or millions with Beam."""
