"""What the three restorers promise at their border."""

from __future__ import annotations

from pathlib import Path

import pytest
import tiny
import torch

from restore_recog import weights
from restore_recog.errors import WeightsError
from restore_recog.restorers.fmodr import FMODR
from restore_recog.restorers.fmodr.training import FMODRTraining
from restore_recog.restorers.none import NoRestorer
from restore_recog.restorers.telea import Telea
from restore_recog.types import FaceBatch


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    return tiny.stored(tmp_path, "fmodr", half=True)


def faces(n: int = 3, side: int = 64) -> FaceBatch:
    images = torch.rand(n, 3, side, side, generator=torch.Generator().manual_seed(1))
    masks = torch.zeros(n, 1, side, side)
    masks[:, :, side // 2 : -4, 8:-8] = 1
    masks[-1] = 0
    return FaceBatch(images, masks)


def test_none_returns_the_images_themselves() -> None:
    batch = faces()
    restored = NoRestorer().restore(batch)
    assert torch.equal(restored, batch.images)
    assert restored.data_ptr() != batch.images.data_ptr()
    assert NoRestorer.needs == frozenset()


def test_telea_fills_the_hole_and_nothing_else() -> None:
    batch = faces()
    batch.images[0] = 0.25
    batch.images[0, :, 40:50, 20:40] = 1.0
    restored = Telea().restore(batch)
    outside = batch.masks.expand(-1, 3, -1, -1) == 0
    assert torch.equal(restored[outside], batch.images[outside])
    # An even image is filled evenly, whatever was on the face.
    torch.testing.assert_close(restored[0], torch.full_like(restored[0], 0.25), atol=3e-3, rtol=0)
    assert not torch.equal(restored[1], batch.images[1])


def test_fmodr_round_trip_of_its_weights(stored: Path) -> None:
    torch.manual_seed(0)
    model = FMODRTraining("tiny")
    batch = faces()
    model.nets.eval()
    with torch.no_grad():
        expected = model.nets(2 * batch.images - 1, torch.ones_like(batch.masks))[1] / 2 + 0.5
    full = FaceBatch(batch.images, torch.ones_like(batch.masks))
    torch.testing.assert_close(
        FMODR(weights=stored).restore(full), expected.clamp(0, 1), atol=2e-3, rtol=0
    )


def test_fmodr_keeps_what_is_outside_the_mask_bit_for_bit(stored: Path) -> None:
    batch, fmodr = faces(), FMODR(weights=stored)
    images = batch.images.clone()
    restored = fmodr.restore(batch)
    assert fmodr.dilate == 2
    assert torch.equal(batch.images, images)
    outside = batch.masks.expand(-1, 3, -1, -1) == 0
    assert torch.equal(restored[outside], images[outside])
    assert torch.equal(restored[-1], images[-1])
    assert restored.min() >= 0
    assert restored.max() <= 1
    assert not restored.requires_grad


def test_fmodr_does_not_see_what_the_mask_hides(stored: Path) -> None:
    batch, fmodr = faces(), FMODR(weights=stored)
    other = FaceBatch(batch.images * (1 - batch.masks), batch.masks)
    hidden = batch.masks.expand(-1, 3, -1, -1) == 1
    assert torch.equal(fmodr.restore(batch)[hidden], fmodr.restore(other)[hidden])


def test_fmodr_does_not_depend_on_batch_mates(stored: Path) -> None:
    batch, fmodr = faces(), FMODR(weights=stored)
    alone = fmodr.restore(FaceBatch(batch.images[:1], batch.masks[:1]))
    torch.testing.assert_close(fmodr.restore(batch)[:1], alone, atol=1e-5, rtol=0)


@pytest.mark.parametrize("size", [(64, 64), (50, 70), (200, 180)])
def test_segmenter_takes_any_size(stored: Path, size: tuple[int, int]) -> None:
    masks = FMODR(weights=stored).segmenter().segment(torch.rand(2, 3, *size))
    assert masks.shape == (2, 1, *size)
    assert masks.dtype == torch.float32
    assert set(masks.unique().tolist()) <= {0.0, 1.0}


def test_weights_of_another_model_are_refused(tmp_path: Path) -> None:
    weights.save(tmp_path / "w.safetensors", "timm", {}, {"a": torch.zeros(1)})
    with pytest.raises(WeightsError, match="for 'timm', not for 'fmodr'"):
        FMODR(weights=tmp_path / "w.safetensors")
