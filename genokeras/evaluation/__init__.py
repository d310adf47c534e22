"""Scores of a whole split with intervals, baselines, and predictions."""
