"""Counts of items, pairs and triples with bounds, per partition and added up."""
