"""A run on this machine: its checks, its work folder, its output and its outcome."""
