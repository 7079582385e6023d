"""Pages that need nothing else: no scripts, no links elsewhere, images inside."""
