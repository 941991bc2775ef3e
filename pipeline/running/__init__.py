"""A run on this machine: its checks, its work folder, what it shows and how it ends."""
