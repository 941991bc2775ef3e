"""Forgetting: erases a person's photos, or old photos, wherever the project keeps them."""
