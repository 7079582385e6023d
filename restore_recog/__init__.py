"""Measure whether restoring a masked face first helps a face recogniser.

The package imports nothing heavy by itself; start at :mod:`restore_recog.api` for the
contracts and at :mod:`restore_recog.evaluation.evaluate` for one evaluation in Python.
"""

__version__ = "0.1.0"
