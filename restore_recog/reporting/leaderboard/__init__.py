"""Every restorer, segmenter, recogniser and protocol of finished runs in one table."""
