"""Packs whose images are stored with a loss: WebP of a quality from 1 to 100."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from restore_recog.api import Dataset
from restore_recog.datasets.packed import Packed
from restore_recog.datasets.phantom import Phantom
from restore_recog.errors import DataError
from restore_recog.packs import format
from restore_recog.training.cropping import sources, write_pack
from restore_recog.training.crops import Crops, collect

SIZE = 32


def crops(dataset: Dataset) -> Crops:
    return collect([dataset], SIZE, progress=False)


def stored(path: Path, kind: str) -> Crops:
    chosen = sources([Phantom("2x2")], None, None)
    write_pack(path, chosen, SIZE, stored=kind, progress=False)
    return crops(Packed(str(path)))


def test_everything_but_the_pixels_is_the_same(tmp_path: Path) -> None:
    packed, own = stored(tmp_path / "faces.pack", "webp:90"), crops(Phantom("2x2"))
    assert format.open_pack(tmp_path / "faces.pack").note.stored == "webp:90"
    assert packed.image_ids == own.image_ids and len(own.image_ids) == 4
    assert packed.subjects.tolist() == own.subjects.tolist()
    assert np.array_equal(packed.landmarks, own.landmarks)
    assert packed.fingerprint() != own.fingerprint()


def test_the_fingerprint_is_of_the_pixels_as_they_are_read(tmp_path: Path) -> None:
    packed = stored(tmp_path / "faces.pack", "webp:90")
    assert packed.known and replace(packed, known="").fingerprint() == packed.known


def test_a_higher_quality_is_nearer_and_larger(tmp_path: Path) -> None:
    own = np.stack(list(crops(Phantom("2x2")).pixels)).astype(float)
    errors, sizes = [], []
    for quality in (1, 50, 100):
        path = tmp_path / f"{quality}.pack"
        errors.append(np.abs(np.stack(list(stored(path, f"webp:{quality}").pixels)) - own).mean())
        sizes.append(path.stat().st_size)
    assert errors[0] > errors[1] > errors[2] > 0 and errors[2] < 3
    assert sizes[0] < sizes[1] < sizes[2]


@pytest.mark.parametrize(
    "kind", ["webp:0", "webp:101", "webp:", "webp:-1", "webp:8.5", "png:90", "jpeg", ""]
)
def test_other_storage_is_refused(tmp_path: Path, kind: str) -> None:
    with pytest.raises(DataError, match="raw, png, webp or webp:QUALITY with a quality from 1"):
        stored(tmp_path / "faces.pack", kind)
    assert list(tmp_path.iterdir()) == []
