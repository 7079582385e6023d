"""The mean of rendered faces, as a control: what a face looks like of which nothing is known."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, ClassVar

import torch

from restore_recog.alignment import align
from restore_recog.api import Restorer
from restore_recog.images import to_tensor
from restore_recog.phantom import draw_person, draw_shot, render
from restore_recog.restoring.by_image import put_back
from restore_recog.restoring.restoration import resize
from restore_recog.types import FaceImage

if TYPE_CHECKING:
    from torch import Tensor

    from restore_recog.types import FaceBatch

PEOPLE = 32
"""Rendered faces in the mean, each with its mirror image."""

SEED = (2026, 16)
"""Of these people, who are in no data set."""

SIZE = 128


OVAL = (0.5, 0.5, 0.3, 0.42)
"""Where faces are in a crop, an ellipse: its middle, x and y, and its half axes, in sides."""


class MeanFace(Restorer):
    """Fill the hole with the mean of rendered faces, in the colours of the uncovered face.

    It has seen no photograph: the faces are phantoms, drawn by a seed of their own. Each channel of
    the mean face is multiplied so that its mean over the uncovered part of the face is that of the
    image; where all of the face is covered, it stays as it is. (The arm ``fill`` shows the mean
    face of the gallery, which is of photographs, and takes no colours over.)

    Deterministic, nothing to learn, any image size.
    """

    name: ClassVar[str] = "mean-face"

    def restore(self, batch: FaceBatch) -> Tensor:
        """Return the images with the mean face in the hole; outside it bit for bit."""
        height, width = batch.images.shape[-2:]
        face = resize(mean_face().to(batch.images.device), (height, width))  # (1, 3, H, W)
        seen = (batch.masks <= 0.5).float() * _oval(height, width).to(face.device)  # (N, 1, H, W)
        theirs = (batch.images * seen).sum((2, 3), keepdim=True)  # (N, 3, 1, 1)
        own = (face * seen).sum((2, 3), keepdim=True)
        gain = torch.where(own > 0, theirs / own.clamp_min(1e-6), 1.0)
        return put_back(batch, (face * gain).clamp(0, 1))


@cache
def mean_face() -> Tensor:
    """Return the (1, 3, 128, 128) mean of rendered faces, aligned and symmetric, in [0, 1]."""
    crops = []
    for number in range(PEOPLE):
        person = draw_person(*SEED, number)
        shot = draw_shot(person, 1, *SEED, number, 0)
        crops.append(align(FaceImage(*render(person, shot, SIZE)), SIZE).pixels)
    mean = to_tensor(crops).double().mean(0, keepdim=True)  # (1, 3, S, S)
    return ((mean + mean.flip(-1)) / 2).float()


def _oval(height: int, width: int) -> Tensor:
    """Return (1, 1, H, W), 1 inside the face."""
    x, y, across, down = OVAL
    rows = ((torch.arange(height) + 0.5) / height - y) / down
    columns = ((torch.arange(width) + 0.5) / width - x) / across
    return (rows[:, None].square() + columns.square() <= 1).float()[None, None]
