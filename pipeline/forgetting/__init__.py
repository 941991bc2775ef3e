"""Forgetting: erases a person's photos, or old ones, wherever this project keeps them."""
