"""Data sets in memory for the tests of validate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from restore_recog.api import Dataset
from restore_recog.data_checks.lists import CheckResults, Finding
from restore_recog.errors import RestoreRecogError
from restore_recog.types import FaceImage, FaceSample


class Listed(Dataset):
    """Images in memory: one colour for each image, unless told otherwise."""

    name = "listed"

    def __init__(self, *samples: FaceSample, **images: FaceImage | RestoreRecogError) -> None:
        super().__init__()
        self._samples = samples
        self._images = images

    def samples(self) -> Sequence[FaceSample]:
        return self._samples

    def read(self, samples: Sequence[FaceSample]) -> list[FaceImage | RestoreRecogError]:
        return [self._images.get(s.image_id) or plain(s.image_id) for s in samples]


def plain(text: str, size: tuple[int, int] = (64, 64), **more: NDArray[Any]) -> FaceImage:
    """Return an image whose colour follows from a text."""
    seed = np.frombuffer(text.encode(), np.uint8).astype(np.int64)
    rng = np.random.default_rng(seed)
    return FaceImage(
        np.broadcast_to(rng.integers(256, size=3).astype(np.uint8), (*size, 3)), **more
    )


def sample(image_id: str, subject: str, condition: str = "clean", **more: str) -> FaceSample:
    return FaceSample(image_id, subject, None, condition, more.pop("clean_id", None), more)


PEOPLE = (
    sample("a1", "a"), sample("a2", "a", "mask"), sample("b1", "b"), sample("b2", "b", "mask"),
)  # fmt: skip


def one(results: CheckResults, check: str) -> Finding:
    """Return the only finding of a check."""
    (finding,) = [f for f in results.findings if f.check == check]
    return finding


def where(finding: Finding) -> list[str]:
    return [issue.where for issue in finding.issues]
