"""The images on their way through the arms."""
