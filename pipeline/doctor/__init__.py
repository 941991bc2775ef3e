"""What `customer-age doctor` looks at: faults of a machine, told before a run meets them."""
