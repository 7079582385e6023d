"""The controls that cost nothing: what each does on images where the answer is known."""

from __future__ import annotations

import importlib.util

import pytest
import torch

from restore_recog import registry
from restore_recog.errors import PluginError
from restore_recog.testing import RestorerContract, face_batch
from restore_recog.types import FaceBatch

BATCH = face_batch(2, (64, 64))


def ramp() -> FaceBatch:
    """Return an image that gets brighter from left to right, with a black hole in it."""
    clean = torch.linspace(0.2, 0.8, 48).expand(1, 3, 48, 48)
    masks = torch.zeros(1, 1, 48, 48)
    masks[:, :, 16:32, 16:32] = 1
    return FaceBatch(clean * (1 - masks), masks, clean=clean)


class TestTeleaOfOpenCV(RestorerContract):
    def create(self):
        return registry.restorers.create("opencv:telea")


@pytest.mark.parametrize("name", ["opencv:ns", "opencv:telea", "biharmonic", "blur", "grey"])
def test_what_is_uncovered_stays_bit_for_bit(name: str) -> None:
    restored = registry.restorers.create(name).restore(BATCH)
    outside = BATCH.masks.expand_as(restored) < 0.5
    assert torch.equal(restored[outside], BATCH.images[outside])
    assert not torch.equal(registry.restorers.create(name).restore(ramp()), ramp().images)


@pytest.mark.parametrize(
    ("name", "most"), [("opencv:ns", 0.06), ("opencv:telea", 0.1), ("biharmonic", 0.004)]
)
def test_a_ramp_is_continued_through_the_hole(name: str, most: float) -> None:
    batch = ramp()
    gap = (registry.restorers.create(name).restore(batch) - batch.clean).abs()
    assert float(gap.max()) < most


def test_telea_is_the_same_by_either_name() -> None:
    named = [registry.restorers.create(name).restore(BATCH) for name in ("telea", "opencv:telea")]
    assert torch.equal(*named)
    default, ns = (registry.restorers.create(name) for name in ("opencv", "opencv:ns"))
    assert torch.equal(default.restore(BATCH), ns.restore(BATCH))
    assert not torch.equal(ns.restore(BATCH), named[0])
    with pytest.raises(PluginError, match="fills by ns or telea, not by 'tela'"):
        registry.restorers.create("opencv:tela")


def test_grey_is_grey_and_blur_mixes_the_covering_with_its_surroundings() -> None:
    batch = ramp()
    hole = batch.masks.expand_as(batch.images) > 0.5
    assert (registry.restorers.create("grey").restore(batch)[hole] == 0.5).all()
    blurred = registry.restorers.create("blur").restore(batch)
    assert 0 < float(blurred[hole].mean()) < float(batch.clean[hole].mean())
    assert float(blurred[0, 0, 24, 24]) < float(blurred[0, 0, 16, 24])


def test_a_missing_package_is_named_with_its_install_line(monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "skimage" else real(name)
    )
    with pytest.raises(PluginError, match=r"'scikit-image'; .* pip install 'restore-recog\[biharm"):
        registry.restorers.create("biharmonic")
