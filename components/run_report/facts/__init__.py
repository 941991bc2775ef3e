"""The facts of a run, collected from its artifacts, and what follows from them."""
