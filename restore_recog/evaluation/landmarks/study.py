"""Landmarkers on faces whose landmarks are known, bare and with a synthetic covering.

Faces are cut by the landmarks that are known, as an evaluation does, so that a covering does not
move the crop: what is measured is the landmarker and not a face detector. Training images are
left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from restore_recog.api import Dataset, Landmarker
from restore_recog.errors import ImageError, PluginError
from restore_recog.evaluation.landmarks.errors import Errors, measured
from restore_recog.evaluation.landmarks.figures import (
    AS_FOUND,
    BARE,
    COVERED,
    LandmarkStudy,
    Seen,
    Standing,
    ratios,
    single,
)
from restore_recog.evaluation.run.faces import CoveringSpec, ProbeFace, Source, Studio
from restore_recog.evaluation.run.ledger import Ledger, Progress
from restore_recog.evaluation.run.locator import Locator
from restore_recog.types import FaceImage
from restore_recog.weights import fingerprint

BLOCK = 64
"""Faces that are in memory at once."""


class _Given(Locator):
    """Takes landmarks as the data has them: what a detector finds is no truth."""

    def __init__(self) -> None:
        pass

    def takes_as_aligned(self, image: FaceImage) -> bool:
        return False

    def locate(self, image: FaceImage, ledger: Ledger) -> FaceImage:
        if image.landmarks is None:
            raise ImageError("The data knows no landmarks of it, so there is nothing to measure.")
        return image


def study(
    landmarkers: Mapping[str, Landmarker],
    datasets: Mapping[str, Dataset],
    progress: Progress | None = None,
    *,
    coverings: CoveringSpec,
    limit: int | None = None,
    worst: int = 6,
) -> LandmarkStudy:
    """Measure landmarkers.

    Args:
        landmarkers: By the names that they are shown by.
        datasets: By the names that they are shown by.
        progress: Called with (stage, done, total) as the work goes on.
        coverings: What faces are covered with; its seed is that of every choice.
        limit: At most so many images of each data set, chosen at random.
        worst: So many faces with the largest errors are kept as examples.

    Raises:
        DataError: Nothing can be measured on a data set.
        PluginError: A landmarker breaks its contract or wants images that are not square.
    """
    ledger = Ledger(progress)
    standings, notes = [], list[str]()
    for data, dataset in datasets.items():
        source = Source([dataset])
        ids = _some(list(source.samples), limit, coverings.seed)
        if source.left_out:
            notes.append(f"{source.left_out} training images of {data} are left out.")
        notes += dataset.notes
        for name, landmarker in landmarkers.items():
            size = _side(name, landmarker)
            studio = Studio(source, _Given(), size, ledger, coverings=coverings)
            standings.append(_standing(name, data, landmarker, studio, ids, worst))
    setup = {
        "landmarkers": {name: _described(one) for name, one in landmarkers.items()},
        "data": {name: one.location for name, one in datasets.items()},
        "coverings": coverings.kind,
        "seed": coverings.seed,
        "limit": limit,
    }
    failures = tuple(dict.fromkeys(ledger.failures))
    return LandmarkStudy(standings, tuple(dict.fromkeys(notes)), setup, failures)


def _standing(
    name: str, data: str, landmarker: Landmarker, studio: Studio, ids: Sequence[str], worst: int
) -> Standing:
    errors: dict[str, Errors] = {}
    faces = dict[str, Seen]()
    for done, block in _blocks(ids):
        for condition, part in _conditions(landmarker, studio, block, faces, worst):
            errors[condition] = errors[condition].joined(part) if condition in errors else part
        studio.ledger.report(f"{name} on {data}", done, len(ids))
    studio.ledger.check_any("images", errors, ids)
    seed = _seed(studio)
    hidden = errors[COVERED].hidden if COVERED in errors else None
    figures = {
        condition: single(
            one, one.hidden if hidden is None or condition == AS_FOUND else hidden, seed
        )
        for condition, one in errors.items()
    }
    if COVERED in errors:
        figures[COVERED] |= ratios(errors[COVERED], errors[BARE], seed)
    known = max(one.known for one in errors.values()) or 5
    rendered = studio.source.rendered
    return Standing(name, data, rendered, known, errors, figures, tuple(faces.values()))


def _conditions(
    landmarker: Landmarker,
    studio: Studio,
    ids: Sequence[str],
    kept: dict[str, Seen],
    worst: int,
) -> Iterator[tuple[str, Errors]]:
    """Yield condition -> errors of a block of faces; the worst of all so far stay in *kept*."""
    samples = studio.source.samples
    clean = [image_id for image_id in ids if samples[image_id].condition == "clean"]
    faces = list(studio.probes(clean).values())
    if faces:
        bare, covered = (_errors(landmarker, faces, bare=one) for one in (True, False))
        _keep(kept, faces, bare, covered, worst)
        yield BARE, bare
        yield COVERED, covered
    others = [image_id for image_id in ids if samples[image_id].condition != "clean"]
    found = list(studio.as_found(others).values()) if others else []
    if found:
        yield AS_FOUND, _errors(landmarker, found, bare=False)


def _errors(landmarker: Landmarker, faces: Sequence[ProbeFace], *, bare: bool) -> Errors:
    crops = [face.bare if bare and face.bare else face.crop for face in faces]
    masks = [None if bare else face.crop.mask for face in faces]
    coverings = ["" if bare else face.covering for face in faces]
    return measured(landmarker, [face.sample for face in faces], crops, coverings, masks)


def _keep(
    kept: dict[str, Seen], faces: Sequence[ProbeFace], bare: Errors, covered: Errors, worst: int
) -> None:
    """Take faces among the worst, and drop those that no longer are."""
    each = np.where(covered.missed, np.inf, covered.each)
    for n, face in enumerate(faces):
        if face.bare is None or np.isnan(each[n]):
            continue
        images = face.bare.pixels, face.crop.pixels
        points = bare.found[n], covered.found[n]
        seen = Seen(face.sample.image_id, float(each[n]), images, points, face.crop.landmarks)
        kept[seen.image_id] = seen
    order = sorted(kept.values(), key=lambda seen: (-seen.error, seen.image_id))
    kept.clear()
    kept.update({seen.image_id: seen for seen in order[:worst]})


def _blocks(ids: Sequence[str]) -> Iterator[tuple[int, Sequence[str]]]:
    for start in range(0, len(ids), BLOCK):
        block = ids[start : start + BLOCK]
        yield start + len(block), block


def _some(ids: Sequence[str], limit: int | None, seed: int) -> list[str]:
    if limit is None or limit >= len(ids):
        return list(ids)
    chosen = np.random.default_rng(seed).choice(len(ids), limit, replace=False)
    return [ids[n] for n in sorted(chosen)]


def _side(name: str, landmarker: Landmarker) -> int:
    height, width = landmarker.image_size
    if height != width:
        raise PluginError(
            f"The landmarker '{name}' wants images of {width} x {height} pixels, and faces are cut "
            "as squares; give it a square image_size."
        )
    return height


def _seed(studio: Studio) -> int:
    assert studio.coverings is not None
    return studio.coverings.seed


def _described(landmarker: Landmarker) -> dict[str, Any]:
    """Return what tells a landmarker from others of its name."""
    mark = None if landmarker.weights is None else fingerprint(landmarker.weights)[:12]
    return {
        "image_size": landmarker.image_size,
        "settings": dict(landmarker.settings),
        "weights": mark,
    }
