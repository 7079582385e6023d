"""What the tests of layouts share: drawn images, and questions to a data set."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image

from restore_recog.datasets.files import FileDataset
from restore_recog.types import FaceImage, FaceSample


def draw(root: Path, *names: str) -> None:
    """Write a small drawn image at each place under a folder."""
    for name in names:
        place = root / name
        place.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.full((24, 20, 3), 80, np.uint8)
        pixels[6:18, 5:15] = (200, 150, 120)
        Image.fromarray(pixels).save(place)


def ids(samples: Iterable[FaceSample]) -> list[str]:
    return [sample.image_id for sample in samples]


def only(dataset: FileDataset, image_id: str) -> FaceSample:
    (sample,) = [sample for sample in dataset.samples() if sample.image_id == image_id]
    return sample


def read(dataset: FileDataset, image_id: str) -> FaceImage:
    (image,) = dataset.read([only(dataset, image_id)])
    assert isinstance(image, FaceImage), image
    return image


def noted(dataset: FileDataset, *beginnings: str) -> None:
    """Assert that the notes begin so, one each, in this order."""
    dataset.samples()
    assert len(dataset.notes) == len(beginnings), dataset.notes
    for note, beginning in zip(dataset.notes, beginnings, strict=True):
        assert note.startswith(beginning), note
        assert note.endswith(".")
