"""The HTTP service, measured from other processes."""
