"""Files, devices, processes, provenance."""
