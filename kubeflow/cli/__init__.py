"""The command-line verbs that use clusters."""
