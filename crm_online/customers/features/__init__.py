"""Features: what a customer's vector is made of, one file each.

To add one, add a file with a module-level ``FEATURE`` (see any of the others). Its file name is its name in
settings, topics and exports; ``features.use`` takes it into use.
"""
