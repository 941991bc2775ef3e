"""Loyalty cards: who was born when, and so how old a photo's person was."""
