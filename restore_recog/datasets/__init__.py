"""Built-in data sets, one module a layout on disk."""
