"""Classifiers of one label of a face: plug-ins."""
