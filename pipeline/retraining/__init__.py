"""Retraining that starts by itself: the inbox, the ledger, the policy, and the trigger."""
