"""Checkpoints, saved after each epoch, from which another process resumes a training."""
