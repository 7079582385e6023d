"""Check that a segmenter's output meets its contract."""

from __future__ import annotations

from torch import Tensor

from restore_recog.api import Segmenter
from restore_recog.errors import (
    PluginError,
)


def maps_of(segmenter: Segmenter, images: Tensor) -> Tensor:
    """Return the (N, 1, H, W) float32 maps in {0, 1} of pictures.

    Args:
        segmenter: On the device of the pictures.
        images: (N, 3, H, W) float32 RGB in [0, 1].

    Raises:
        PluginError: The answer is no tensor, or has another shape or other values.
    """
    found = segmenter.segment(images)
    if not isinstance(found, Tensor):
        raise PluginError(
            f"The detector '{segmenter.name}' returned a {type(found).__name__} where a tensor of "
            "maps is due; mend the plug-in."
        )
    if found.shape != (len(images), 1, *images.shape[-2:]):
        raise PluginError(
            f"The detector '{segmenter.name}' returned shape {tuple(found.shape)} for "
            f"{len(images)} pictures of {tuple(images.shape[-2:])}; mend the plug-in."
        )
    maps = found.float()
    wrong = maps[(maps != 0) & (maps != 1)]
    if wrong.numel():
        raise PluginError(
            f"The detector '{segmenter.name}' returned the value {float(wrong[0]):.3g} where a map "
            "holds 0 (free) and 1 (occluded) only; let it apply its threshold."
        )
    return maps
