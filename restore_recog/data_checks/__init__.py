"""Checks of data sets before use."""
