"""Segmenters: what finds the occluded pixels."""
