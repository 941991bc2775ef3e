"""The graph of components, what keys its cache, and what the settings say to it."""
