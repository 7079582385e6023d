"""FMODR: coarse-to-refine restoration with self-adaptive contextual attention.

Source: "Face-mask occluded detection and restoration" (ACM TOMM 2022, paper 003).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import torch

from restore_recog import weights as weights_file
from restore_recog.api import Restorer, Segmenter
from restore_recog.nn.masks import NetSegmenter, grow, padded
from restore_recog.restorers.fmodr.model import Nets

if TYPE_CHECKING:
    from torch import Tensor

    from restore_recog.restorers.fmodr.training import FMODRTraining
    from restore_recog.types import FaceBatch

MULTIPLE = 32
"""Sides that the networks can take are divisible by this."""


class FMODR(Restorer):
    """Restore with FMODR's coarse and refine networks.

    The networks are shown the image without the mask widened by the trained ``dilate``
    pixels, so that a covering's soft rim does not leak into the fill; only pixels of the
    mask as given are replaced, all others are returned bit for bit. The mask is taken as occluded
    where it exceeds 0.5. Images whose sides are no multiples of 32 are padded, and the result
    cropped back.

    Args:
        weights: Weights file; None for the shipped one.
        device: Where to compute.

    Raises:
        WeightsError: The file is missing, corrupt or another model's.
    """

    name: ClassVar[str] = "fmodr"
    baselines: ClassVar[Mapping[str, str]] = {
        "naive attention loop": "restore_recog.restorers.fmodr.naive:NaiveFMODR"
    }

    def __init__(self, *, weights: Path | None = None, device: str = "cpu") -> None:
        super().__init__(weights=weights or weights_file.shipped(self.name), device=device)
        assert self.weights is not None
        self.nets, config = weights_file.ready(Nets, self.weights, self.name, device)
        self.image_size = (config["size"], config["size"])
        self.dilate: int = config["dilate"]

    @torch.inference_mode()
    def restore(self, batch: FaceBatch) -> Tensor:
        """Return the final images; an image with an empty mask is returned as it is."""
        height, width = batch.images.shape[2:]
        mask = (batch.masks > 0.5).float()
        occluded = padded(2 * batch.images - 1, MULTIPLE)
        occluded = occluded.contiguous(memory_format=torch.channels_last)
        final = self.nets(occluded, grow(padded(mask, MULTIPLE), self.dilate))[1]
        restored = (final[:, :, :height, :width] / 2 + 0.5).clamp(0, 1)
        return torch.where(mask > 0, restored, batch.images).contiguous()

    def segmenter(self) -> Segmenter:
        """Return FMODR's own region detector.

        Deviation: the paper takes the thresholded probabilities (section 4.1) as they are; here
        holes are filled and islands dropped.
        """
        return NetSegmenter(
            self.name, lambda images: self.nets.detector(2 * images - 1), self.image_size[0]
        )

    @classmethod
    def trainable(
        cls, preset: str = "compact", device: str = "cpu", **options: Any
    ) -> FMODRTraining:
        """Return FMODR's staged training.

        Raises:
            TrainingError: An option does not fit, or the perceptual network cannot be had.
        """
        from restore_recog.restorers.fmodr.training import FMODRTraining

        return FMODRTraining(preset, device, **options)
