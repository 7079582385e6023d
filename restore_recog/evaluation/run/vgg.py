"""How alike two images are in the eyes of VGG-19, as the ECGAN paper's tables have it.

Source: Sola and Gera, CVPR Workshops 2023, section 4.3, and the code that they published: mean
absolute differences in four layers, images resized to 224 and not normalised.

Deviation: the paper does not say of which layer its "FID" is; here it is the last one, relu5_4,
each of its maps averaged over the image.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from restore_recog.errors import TrainingError, WeightsError
from restore_recog.images import to_tensor
from restore_recog.nn.perceptual import VGGLayers
from restore_recog.types import Pixels, Vector

ENDS = (4, 9, 16, 23, 36)
"""Layers of torchvision's VGG-19 up to relu1_2, relu2_2, relu3_3, relu4_2 and relu5_4."""

SIDE = 224
AT_ONCE = 4
"""Images at a time: their maps take 50 MB each."""


class Vgg:
    """VGG-19 as torchvision has it.

    Args:
        path: Its state dict, all of it.
        device: Where it computes.

    Raises:
        WeightsError: The file is not such a state dict.
    """

    def __init__(self, path: Path, device: str = "cpu") -> None:
        try:
            net = VGGLayers(path, ENDS, normalised=False, side=SIDE)
        except TrainingError as error:
            raise WeightsError(
                f"'{path}' does not hold VGG-19; give torchvision's 'vgg19-dcbb9e9d.pth'."
            ) from error
        self.device, self._net = device, net.to(device)

    def __call__(
        self, images: Sequence[Pixels], clean: Sequence[Pixels | None]
    ) -> tuple[Vector, NDArray[np.float32]]:
        """Return (N,) perceptual losses, NaN without a clean counterpart, and (N, 512) features.

        Args:
            images: (S, S, 3) uint8 each, at least one.
            clean: Their counterparts, or None.
        """
        losses, features = np.full(len(images), np.nan), []
        for start in range(0, len(images), AT_ONCE):
            maps = self._maps(images[start : start + AT_ONCE])
            features.append(maps[-1].mean((2, 3)))  # (n, 512)
            pairs = enumerate(clean[start : start + AT_ONCE])
            for i, wanted in [(i, one) for i, one in pairs if one is not None]:
                theirs = self._maps([wanted])
                terms = [
                    (a[i] - b[0]).abs().mean() for a, b in zip(maps[:-1], theirs[:-1], strict=True)
                ]
                losses[start + i] = float(torch.stack(terms).sum())
        return losses, torch.cat(features).float().cpu().numpy()

    @torch.inference_mode()
    def _maps(self, images: Sequence[Pixels]) -> list[Tensor]:
        """Return the feature maps, (n, C, h, w) each."""
        maps: list[Tensor] = self._net(to_tensor(images).to(self.device))
        return maps
