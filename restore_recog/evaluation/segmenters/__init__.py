"""How good segmenters are, and what their errors cost recognition."""
