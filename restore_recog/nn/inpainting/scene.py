"""What inpainters are trained on, and what their networks make of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from restore_recog.nn.masks import smaller, truth_beyond
from restore_recog.types import FaceBatch

Outputs = Mapping[str, Tensor]
"""What a generator makes of a scene: ``face``, (N, 3, H, W) in about [0, 1], and what else a
model's losses look at."""


@dataclass(frozen=True, eq=False)
class Scene:
    """A batch on the device: images (N, 3, H, W) in [0, 1], masks (N, 1, H, W) in {0, 1}.

    Attributes:
        mask, hole: The true mask, and what the networks are shown of it: a wider one.
        batch: What this was made of.
    """

    occluded: Tensor
    clean: Tensor
    mask: Tensor
    hole: Tensor
    batch: FaceBatch

    def pasted(self, face: Tensor) -> Tensor:
        """Return what was made in the hole and the image around it, (N, 3, H, W)."""
        return torch.where(self.hole > 0, face, self.occluded)

    def counted(self, made: Outputs) -> Outputs:
        """Return outputs whose images, of whatever size, show the truth beyond the photograph.

        So no loss sees a difference there, where no truth is known
        (:func:`restore_recog.nn.masks.truth_beyond`).
        """
        valid = self.batch.valid
        if valid is None:
            return made
        return {
            name: truth_beyond(one, smaller(self.clean, one), smaller(valid, one))
            if one.dim() == 4 and one.shape[1] == 3
            else one
            for name, one in made.items()
        }

    def beside(self, given: Tensor, images: Tensor) -> Tensor:
        """Return what belongs to the scene's N images for several such sets of images end to end.

        Args:
            given: (N, C, H, W).
            images: (M, 3, H, W); M is a multiple of N.

        Returns:
            (M, C, H, W).
        """
        return given.repeat(len(images) // len(given), 1, 1, 1)
