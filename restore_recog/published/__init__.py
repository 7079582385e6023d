"""What the papers printed: their tables as data, what each needs, and ours set beside them."""
