"""Customers: what is remembered of each one, and the features read from it."""
