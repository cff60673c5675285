"""Baskets: lines that come one by one, gathered until the basket closes."""
