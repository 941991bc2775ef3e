"""The checks of `customer-age doctor`: they find faults of a machine before a run does."""
