"""Masks are tidied; the hole is the same in training, in validation and in use."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from restore_recog import registry, weights
from restore_recog.errors import TrainingError
from restore_recog.nn.masks import pasted, tidied
from restore_recog.restorers.fmodr.training import FMODRTraining
from restore_recog.restorers.ganmasker.training import GANMaskerTraining
from restore_recog.testing.models import face_batch
from restore_recog.types import FaceBatch


def test_holes_are_filled_and_islands_dropped() -> None:
    want = torch.zeros(1, 1, 32, 32)
    want[:, :, 14:30, 4:28] = 1
    found = want.clone()
    found[:, :, 20:23, 10:14] = 0
    found[:, :, 2:4, 2:4] = 1
    assert torch.equal(tidied(found), want)


def test_pieces_of_some_size_stay() -> None:
    found = torch.zeros(1, 1, 32, 32)
    found[:, :, 16:30, 2:12] = 1
    found[:, :, 16:30, 20:30] = 1
    assert torch.equal(tidied(found), found)


def test_an_empty_mask_stays_empty_and_masks_do_not_touch_each_other() -> None:
    found = torch.zeros(2, 1, 16, 16)
    found[1, :, 4:8, 4:8] = 1
    assert torch.equal(tidied(found), found)


def test_what_is_pasted_stays_in_the_range_and_in_the_mask() -> None:
    images, filled = torch.full((1, 3, 2, 2), 0.3), torch.full((1, 3, 2, 2), 1.2)
    mask = torch.tensor([[[[0.0, 1.0], [0.0, 0.0]]]])
    assert (
        pasted(filled, images, mask)[0, 0].tolist()
        == images[0, 0].where(mask[0, 0] == 0, 1.0).tolist()
    )


def test_the_fill_fades_inside_the_mask_alone() -> None:
    images, filled = torch.zeros(1, 3, 12, 16), torch.full((1, 3, 12, 16), 0.9)
    mask = torch.zeros(1, 1, 12, 16)
    mask[:, :, 4:, 3:13] = 1
    share = pasted(filled, images, mask, feather=1)[0, 0] / 0.9
    assert torch.equal(share > 0, mask[0, 0] > 0)
    third, most = pytest.approx(1 / 3), pytest.approx(2 / 3)
    assert share[8, 2:7].tolist() == [0, third, most, 1, 1]
    assert share[3:8, 8].tolist() == [0, third, most, 1, 1]
    assert bool((share[7:, 5:11] == 1).all())  # down to the image's edge, which is no mask's edge
    assert torch.equal(pasted(filled, images, mask), filled * mask)


@pytest.mark.parametrize("name", ["fmodr", "ganmasker"])
def test_how_the_fill_fades_is_in_the_weights_file(name: str, tmp_path: Path) -> None:
    assert registry.restorers.create(name).feather == 0  # shipped before there was the option
    model = KINDS[name]("tiny", feather=2)
    path = tmp_path / "weights.safetensors"
    weights.save(path, name, *model.weights())
    assert registry.restorers.create(name, weights=path).feather == 2
    # A training that began without the option goes on.
    assert model.describe() == KINDS[name]("tiny").describe()
    with pytest.raises(TrainingError, match="'feather' is a number of pixels from 0 on, not -1"):
        KINDS[name]("tiny", feather=-1)


KINDS: dict[str, type[FMODRTraining] | type[GANMaskerTraining]] = {
    "fmodr": FMODRTraining,
    "ganmasker": GANMaskerTraining,
}
FOUND = {"fmodr": {"mask_source": "detector"}, "ganmasker": {"map_source": "mseg"}}
"""What has a training work on the masks that its own segmenter finds."""


def speckled(batch: FaceBatch) -> Tensor:
    """Return probabilities of a mask with a hole and an island, as networks find them."""
    found = 0.2 + 0.6 * batch.masks
    found[:, :, 20, 14] = 0.1
    found[:, :, 2, 2] = 0.9
    return found


@pytest.mark.parametrize("options", [{}, {"source": "found"}, {"dilate": 0}])
@pytest.mark.parametrize("name", KINDS)
def test_validation_judges_what_the_restorer_returns(
    name: str, options: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Preview and validation show the images that the stored weights make in use."""
    torch.manual_seed(0)
    own = FOUND[name] if "source" in options else {}
    if "dilate" in options:
        own = {"dilate": 0, "feather": 1}
        own |= {"dilate_spread": 0} if name == "ganmasker" else {}
    model = KINDS[name]("tiny", **own)
    batch = face_batch(2, (32, 32))
    assert batch.clean is not None
    path = tmp_path / "weights.safetensors"
    weights.save(path, name, *model.weights())
    restorer = registry.restorers.create(name, weights=path)
    used = batch
    if "source" in options:
        used = _found_alike(model, restorer, batch, monkeypatch)
    restored = restorer.restore(used)
    shown = model.preview(batch)[4:6]
    torch.testing.assert_close(shown, restored, atol=1e-4, rtol=0)
    figures = model.validate(batch)
    inside = ((restored - batch.clean).square() * batch.masks).flatten(1).sum(1)
    psnr = -10 * (inside / (3 * batch.masks.flatten(1).sum(1))).log10()
    assert figures["psnr_mask"] == pytest.approx(float(psnr.mean()), abs=1e-3)


def _found_alike(
    model: Any, restorer: Any, batch: FaceBatch, monkeypatch: pytest.MonkeyPatch
) -> FaceBatch:
    """Have training and restorer's segmenters find one mask; return the batch with it."""
    found = speckled(batch)
    for nets in (model.nets, restorer.nets):
        net = nets.detector if hasattr(nets, "detector") else nets.mseg
        answer = found if hasattr(nets, "detector") else found.logit()
        monkeypatch.setattr(net, "forward", lambda images, answer=answer: answer)
    masks = restorer.segmenter().segment(batch.images)
    assert torch.equal(masks, batch.masks)
    return replace(batch, masks=masks)
