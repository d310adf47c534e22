"""Configurations against each other: runs, what they scored, how sure the differences are."""
