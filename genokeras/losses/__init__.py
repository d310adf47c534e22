"""Losses that return one number per example."""
