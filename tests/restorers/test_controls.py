"""The controls that cost nothing: what each does on images where the answer is known."""

from __future__ import annotations

import importlib.util

import pytest
import torch

from restore_recog import registry
from restore_recog.errors import PluginError
from restore_recog.restorers.mean_face import mean_face
from restore_recog.testing import RestorerContract, face_batch
from restore_recog.types import FaceBatch

BATCH = face_batch(2, (64, 64))
FILLING = ("opencv:ns", "opencv:telea", "biharmonic", "patchmatch", "mean-face")


def ramp() -> FaceBatch:
    """Return an image that gets brighter from left to right, with a black hole in it."""
    clean = torch.linspace(0.2, 0.8, 48).expand(1, 3, 48, 48)
    masks = torch.zeros(1, 1, 48, 48)
    masks[:, :, 16:32, 16:32] = 1
    return FaceBatch(clean * (1 - masks), masks, clean=clean)


class TestTeleaOfOpenCV(RestorerContract):
    def create(self):
        return registry.restorers.create("opencv:telea")


@pytest.mark.parametrize("name", [*FILLING, "blur", "grey"])
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


def stripes() -> FaceBatch:
    """Return slanted stripes with a hole that is wider than any of them."""
    y, x = torch.meshgrid(torch.arange(64), torch.arange(64), indexing="ij")
    clean = (0.5 + 0.4 * torch.sin((x + 2 * y) * 0.7854)).expand(1, 3, 64, 64)
    masks = torch.zeros(1, 1, 64, 64)
    masks[:, :, 20:44, 16:48] = 1
    return FaceBatch(clean * (1 - masks), masks, clean=clean)


def test_patches_continue_a_pattern_where_a_smooth_surface_cannot() -> None:
    batch = stripes()
    gaps = {
        name: float((registry.restorers.create(name).restore(batch) - batch.clean).abs().mean())
        for name in ("patchmatch", "biharmonic", "opencv:telea")
    }
    assert gaps["patchmatch"] < 0.002 < 0.04 < min(gaps["biharmonic"], gaps["opencv:telea"])


def test_patches_are_drawn_by_the_image_and_its_mask_alone() -> None:
    restorer = registry.restorers.create("patchmatch")
    together = restorer.restore(BATCH)
    turned = FaceBatch(BATCH.images.flip(0), BATCH.masks.flip(0))
    assert torch.equal(restorer.restore(turned).flip(0), together)
    alone = registry.restorers.create("patchmatch").restore(
        FaceBatch(BATCH.images[1:], BATCH.masks[1:])
    )
    assert torch.equal(alone[0], together[1])


@pytest.mark.parametrize("free", [slice(0, 0), slice(0, 6)])
def test_without_a_free_patch_nothing_is_copied(free: slice) -> None:
    masks = torch.ones(1, 1, 64, 64)
    masks[:, :, free, :] = 0
    batch = FaceBatch(BATCH.images[:1], masks)
    restored = registry.restorers.create("patchmatch").restore(batch)
    torch.testing.assert_close(restored, batch.images, atol=0.5 / 255 + 1e-6, rtol=0)


@pytest.mark.parametrize("side", [16, 33, 100])
def test_patches_fill_up_to_the_border_at_any_size(side: int) -> None:
    batch = face_batch(1, (side, side))
    masks = torch.zeros_like(batch.masks)
    masks[:, :, side // 2 :, :] = 1
    covered = FaceBatch(torch.where(masks > 0.5, torch.zeros(()), batch.clean), masks)
    restored = registry.restorers.create("patchmatch").restore(covered)
    least = float(batch.clean.min())
    assert float(restored.min()) >= least - 1 / 255  # nothing of the black covering is left


def test_the_mean_face_takes_over_the_colours_of_what_is_seen() -> None:
    face = mean_face()
    assert face.shape == (1, 3, 128, 128) and torch.equal(face, face.flip(-1))
    masks = torch.zeros(1, 1, 128, 128)
    masks[:, :, 64:, 20:108] = 1
    clean = face * torch.tensor([0.9, 0.7, 0.5])[:, None, None]
    batch = FaceBatch(clean * (1 - masks), masks)
    restorer = registry.restorers.create("mean-face")
    torch.testing.assert_close(restorer.restore(batch), clean, atol=1e-5, rtol=0)
    covered = FaceBatch(batch.images, torch.ones_like(masks))
    torch.testing.assert_close(restorer.restore(covered), face, atol=1e-6, rtol=0)
    eye, cheek = face[0, :, 50, 45].mean(), face[0, :, 75, 40].mean()
    assert float(eye) < float(cheek)  # it is a face


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
