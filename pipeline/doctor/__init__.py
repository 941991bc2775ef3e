"""What `customer-age doctor` checks: faults of a machine, told before a run meets them."""
