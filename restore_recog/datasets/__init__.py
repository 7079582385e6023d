"""Built-in data sets, one module per layout on disk."""
