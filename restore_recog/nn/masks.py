"""From a network's probabilities to the hole that is filled, the same in training and in use.

A mask is what :func:`covering` makes of probabilities, or a true one. The networks are shown a
hole, the mask widened by :func:`grow`; of what they make only the mask is kept, by :func:`pasted`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from restore_recog.api import Segmenter

GREY = 0.5
"""What networks see in place of a covering that is hidden from them."""

ISLAND = 0.1
"""Share of the largest piece of a mask under which a piece is dropped."""

THRESHOLD = 0.5
"""Probability from which a pixel counts as occluded."""


class NetSegmenter(Segmenter):
    """A network's probabilities as a segmenter, for images of any size.

    Images of another size than the network's are resized, and the probabilities back; holes
    in the thresholded mask are filled and islands dropped.

    Args:
        name: Of the method.
        probability: (N, 3, S, S) images in [0, 1] -> (N, 1, S, S); in eval mode.
        size: S, the side of the images that it was trained on.
    """

    def __init__(self, name: str, probability: Callable[[Tensor], Tensor], size: int) -> None:
        self.name = name  # type: ignore[misc]
        self.probability = probability
        self.size = (size, size)

    @torch.inference_mode()
    def segment(self, images: Tensor) -> Tensor:
        """Return (N, 1, H, W) masks in {0, 1}."""
        shape = images.shape[2:]
        if shape != self.size:
            images = F.interpolate(images, self.size, mode="bilinear", antialias=True)
        occluded = self.probability(images.contiguous(memory_format=torch.channels_last))
        if shape != self.size:
            occluded = F.interpolate(occluded, shape, mode="bilinear", antialias=True)
        return covering(occluded).contiguous()


def covering(probability: Tensor) -> Tensor:
    """Return the (N, 1, H, W) masks in {0, 1} of probabilities: thresholded and tidied."""
    return tidied((probability >= THRESHOLD).float())


def pasted(filled: Tensor, images: Tensor, mask: Tensor, feather: int = 0) -> Tensor:
    """Return images in [0, 1] with what was filled in place of the mask; all else bit for bit.

    Args:
        filled: (N, 3, H, W) in about [0, 1].
        images: (N, 3, H, W) what is kept outside the mask.
        mask: (N, 1, H, W) in {0, 1}, before it was widened.
        feather: Pixels on either side of which the fill fades out, inside the mask alone: it is
            whole 2 *feather* pixels from the mask's edge. The image's own edge is none.
    """
    filled = filled.clamp(0, 1)
    if feather:
        narrow = 1 - grow(1 - mask, feather)
        around = F.pad(narrow, (feather,) * 4, mode="replicate")
        share = F.avg_pool2d(around, 2 * feather + 1, stride=1)  # (N, 1, H, W)
        filled = images + share * (filled - images)
    return torch.where(mask > 0, filled, images)


def truth_beyond(made: Tensor, clean: Tensor, valid: Tensor | None) -> Tensor:
    """Return what was made, with the truth in place of it where the photograph ends.

    What a crop shows beyond is its border repeated and no truth: so no loss sees a difference
    there, and what is made there is not learnt from.

    Args:
        made, clean: (N, C, H, W).
        valid: (N, 1, H, W), 0 = lies beyond the photograph; None where no pixel does.
    """
    return made if valid is None else torch.where(valid > 0, made, clean)


def hidden(images: Tensor, hole: Tensor) -> Tensor:
    """Return images with :data:`GREY` in place of the hole, so that no colour of it shows.

    Args:
        images: (N, 3, H, W) in [0, 1].
        hole: (N, 1, H, W) in {0, 1}.
    """
    return torch.where(hole > 0, GREY, images)


def grow(mask: Tensor, pixels: int) -> Tensor:
    """Return the mask widened by *pixels* in all eight directions.

    The rim of a covering is soft and a segmented mask may miss some of it; what the
    networks see of it leaks into the restored pixels.
    """
    return F.max_pool2d(mask, 2 * pixels + 1, stride=1, padding=pixels) if pixels else mask


def smaller(hole: Tensor, features: Tensor) -> Tensor:
    """Return a hole's (N, 1, h, w) map at the size of (N, C, h, w) features, in [0, 1]."""
    size = tuple(features.shape[2:])
    return F.interpolate(hole, size, mode="bilinear", align_corners=True)


def padded(images: Tensor, multiple: int) -> Tensor:
    """Return (N, C, H, W) images with their border repeated to sides divisible by *multiple*."""
    below, right = -images.shape[2] % multiple, -images.shape[3] % multiple
    return F.pad(images, (0, right, 0, below), mode="replicate") if below or right else images


def tidied(masks: Tensor) -> Tensor:
    """Return (N, 1, H, W) masks in {0, 1} without holes and without islands.

    A covering has no holes, and what is smaller than :data:`ISLAND` of the largest piece is
    seldom part of it.
    """
    return torch.stack([_tidied(one[0]) for one in masks]).unsqueeze(1)


def _tidied(one: Tensor) -> Tensor:
    from scipy import ndimage  # slow to import, and seldom needed

    filled = ndimage.binary_fill_holes(one.cpu().numpy() > 0)
    pieces, _ = ndimage.label(filled)
    areas = np.bincount(pieces.ravel())
    areas[0] = 0
    kept = (areas >= ISLAND * areas.max()) & (areas > 0)
    return torch.from_numpy(kept[pieces]).to(one)
