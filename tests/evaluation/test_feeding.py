"""What recognisers of another alignment are shown: the photograph after each arm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch.nn.functional as F
from evaluation_fakes import KEY, SIDE, Colours, Healer, Squares, square
from torch import Tensor

from restore_recog.alignment import GREY, TEMPLATE
from restore_recog.api import Recognizer
from restore_recog.errors import RestoreRecogError
from restore_recog.evaluation.arms import ARMS
from restore_recog.evaluation.arms.choice import ArmSpec
from restore_recog.evaluation.evaluate import evaluate, evaluate_each
from restore_recog.evaluation.request import EvalRequest
from restore_recog.evaluation.run.ledger import Ledger
from restore_recog.evaluation.run.session import Session
from restore_recog.protocols.fmor import Fmor
from restore_recog.types import FaceImage, Pixels, Templates

LEFT, TOP = 70, 60
"""Where the face lies in its photograph."""

AROUND, ABOVE = 16, 8
"""How much more than the face the recogniser wants to see, on every side and above."""

SHOWN = (88, 96)
"""(H, W) of what it wants to see, pixel by pixel as photographed."""


class Photographs(Squares):
    """The squares, each inside a larger photograph, whose edges tell images apart."""

    def _read(self, image_id: str) -> FaceImage | RestoreRecogError:
        face = super()._read(image_id)
        if not isinstance(face, FaceImage):
            return face
        subject = int(image_id[:2])
        pixels = np.random.default_rng([subject, 7]).integers(0, 256, (200, 220, 3), np.uint8)
        mask = np.zeros(pixels.shape[:2], np.uint8)
        place = slice(TOP, TOP + SIDE), slice(LEFT, LEFT + SIDE)
        pixels[place] = face.pixels
        if face.mask is not None:
            mask[place] = face.mask
        assert face.landmarks is not None
        points = (face.landmarks + (LEFT, TOP)).astype(np.float32)
        return FaceImage(pixels, points, None if face.mask is None else mask)


class Looking(Recognizer):
    """Its template is the image itself, a frame that is wider than the restorer's crop."""

    name = "looking"
    image_size = SHOWN
    template = (TEMPLATE * SIDE + (AROUND, ABOVE)) / SHOWN[::-1]

    def embed(self, images: Tensor) -> Tensor:
        return F.normalize(images.flatten(1))


def request(data: Squares, **options: object) -> EvalRequest:
    return EvalRequest([data], Fmor(), (Healer(),), Looking(), **options)  # type: ignore[arg-type]


def ran(asked: EvalRequest) -> tuple[Session, dict[str, Templates]]:
    session = Session(asked, Ledger())
    return session, {name: run.templates for name, run in session.run().items()}


def frame(photograph: Pixels) -> Pixels:
    """Return what the recogniser wants to see of a photograph, cut without any arithmetic."""
    top, left = TOP - ABOVE, LEFT - AROUND
    return photograph[top : top + SHOWN[0], left : left + SHOWN[1]]


def as_template(image: Pixels) -> Templates:
    flat = image.transpose(2, 0, 1).astype(float).ravel()
    row: Templates = flat / np.linalg.norm(flat)
    return row


def photograph(data: Squares, image_id: str) -> Pixels:
    image = data._read(image_id)
    assert isinstance(image, FaceImage)
    return image.pixels


def test_references_and_bare_probes_are_cut_from_their_own_photographs() -> None:
    data = Photographs(4, 4, occluded=2)
    session, templates = ran(request(data))
    references = session.references(ArmSpec(ARMS["restored"], "healer"))
    for image_id, row in zip(session.design.columns, references, strict=True):
        expected = as_template(frame(photograph(data, image_id)))
        np.testing.assert_allclose(row, expected, atol=1e-6)
    for image_id, row in zip(session.plan.probes, templates["clean"], strict=True):
        bare = session.source.samples[image_id].clean_id
        assert bare is not None
        np.testing.assert_allclose(row, as_template(frame(photograph(data, bare))), atol=1e-6)


def test_an_occluded_photograph_is_shown_as_it_came_and_a_restored_one_with_the_face_in_it() -> (
    None
):
    data = Photographs(4, 4, occluded=2)
    session, templates = ran(request(data))
    for row, image_id in enumerate(session.plan.probes):
        occluded = photograph(data, image_id)
        np.testing.assert_allclose(
            templates["occluded"][row], as_template(frame(occluded)), atol=1e-6
        )
        covered = (occluded == (KEY, 0, KEY)).all(axis=2)
        truth = occluded.copy()
        face = truth[TOP : TOP + SIDE, LEFT : LEFT + SIDE]
        hidden = covered[TOP : TOP + SIDE, LEFT : LEFT + SIDE]
        face[hidden] = square(int(image_id[:2]), 0)[hidden]
        np.testing.assert_allclose(
            templates["restored:healer"][row], as_template(frame(truth)), atol=1e-6
        )


