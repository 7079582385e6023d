"""The 98 landmarks on their way into batches: in memory, in packs, out of old packs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import safe_open

from restore_recog import registry
from restore_recog.alignment import five_points
from restore_recog.errors import DataError, TrainingError
from restore_recog.packs import format
from restore_recog.packs.format import Note
from restore_recog.packs.writer import PackWriter
from restore_recog.training.cropping import sources, write_pack
from restore_recog.training.crops import Crops, collect
from restore_recog.training.faces import TrainingFaces

SIZE = 32


class Stage:
    name, batch_size = "phase", 4


@pytest.fixture(scope="module")
def rendered() -> Crops:
    """Return crops of rendered faces, of all of which all 98 points are known."""
    return collect([registry.datasets.create("phantom:2x2")], SIZE, progress=False)


def bare_pack(path: Path) -> Path:
    """Write a pack as versions did that knew five points only."""
    source = {"name": "old", "packed": 4, "pictures": 4}
    pixels = np.full((4, 36, 36, 3), 90, np.uint8)
    points = np.tile(np.array([[10, 11], [21, 11], [15, 17], [11, 22], [20, 22]], np.float32), 1)
    ids, people = [f"0:{n}" for n in range(4)], ["0:a", "0:b"]
    with path.open("wb") as file:
        writer = PackWriter(file, SIZE)
        for one in pixels:
            writer.add(one)
        writer.finish(
            Note(SIZE, "raw", ids, people, [{}] * 4, [source]),
            np.stack([points] * 4),
            np.array([0, 0, 1, 1]),
        )
    return path


def test_crops_know_the_98_points_of_their_faces(rendered: Crops) -> None:
    assert rendered.landmarks98 is not None and rendered.landmarks98.shape == (4, 98, 2)
    for n in range(4):
        assert np.array_equal(five_points(rendered.landmarks98[n]), rendered.landmarks[n])


def test_a_pack_keeps_them(rendered: Crops, tmp_path: Path) -> None:
    path = tmp_path / "faces.pack"
    write_pack(path, sources([registry.datasets.create("phantom:2x2")], None, None), SIZE)
    read = collect([registry.datasets.create(f"packed:{path}")], SIZE, progress=False)
    assert read.landmarks98 is not None and rendered.landmarks98 is not None
    assert np.array_equal(read.landmarks98, rendered.landmarks98)
    assert read.fingerprint() == rendered.fingerprint()
    few = collect([registry.datasets.create(f"packed:{path}")], SIZE, limit=2, progress=False)
    assert few.landmarks98 is not None
    assert np.array_equal(few.landmarks98, rendered.landmarks98[:2])


def test_one_changed_bit_of_them_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "faces.pack"
    write_pack(path, sources([registry.datasets.create("phantom:2x1")], None, None), SIZE)
    with safe_open(path, framework="numpy") as file:
        stored = file.get_tensor("many").tobytes()
    content = path.read_bytes()
    place = content.index(stored) + 5
    path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
    with pytest.raises(DataError, match=r"damaged or cut short \(its checksum"):
        format.open_pack(path)


def test_an_old_pack_reads_on_and_knows_none(rendered: Crops, tmp_path: Path) -> None:
    path = bare_pack(tmp_path / "old.pack")
    with safe_open(path, framework="numpy") as file:
        assert "many" not in file.keys()  # noqa: SIM118
    old = registry.datasets.create(f"packed:{path}")
    crops = collect([old], SIZE, progress=False)
    assert crops.landmarks98 is None and np.isnan(crops.many(0)).all()
    both = collect([old, registry.datasets.create("phantom:2x2")], SIZE, progress=False)
    assert both.landmarks98 is not None and rendered.landmarks98 is not None
    assert np.isnan(both.landmarks98[:4]).all()
    assert np.array_equal(both.landmarks98[4:], rendered.landmarks98)


def test_a_batch_has_them_where_its_faces_are(rendered: Crops) -> None:
    batch = TrainingFaces(rendered).batch(0, Stage, covered=0.5)
    assert batch.landmarks98 is not None and batch.landmarks is not None
    assert batch.landmarks98.shape == (4, 98, 2) and batch.landmarks98.dtype == torch.float32
    for many, five in zip(batch.landmarks98, batch.landmarks, strict=True):
        torch.testing.assert_close(
            torch.from_numpy(five_points(many.numpy())), five, atol=1e-4, rtol=0
        )
    moved = batch.to("cpu").landmarks98
    assert moved is not None and torch.equal(moved, batch.landmarks98)


def test_only_faces_with_some_of_them_where_they_are_asked_for(tmp_path: Path) -> None:
    old = registry.datasets.create(f"packed:{bare_pack(tmp_path / 'old.pack')}")
    with pytest.raises(TrainingError, match="No training image has any of the 98 landmarks"):
        TrainingFaces.from_datasets([old], SIZE, progress=False).annotated()
    both = [old, registry.datasets.create("phantom:2x2")]
    faces = TrainingFaces.from_datasets(both, SIZE, progress=False)
    some = faces.annotated()
    assert some.rows.tolist() == [4, 5, 6, 7]
    batch = some.batch(0, Stage, covered=0)
    assert batch.landmarks98 is not None and bool(batch.landmarks98.isfinite().all())
    # Other landmarks are other data for a run that goes on.
    assert some.fingerprint != faces.fingerprint
