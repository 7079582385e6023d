"""Weights of the systems that the papers' tables compare with, each with its card.

restore-recog finds them by this package's name once it is installed: ``pip install ./systems``.
"""
