"""What is known of a run, collected from what it left behind, and what follows from it."""
