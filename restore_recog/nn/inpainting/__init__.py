"""What restorers that are trained as inpainters share: options, losses, training, restorer."""
