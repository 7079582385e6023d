"""Benchmarks: what our computations cost beside the usual ones, measured in the same run.

Every case runs in a process of its own (:mod:`~benchmarks.measure`), so that its
peak memory is its own, and every pair of cases that computes the same thing is compared.
"""