def test_a_drawn_covering_is_in_the_photograph_too() -> None:
    session, templates = ran(request(Photographs(4, 4), arms=("clean", "occluded")))
    for row, (image_id, face) in enumerate(session.faces(session.plan.probes).items()):
        assert face.bare is not None and face.bare.photo is not None and face.crop.photo is not None
        bare, occluded = face.bare.photo.pixels, face.crop.photo.pixels
        left, top = np.rint(-face.crop.photo.matrix[:, 2]).astype(int)
        within = slice(top, top + SIDE), slice(left, left + SIDE)
        np.testing.assert_array_equal(bare[within], face.bare.pixels)
        np.testing.assert_array_equal(occluded[within], face.crop.pixels)
        changed = (bare != occluded).any(axis=2)
        assert 0 < changed[within].mean() < 1
        assert not changed[: top + SIDE // 4].any(), image_id  # the eyes are free
        assert np.abs(templates["clean"][row] - templates["occluded"][row]).max() > 1e-4


def test_a_part_of_a_face_shows_nothing_of_the_rest_outside_of_the_crop_either() -> None:
    data = Photographs(4, 4, occluded=2)
    session, templates = ran(request(data, arms=("upper-half", "eyes")))
    for arm, end in (("upper-half", TEMPLATE[2, 1]), ("eyes", TEMPLATE[[0, 2], 1].mean())):
        line = TOP + round(float(end) * SIDE)
        shown = [(i, templates[arm][row]) for row, i in enumerate(session.plan.probes)]
        references = session.references(ArmSpec(ARMS[arm]))
        for image_id, row in [*shown, *zip(session.design.columns, references, strict=True)]:
            part = photograph(data, image_id)
            part[line:] = GREY
            np.testing.assert_allclose(row, as_template(frame(part)), atol=1e-6)


class Whole(Photographs):
    """The recogniser's frame of every photograph, nothing known of its landmarks."""

    def _read(self, image_id: str) -> FaceImage | RestoreRecogError:
        image = super()._read(image_id)
        assert isinstance(image, FaceImage)
        return FaceImage(np.ascontiguousarray(frame(image.pixels)))


def test_aligned_crops_are_taken_as_they_are() -> None:
    """A crop of the recogniser's size reaches it bit for bit; one of twice that is scaled."""
    data = Whole(4, 4, occluded=2)
    session, templates = ran(request(data, faces_policy="aligned", arms=("clean", "occluded")))
    for row, image_id in enumerate(session.plan.probes):
        expected = as_template(photograph(data, image_id))
        np.testing.assert_allclose(templates["occluded"][row], expected, atol=1e-6)
        bare = session.source.samples[image_id].clean_id
        assert bare is not None
        expected = as_template(photograph(data, bare))
        np.testing.assert_allclose(templates["clean"][row], expected, atol=1e-6)

    class Twice(Whole):
        def _read(self, image_id: str) -> FaceImage | RestoreRecogError:
            image = super()._read(image_id)
            assert isinstance(image, FaceImage)
            return replace(image, pixels=image.pixels.repeat(2, axis=0).repeat(2, axis=1))

    _, scaled = ran(request(Twice(4, 4, occluded=2), faces_policy="aligned", arms=("occluded",)))
    np.testing.assert_allclose(scaled["occluded"], templates["occluded"], atol=1e-6)


def test_the_report_says_what_the_recogniser_is_fed_from() -> None:
    data = Photographs(4, 4, occluded=2)
    ours, usual = evaluate_each(request(data, arms=("occluded",)), [Looking(), Colours()])
    assert ours.setup["recognizer_fed_from"] == "photograph"
    assert any("(96 wide, 88 high) are cut from the photographs" in n for n in ours.notes)
    assert not any("Warning: the recogniser's template" in note for note in ours.notes)
    assert usual.setup["recognizer_fed_from"] == "crop"
    assert not any("photographs" in note for note in usual.notes)
    alone = evaluate(request(data, arms=("occluded",)))
    for name, scores in alone.scores.items():
        np.testing.assert_array_equal(ours.scores[name], scores)


def test_a_template_that_shows_too_much_is_warned_of() -> None:
    class Loose(Looking):
        template = (Looking.template - 0.5) * 0.5 + 0.5

    asked = replace(request(Photographs(4, 4, occluded=2), arms=("occluded",)), recognizer=Loose())
    assert any("Warning: the recogniser's template shows more" in n for n in evaluate(asked).notes)


class Redecorated(Photographs):
    """The same faces in other rooms."""

    def _read(self, image_id: str) -> FaceImage | RestoreRecogError:
        image = super()._read(image_id)
        assert isinstance(image, FaceImage)
        image.pixels[:TOP] = 255 - image.pixels[:TOP]
        return image


@pytest.mark.parametrize(("recogniser", "again"), [(Looking, True), (Colours, False)])
def test_finished_work_is_of_one_photograph(
    recogniser: type[Recognizer], again: bool, tmp_path: Path
) -> None:
    """Same crops, other surroundings: only who looks at those has to look again."""

    def notes(data: Squares) -> Sequence[str]:
        asked = request(data, cache=tmp_path)
        return evaluate(replace(asked, recognizer=recogniser())).notes

    notes(Photographs(4, 4, occluded=2))
    reused = [
        note for note in notes(Redecorated(4, 4, occluded=2)) if "came from the cache" in note
    ]
    assert reused is not again
