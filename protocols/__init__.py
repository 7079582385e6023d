"""Evaluation protocols, one module each: who is compared with whom."""
