"""Keras layers shared by the models."""
