"""Who is compared with whom, and the scores of the comparisons, as arrays."""
