"""Check that a segmenter's output meets its contract."""

from __future__ import annotations

from torch import Tensor

from restore_recog.api import Segmenter
from restore_recog.errors import PluginError


def masks_of(segmenter: Segmenter, images: Tensor) -> Tensor:
    """Return the (N, 1, H, W) float32 masks in {0, 1} of images.

    Args:
        segmenter: On the device of the images.
        images: (N, 3, H, W) float32 RGB in [0, 1].

    Raises:
        PluginError: The answer is not a tensor, or has another shape or other values.
    """
    masks = segmenter.segment(images)
    if not isinstance(masks, Tensor):
        raise PluginError(
            f"The segmenter '{segmenter.name}' returned a {type(masks).__name__}, expected a "
            "tensor of masks; fix the plug-in."
        )
    if masks.shape != (len(images), 1, *images.shape[-2:]):
        raise PluginError(
            f"The segmenter '{segmenter.name}' returned shape {tuple(masks.shape)} for "
            f"{len(images)} images of {tuple(images.shape[-2:])}; fix the plug-in."
        )
    masks = masks.float()
    wrong = masks[(masks != 0) & (masks != 1)]
    if wrong.numel():
        raise PluginError(
            f"The segmenter '{segmenter.name}' returned the value {float(wrong[0]):.3g} where a "
            "mask holds 0 (free) and 1 (occluded) only; let it apply its threshold."
        )
    return masks
