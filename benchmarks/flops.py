"""Floating-point operations, counted while PyTorch computes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch.utils.flop_counter import FlopCounterMode

COUNTED = (
    "FLOPs are counted by PyTorch's FlopCounterMode: 2 for every multiply-add of convolutions and "
    "matrix products, forward and backward. Left out: normalisation, activations, pooling, "
    "resizing, look-ups (fmodr pastes its patches by one), losses, spectral norms and optimisers."
)


def count(run: Callable[[], Any]) -> int:
    """Return the FLOPs of one call; see :data:`COUNTED`."""
    with FlopCounterMode(display=False) as counter:
        run()
    return int(counter.get_total_flops())
