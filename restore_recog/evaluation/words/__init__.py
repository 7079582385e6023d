"""What figures say, in sentences."""
