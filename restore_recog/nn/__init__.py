"""Network blocks and losses that more than one restorer uses."""
