"""The verbs of the command line that know of clusters."""
