"""Built-in recognisers, one file each, registered by entry point."""
