"""A landmarker and a classifier of gender that know their answers from plain pixels."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from restore_recog import registry
from restore_recog.api import Classifier, Landmarker

NONE_FOUND = 0.0
"""A face whose top left pixel has this red is one on which no landmarks are found."""


def points(side: int) -> Tensor:
    """Return (98, 2) different points on a ring in the lower half of a crop, in pixels."""
    turn = torch.arange(98) * (2 * torch.pi / 98)
    ring = torch.stack([turn.cos(), turn.sin()], 1) * 0.2 + torch.tensor([0.5, 0.65])
    return ring * side


class RingLandmarker(Landmarker):
    """Finds :func:`points` on every face, moved to the right by its mean blue, in pixels."""

    name = "ring"
    image_size = (64, 64)

    def find(self, images: Tensor) -> Tensor:
        """Return (N, 98, 2) pixels."""
        moved = points(64).to(images).repeat(images.shape[0], 1, 1)
        moved[:, :, 0] += images[:, 2].mean((1, 2))[:, None]
        return moved.masked_fill((images[:, 0, 0, 0] == NONE_FOUND)[:, None, None], torch.nan)


class RedGender(Classifier):
    """Takes the red of the top right pixel for the probability of male."""

    name = "red"
    label = "gender"
    image_size = (64, 64)

    def classify(self, images: Tensor) -> Tensor:
        """Return (N, 2): female, male."""
        male = images[:, 0, 0, -1]
        return torch.stack([1 - male, male], 1)

    def features(self, images: Tensor) -> Tensor:
        """Return (N, 1)."""
        return images[:, 0, 0, -1:]


PARTS = {"landmarker": RingLandmarker.name, "classifier": RedGender.name}
"""Options of the restorer that works with the two."""


@contextmanager
def known_parts() -> Iterator[None]:
    """Register both for a while."""
    registry.register(RingLandmarker)
    registry.register(RedGender)
    yield
    registry.landmarkers.remove(RingLandmarker.name)
    registry.classifiers.remove(RedGender.name)
