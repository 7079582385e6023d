"""Work of the networks, kept so that none of it is done twice."""

CACHE = ".restore-recog-cache"
"""Name of the folder of finished work, beside the results folder."""
