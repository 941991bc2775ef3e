"""The verbs of the command `customer-age`, a file for each."""
