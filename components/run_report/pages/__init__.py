"""The HTML pages on a run: their texts, tables and plots, and the templates that show them."""
