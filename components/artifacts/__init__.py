"""What the nodes of the graph hand to each other: artifact types, and one model for each file."""
