"""The verbs of the command `customer-age`: one file for each."""
