"""Benchmarks: speed and quality against other ways of doing the same, side by side in one run.

``python -m benchmarks`` runs them all, ``python -m benchmarks counting rules`` some of them.
"""
