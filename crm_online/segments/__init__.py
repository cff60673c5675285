"""Segments: online k-means over customers, one point each; arrays in, arrays out.

``vectors`` turns features into integer vectors, ``sums`` holds what a segment's members add up to,
``kmeans`` finds nearest centres and fits new ones, ``model`` keeps ids across refits, ``online`` puts
these together for the engine and for the estimator in ``online_kmeans``, ``reported`` decides which
moves are reported, ``describe`` names segments, ``hierarchy`` joins them into a tree.
"""
