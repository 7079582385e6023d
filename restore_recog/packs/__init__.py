"""Training faces in one file."""
