"""Drift: whether a figure of the whole log has become another than it was, judged by how it fluctuated before."""
