"""Landmarkers that come with the package."""
