"""The HTML pages about a run: their sentences, tables, plots and templates."""
