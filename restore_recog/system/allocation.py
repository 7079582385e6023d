"""Telling the C library's allocator to keep the blocks that a network frees.

On Linux, glibc gives every large block back to the system when it is freed and asks for a fresh
one, zeroed page by page, at the next layer: ``docs/training.md`` says what this costs. Keeping
them costs memory: the process stays as large as it was at its largest.
"""

from __future__ import annotations

import ctypes
import os
import platform

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4
"""Of ``mallopt(3)``."""

OWN_SETTINGS = ("MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_MAX_")
"""Where one of these is set, the user has decided already."""


def keep_freed_blocks(device: str) -> bool:
    """Let the process keep freed memory, where it computes on the CPU with glibc.

    Args:
        device: As :func:`restore_recog.system.devices.resolve` returns it.

    Returns:
        Whether anything was changed. Not with another C library or system, on a GPU, or where
        the environment (``MALLOC_..._``, ``GLIBC_TUNABLES``) has settings of its own.
    """
    decided = any(name in os.environ for name in OWN_SETTINGS)
    decided = decided or "glibc.malloc" in os.environ.get("GLIBC_TUNABLES", "")
    if device != "cpu" or decided or platform.libc_ver()[0] != "glibc":
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    # No block by mmap, and none of the heap's end handed back: 2 GiB is the largest threshold.
    return bool(mallopt(M_MMAP_MAX, 0)) and bool(mallopt(M_TRIM_THRESHOLD, 2**31 - 1))
