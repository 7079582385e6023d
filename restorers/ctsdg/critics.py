"""The discriminator of CTSDG: one stream judges the texture, one the structure (section 3.2)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from restore_recog.nn.patchgan import PatchGAN


class EdgeDetector(nn.Module):
    """Edges of an image, so that its structure can be judged: (N, 3, H, W) -> (N, 1, H, W).

    A network and not Canny's method, so that gradients reach the image.

    Args:
        width: Channels.
    """

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        self.first = nn.Sequential(
            nn.Conv2d(3, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU()
        )
        self.branch = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1),
            nn.BatchNorm2d(width),
        )
        self.last = nn.Conv2d(width, 1, 1)

    def forward(self, images: Tensor) -> Tensor:
        """Return how likely each pixel of images in [-1, 1] is one of an edge, in (0, 1)."""
        x = self.first(images)
        return self.last(F.relu(x + self.branch(x))).sigmoid()  # type: ignore[no-any-return]


class TwoStreams(nn.Module):
    """Two 70 x 70 PatchGANs: of the image, and of its edges beside the clean image's grey.

    Args:
        base: Width of their first convolutions.
    """

    def __init__(self, base: int = 64) -> None:
        super().__init__()
        self.texture, self.structure = PatchGAN(3, base), PatchGAN(2, base)
        self.detector = EdgeDetector()

    def forward(
        self, images: Tensor, grey: Tensor, true: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return (M, 2, h, w) logits, texture and structure, and (M, 1, H, W) edges found.

        Args:
            images: (M, 3, H, W) in [-1, 1].
            grey: (M, 1, H, W) of the clean images.
            true: (N, 1, H, W) edges of the first N images, which are real, and judged by these;
                all others are judged by what is found.
        """
        detected = self.detector(images)
        edges = detected if true is None else torch.cat([true, detected[len(true) :]])
        answers = self.texture(images), self.structure(edges, grey)
        return torch.cat(answers, 1), detected
