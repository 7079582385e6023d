"""Faces at the edge of their photographs in training: what lies beyond counts for nothing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from restore_recog import registry
from restore_recog.alignment import (
    TEMPLATE,
    between,
    corners,
    on_image,
    repeated,
    similarity,
    within,
)
from restore_recog.api import Dataset
from restore_recog.errors import DataError, RestoreRecogError
from restore_recog.nn.figures import psnr_figures
from restore_recog.nn.masks import truth_beyond
from restore_recog.packs import format
from restore_recog.packs.format import wide_side
from restore_recog.training import augmentation
from restore_recog.training.augmentation import augment
from restore_recog.training.cropping import sources, write_pack
from restore_recog.training.crops import Crops, collect
from restore_recog.training.faces import TrainingFaces
from restore_recog.types import FaceBatch, FaceImage, FaceSample

SIZE = 64
CUT = 70
"""Height of the photographs, of whose faces 100 pixels would be seen: they end under the mouth."""


class Stage:
    name, batch_size = "phase", 4


class Cut(Dataset):
    """Faces of two people that the lower edge of their photographs cuts off."""

    name = "cut"

    def __init__(self, height: int = CUT) -> None:
        super().__init__()
        self.height = height

    def samples(self) -> Sequence[FaceSample]:
        return [FaceSample(f"{person}{n}", person) for person in "AB" for n in range(2)]

    def read(self, samples: Sequence[FaceSample]) -> list[FaceImage | RestoreRecogError]:
        return [self._read(sample) for sample in samples]

    def _read(self, sample: FaceSample) -> FaceImage:
        rng = np.random.default_rng(list(sample.image_id.encode()))
        pixels = rng.integers(60, 200, (self.height, 110, 3)).astype(np.uint8)
        return FaceImage(pixels, (TEMPLATE * 90 + 10).astype(np.float32))


@pytest.fixture
def steady(monkeypatch: pytest.MonkeyPatch) -> None:
    """Frame no face tightly, so that a photograph ends where its own edge is."""
    monkeypatch.setattr(augmentation, "TIGHT", 0.0)


@pytest.fixture(scope="module")
def cut() -> Crops:
    return collect([Cut()], SIZE, progress=False)


@pytest.mark.parametrize("angle", [0.0, 0.3, -2.0])
def test_corners_say_what_the_map_of_a_crop_says(angle: float) -> None:
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    points = (TEMPLATE * 60 - 30) @ turn.T + (40, 25)
    matrix = similarity(points, TEMPLATE * SIZE - 0.5)
    valid = within((60, 80), matrix, SIZE)
    assert valid is not None and 0 < valid.mean() < 1
    assert np.array_equal(between(corners((60, 80), matrix), SIZE), valid)
    assert np.array_equal(between(corners((60, 80), matrix)[::-1], SIZE), valid)
    assert between(np.full((4, 2), np.nan), SIZE).all()


def test_the_map_moves_as_the_image_does() -> None:
    wide = wide_side(SIZE)
    margin = (wide - SIZE) // 2
    frame = np.array([[-0.5, 9.5], [79.5, 9.5], [79.5, 49.5], [-0.5, 49.5]], np.float32)
    inside = between(frame, wide)[..., None].repeat(3, axis=2) * 200
    for seed in range(20):
        image, (moved,) = augment(inside, [frame - margin], SIZE, np.random.default_rng(seed))
        assert np.mean((image[..., 0] > 100) == between(moved, SIZE)) > 0.97


@pytest.mark.usefixtures("steady")
def test_packed_and_drawn_a_face_has_no_hole_beyond(cut: Crops, tmp_path: Path) -> None:
    write_pack(tmp_path / "cut.pack", sources([Cut()], None, None), SIZE, progress=False)
    packed = collect(
        [registry.datasets.create(f"packed:{tmp_path / 'cut.pack'}")], SIZE, progress=False
    )
    assert cut.corners is not None and packed.corners is not None
    assert np.array_equal(packed.corners, cut.corners)
    batch = TrainingFaces(packed, coverings="surgical").batch(0, Stage, covered=1.0)
    assert batch.valid is not None and batch.clean is not None
    for n in range(4):
        mask, valid = (one[n, 0].numpy().astype(np.uint8) for one in (batch.masks, batch.valid))
        assert valid[: SIZE // 2].all() and not valid[-4:].any()
        hole = on_image(mask, valid)
        assert hole.any() and not hole[valid == 0].any()
        # A restorer is given a mask that goes on, as the covering does.
        assert np.array_equal(mask, repeated(hole, valid)) and mask.sum() > hole.sum()


def test_crops_whose_photographs_hold_them_have_the_same_batches_bit_for_bit() -> None:
    whole = collect([Cut(110)], SIZE, progress=False)
    assert whole.corners is None
    far = np.tile(np.array([[-500, -500], [500, -500], [500, 500], [-500, 500]], np.float32), 1)
    told = replace(whole, corners=np.stack([far] * 4))
    for covered in (0.0, 1.0):
        one, two = (TrainingFaces(c).packed_batch(0, Stage, covered=covered) for c in (whole, told))
        for name in ("images", "clean", "masks", "landmarks"):
            assert torch.equal(getattr(one, name), getattr(two, name))


@pytest.mark.usefixtures("steady")
def test_where_nothing_lies_beyond_a_batch_has_no_map() -> None:
    whole = collect([Cut(110)], SIZE, progress=False)
    assert TrainingFaces(whole).batch(0, Stage, covered=1.0).valid is None


@pytest.mark.usefixtures("steady")
def test_an_old_pack_is_valid_everywhere(cut: Crops, tmp_path: Path) -> None:
    path = tmp_path / "new.pack"
    write_pack(path, sources([Cut()], None, None), SIZE, progress=False)
    old = tmp_path / "old.pack"
    old.write_bytes(_without_corners(path.read_bytes()))
    read = collect([registry.datasets.create(f"packed:{old}")], SIZE, progress=False)
    assert read.corners is None and read.fingerprint() == cut.fingerprint()
    assert TrainingFaces(read).batch(0, Stage, covered=1.0).valid is None
    both = collect([registry.datasets.create(f"packed:{old}"), Cut()], SIZE, progress=False)
    assert both.corners is not None and cut.corners is not None
    assert np.isnan(both.corners[:4]).all() and np.array_equal(both.corners[4:], cut.corners)


def test_one_changed_bit_of_the_corners_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "cut.pack"
    pack = write_pack(path, sources([Cut()], None, None), SIZE, progress=False)
    assert pack.corners is not None
    content = path.read_bytes()
    place = content.index(pack.corners.tobytes()) + 5
    path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
    with pytest.raises(DataError, match=r"damaged or cut short \(its checksum"):
        format.open_pack(path)


def test_figures_and_losses_see_nothing_beyond() -> None:
    generator = torch.Generator().manual_seed(1)
    clean = torch.rand(2, 3, 16, 16, generator=generator)
    made = torch.rand(2, 3, 16, 16, generator=generator).requires_grad_()
    mask, valid = torch.ones(2, 1, 16, 16), torch.ones(2, 1, 16, 16)
    valid[:, :, 10:] = 0
    top = psnr_figures(made.detach()[:, :, :10], clean[:, :, :10], mask[:, :, :10])
    assert psnr_figures(made.detach(), clean, mask, valid) == pytest.approx(top, rel=1e-5)
    (truth_beyond(made, clean, valid) - clean).square().mean().backward()
    assert made.grad is not None
    assert made.grad[:, :, :10].all() and not made.grad[:, :, 10:].any()
    assert truth_beyond(made, clean, None) is made


MODELS = ("ganmasker", "fmodr", "deepgan", "pix2pix", "deepfill", "edgeconnect", "gcf", "glcic")


@pytest.mark.parametrize("name", [*MODELS, "aotgan", "ctsdg", "pluralistic", "landmark_gender"])
def test_a_training_learns_nothing_from_beyond(name: str) -> None:
    model = registry.restorers.load(name).trainable("tiny")
    generator = torch.Generator().manual_seed(2)
    clean, masks = torch.rand(2, 3, 32, 32, generator=generator), torch.zeros(2, 1, 32, 32)
    masks[:, :, 12:] = 1
    nothing = FaceBatch(clean * (1 - masks), masks, clean=clean, valid=torch.zeros_like(masks))
    nothing.attributes["gender"] = torch.zeros(2, dtype=torch.int64)
    watched = set()
    for phase in model.phases:
        losses = phase.step(nothing, 0.5)
        terms = {"rec", "pixel", "segmentation", "coarse", "hole", "valid"} & set(losses)
        assert [losses[term] for term in terms] == pytest.approx([0.0] * len(terms), abs=1e-6)
        watched |= terms
    assert watched


def _without_corners(content: bytes) -> bytes:
    """Return a pack as versions wrote it that knew no corners."""
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    start, stop = header.pop("corners")["data_offsets"]
    del header["__metadata__"]["sha256 corners"]
    for entry in header.values():
        if "data_offsets" in entry and entry["data_offsets"][0] >= stop:
            entry["data_offsets"] = [place - (stop - start) for place in entry["data_offsets"]]
    data = content[8 + length :]
    return content[:8] + json.dumps(header).encode().ljust(length) + data[:start] + data[stop:]
