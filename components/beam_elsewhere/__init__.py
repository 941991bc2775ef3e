"""Beam with workers elsewhere: job server, worker pool, and the runner that watches a job."""
