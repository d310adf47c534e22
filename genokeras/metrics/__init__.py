"""Metrics that are exact over a whole split, in NumPy."""
