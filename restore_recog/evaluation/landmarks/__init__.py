"""How far landmarks are off, with and without a covering."""
