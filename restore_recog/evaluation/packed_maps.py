"""Mask maps in few bytes, so that those of a whole run can be kept."""

from __future__ import annotations

import zlib

import numpy as np
from numpy.typing import NDArray


def pack(found: NDArray[np.uint8]) -> bytes:
    """Return a square map of zeros and ones as bytes; a blob takes some hundred."""
    return zlib.compress(np.packbits(found).tobytes(), 1)


def unpack(packed: bytes, side: int) -> NDArray[np.uint8]:
    """Return the (side, side) map that :func:`pack` was given."""
    bits = np.unpackbits(np.frombuffer(zlib.decompress(packed), np.uint8), count=side * side)
    return bits.reshape(side, side)
