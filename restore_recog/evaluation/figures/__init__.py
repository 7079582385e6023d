"""What scores amount to: figures with intervals."""
