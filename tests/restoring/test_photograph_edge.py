"""A face at the edge of its photograph: what a crop shows beyond is never taken for covering."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from evaluation_fakes import SIDE, Healer, KeyDetector, Squares, request
from torch import Tensor

from restore_recog.alignment import TEMPLATE, align
from restore_recog.api import Restorer, Segmenter
from restore_recog.api.answers import segmented
from restore_recog.evaluation.evaluate import evaluate
from restore_recog.evaluation.run.ledger import Ledger
from restore_recog.evaluation.run.masks import unpack
from restore_recog.evaluation.run.session import Session
from restore_recog.images import to_tensor
from restore_recog.restoring.image_files import ImageRestorer, put_back
from restore_recog.restoring.restoration import Restoration, run_restorer, valid_tensor
from restore_recog.types import FaceBatch, FaceImage

CUT = 40
"""Height of the photographs, whose covering reaches down to their edge; the crops have SIDE."""

KEY = (255, 0, 255)


class Stripes(Restorer):
    """Paint every row of the masked part in a colour of its own; remember the masks."""

    name = "stripes"
    image_size = (SIDE, SIDE)

    def restore(self, batch: FaceBatch) -> Tensor:
        self.given = batch.masks
        rows = torch.linspace(0, 0.9, batch.images.shape[2])[:, None].expand_as(batch.images)
        return torch.where(batch.masks > 0, rows, batch.images)


class Streaks(Segmenter):
    """Takes the last rows, all of them beyond the photograph, for covering too."""

    name = "streaks"

    def segment(self, images: Tensor) -> Tensor:
        masks = KeyDetector().segment(images)
        masks[:, :, CUT + 4 :] = 1
        return masks


class Cut(Squares):
    """Photographs that end amid the covering."""

    def _read(self, image_id: str) -> FaceImage:
        image = super()._read(image_id)
        assert isinstance(image, FaceImage)
        mask = None if image.mask is None else image.mask[:CUT]
        return replace(image, pixels=image.pixels[:CUT], mask=mask)


def photograph() -> FaceImage:
    pixels = np.random.default_rng(2).integers(0, 200, (CUT, SIDE, 3)).astype(np.uint8)
    pixels[CUT - 8 :, 8:56] = KEY
    return FaceImage(pixels, (TEMPLATE * SIDE - 0.5).astype(np.float32))


def test_the_photograph_is_filled_to_its_edge_and_nothing_is_marked_beyond() -> None:
    image, stripes = photograph(), Stripes()
    worker = ImageRestorer(stripes, Streaks())
    face = worker.restore(worker.find(image))[0]
    mask, valid = face.crop.mask, face.crop.valid
    assert mask is not None and valid is not None
    assert not valid[CUT:].any() and valid[:CUT].all()
    assert not mask[CUT:].any() and mask[CUT - 8 : CUT, 8:56].all() and mask.sum() == 8 * 48
    # The restorer sees a covering that goes on, or its colour would be part of what is visible.
    assert stripes.given[0, 0, CUT:, 8:56].all()
    assert (face.pixels[CUT:] == face.pixels[CUT - 1]).all()
    done = put_back(image, face)
    assert np.array_equal(done[: CUT - 8], image.pixels[: CUT - 8])
    assert np.array_equal(done[CUT - 4 :, 12:52], face.pixels[CUT - 4 : CUT, 12:52])


def test_a_given_mask_goes_on_beyond_the_photograph_for_the_restorer() -> None:
    image = photograph()
    mask = (image.pixels == KEY).all(axis=2).astype(np.uint8)
    stripes = Stripes()
    worker = ImageRestorer(stripes, None)
    face = worker.restore(worker.find(replace(image, mask=mask)))[0]
    assert face.crop.mask is not None and face.crop.mask.sum() == mask.sum()
    assert stripes.given.sum() == (SIDE - CUT + 8) * 48
    assert (face.pixels[CUT:] == face.pixels[CUT - 1]).all()


def test_faces_within_their_photographs_are_none_the_wiser() -> None:
    """One at the edge beside one that is whole: each as alone."""
    whole = photograph()
    whole = replace(whole, pixels=np.pad(whole.pixels, [(0, SIDE - CUT), (0, 0), (0, 0)]))
    pair = [align(photograph(), SIDE), align(whole, SIDE)]
    assert pair[1].valid is None and valid_tensor(pair[1:]) is None
    images, valid = to_tensor([crop.pixels for crop in pair]), valid_tensor(pair)
    masks = segmented(Streaks(), images)
    together = run_restorer(Stripes(), FaceBatch(images, masks, valid=valid))
    alone = Restoration(Stripes(), Streaks())(images[1])
    assert torch.equal(together[1], alone)
    assert valid is not None
    edge = Restoration(Stripes(), Streaks())(images[0], valid=valid[0])
    assert torch.equal(together[0], edge)


def test_at_another_size_too() -> None:
    small = Stripes()
    small.image_size = (32, 32)  # type: ignore[misc]
    crop = align(photograph(), SIDE)
    images, valid = to_tensor([crop.pixels]), valid_tensor([crop])
    masks = segmented(KeyDetector(), images)
    restored = run_restorer(small, FaceBatch(images, masks, valid=valid))
    assert torch.equal(restored[0, :, : CUT - 8], images[0, :, : CUT - 8])
    assert (restored[0, :, CUT:] == restored[0, :, CUT - 1 : CUT]).all()


@pytest.mark.parametrize("segmenter", ["own", "true+3"])
def test_an_evaluation_marks_nothing_beyond(segmenter: str) -> None:
    session = Session(request(Cut(3, 3, occluded=2), segmenter=segmenter), Ledger())
    kept = next(run.masks for name, run in session.run().items() if name.startswith("restored"))
    assert kept
    for packed in kept.values():
        mask = unpack(packed, SIDE)
        assert mask[CUT - 8 : CUT, 8:56].all() and not mask[CUT:].any()


def test_masks_that_differ_beyond_are_equally_good() -> None:
    class Streaked(Healer):
        def segmenter(self) -> Segmenter:
            return Streaks()

    report = evaluate(request(Cut(3, 3, occluded=2), Streaked()))
    restored = next(arm for arm in report.arms if arm.name.startswith("restored"))
    assert restored.figures["dice"].value == 1


def test_a_drawn_covering_ends_with_the_photograph() -> None:
    session = Session(request(Cut(3, 3), coverings="surgical"), Ledger())
    for face in session.studio.probes(session.plan.probes).values():
        assert face.crop.mask is not None and face.crop.mask[:CUT].any()
        assert not face.crop.mask[CUT:].any()
        assert face.clean is not None
        drawn = (face.crop.pixels != face.clean).any(axis=2)
        assert drawn[CUT - 1].any() and (drawn[CUT:] == drawn[CUT - 1]).all()
        beyond = np.where(drawn[CUT - 1, :, None], face.crop.pixels[CUT - 1], face.clean[CUT - 1])
        assert (face.crop.pixels[CUT:] == beyond).all()
