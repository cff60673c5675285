"""What to recommend: from the counts of items and pairs, a basket, and what a customer bought before."""
