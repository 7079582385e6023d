"""Training and measuring on a lent GPU machine: from a checkout, never installed.

See ``docs/gpu.md``. ``python -m gpu pack`` runs at home; ``unpack``, ``train`` and ``check`` run on
the machine, which may be bare, without a network, and lent for minutes at a time.
"""
