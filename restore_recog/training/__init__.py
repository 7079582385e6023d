"""The training engine and what it feeds on."""
