"""Comparison scores of templates, as arrays."""
