"""One evaluation under way: its faces, its arms, and what the recogniser makes of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from restore_recog import detectors
from restore_recog.api import Restorer
from restore_recog.arms import (
    ARMS,
    DEFAULT_ARMS,
    RESTORING,
    ArmSpec,
    Maps,
    Painter,
    Pixels,
    upper_half,
)
from restore_recog.detection import FaceFinder
from restore_recog.embedding import Face, Templates, embed, stacked
from restore_recog.errors import DataError
from restore_recog.faces import CoveringSpec, Ledger, ProbeFace, Source, Studio
from restore_recog.likeness import Quality, measure
from restore_recog.scoring import Board

if TYPE_CHECKING:
    from restore_recog.request import EvalRequest

DEFAULT_SIZE = 128
"""Side of the crops in pixels where there is no restorer to say."""


@dataclass(frozen=True, slots=True, eq=False)
class ArmRun:
    """What an arm produced.

    Attributes:
        templates: (P, D) in the plan's order; NaN rows where there is none.
        fallbacks, qualities: By image_id, of the probes that got this far.
    """

    templates: Templates
    fallbacks: Mapping[str, bool]
    qualities: Mapping[str, Quality]


class Session:
    """The faces and arms of one evaluation.

    Attributes:
        restorers: By their names in this run.
        specs: The arms that this data can carry.
        gallery: image_id -> crop of the references (and cosine pictures) that were found.
        faces: image_id -> probe, of those that were found.
        notes: Sentences for the report.
    """

    def __init__(self, request: EvalRequest, ledger: Ledger) -> None:
        self.request = request
        self.ledger = ledger
        self.restorers = _named(request.restorers)
        self.source = Source(request.datasets)
        self.notes = [note for dataset in request.datasets for note in dataset.notes]
        samples = self.source.samples
        self.plan = request.protocol.plan(
            list(samples.values()), seed=request.seed, limit=request.limit
        )
        spec = CoveringSpec(request.coverings, request.colour, request.seed)
        if self.plan.synthetic:
            spec.check()
        self.board = Board.of(self.plan, {i: sample.subject for i, sample in samples.items()})
        self.detectors = detectors.choose(request.segmenter, self.restorers, request.device)
        sizes = [side for r in self.restorers.values() for side in r.image_size]
        self.size = max(sizes, default=DEFAULT_SIZE)
        studio = Studio(
            self.source,
            FaceFinder(request.faces_policy, request.device),  # type: ignore[arg-type]
            self.size,
            request.batch_size,
            self.ledger,
        )
        self.gallery = studio.crops(self.board.columns)
        self.faces = (
            studio.covered(self.plan.probes, spec)
            if self.plan.synthetic
            else studio.as_found(self.plan.probes)
        )
        self._check_faces()
        self.specs = self._choose_arms()
        self.painter = self._painter()
        self.gallery_templates = self._embed_gallery()

    def _check_faces(self) -> None:
        for kind, found, wanted in (
            ("references", self.gallery, self.board.columns),
            ("probes", self.faces, self.plan.probes),
        ):
            if not found:
                first = next(f for f in self.ledger.failures if f.image_id in wanted)
                raise DataError(
                    f"None of the {len(wanted)} {kind} could be used; the first one, "
                    f"'{first.image_id}', failed at the stage '{first.stage}': {first.reason}"
                )

    def _choose_arms(self) -> tuple[ArmSpec, ...]:
        """Return the arms that this data can carry; one that was asked for must be among them."""
        faces = list(self.faces.values())
        twins = all(face.clean is not None for face in faces)
        maps = all(face.crop.mask is not None for face in faces)
        oracle = "" if maps else "the true maps of some probes are unknown"
        if self.request.segmenter == detectors.TRUE:
            oracle = "the restorers are given the true maps already"
        reasons = {
            "clean": "" if twins else "the data has no unoccluded twins of all probes",
            "restored-clean": "" if twins else "the data has no unoccluded twins of all probes",
            "restored-oracle-mask": oracle,
            "fill": "" if maps or any(self.detectors.values()) else "there is no map to fill",
        }
        specs = []
        for arm in ARMS:
            asked = arm in (self.request.arms or DEFAULT_ARMS) or arm == "occluded"
            if asked and reasons.get(arm):
                if self.request.arms:
                    raise DataError(f"The arm '{arm}' cannot be measured: {reasons[arm]}.")
                self.notes.append(f"The arm '{arm}' is left out: {reasons[arm]}.")
            elif asked:
                specs += self._specs(arm)
        return tuple(specs)

    def _specs(self, arm: str) -> list[ArmSpec]:
        if arm not in RESTORING:
            return [ArmSpec(arm)]
        return [
            ArmSpec(arm, name)
            for name, restorer in self.restorers.items()
            if arm != "restored-oracle-mask" or "masks" in restorer.needs
        ]

    def _painter(self) -> Painter:
        faces, batch = list(self.faces.values()), self.request.batch_size
        occluded = {face.sample.image_id: face.crop.pixels for face in faces}
        if self.request.segmenter == detectors.TRUE:
            found = dict.fromkeys(self.restorers, detectors.true_maps(faces, self.ledger))
        else:
            found = detectors.find_maps(self.detectors, faces, occluded, batch, self.ledger)
        found_clean: dict[str, Maps] = {}
        if any(spec.arm == "restored-clean" for spec in self.specs):
            clean = {f.sample.image_id: f.clean for f in faces if f.clean is not None}
            found_clean = detectors.find_maps(self.detectors, faces, clean, batch, self.ledger)
        true = {f.sample.image_id: f.crop.mask for f in faces if f.crop.mask is not None}
        self.fill_map = "true" if len(true) == len(faces) else "predicted"
        finders = [name for name, detector in self.detectors.items() if detector is not None]
        fill = true if self.fill_map == "true" or not finders else found[finders[0]]
        mean = mean_face([crop.pixels for crop in self.gallery.values()])
        return Painter(self.restorers, found, found_clean, fill, mean, self.ledger)

    def references(self, spec: ArmSpec) -> Templates:
        """Return the (R, D) templates that an arm is searched in, NaN rows for failed ones."""
        if spec.arm == "upper-half":
            return self._embed_gallery(upper=True)
        return self.gallery_templates

    def _embed_gallery(self, *, upper: bool = False) -> Templates:
        found: dict[str, Templates | None] = {}
        ids = [image_id for image_id in self.board.columns if image_id in self.gallery]
        for batch in self._batches(ids):
            crops = [self.gallery[image_id] for image_id in batch]
            pictures = [upper_half(c.pixels) if upper else c.pixels for c in crops]
            self._embed(found, batch, pictures, [crop.landmarks for crop in crops])
            self.ledger.report("gallery", len(found), len(ids))
        return stacked(found, self.board.columns)

    def _embed(
        self,
        found: dict[str, Templates | None],
        ids: Sequence[str],
        pictures: Sequence[Pixels],
        landmarks: Sequence[NDArray[np.float32]],
    ) -> None:
        samples = self.source.samples
        faces = [
            Face(samples[image_id], picture, points)
            for image_id, picture, points in zip(ids, pictures, landmarks, strict=True)
        ]
        rows = embed(self.request.recognizer, faces, self.ledger)
        found.update(zip(ids, rows, strict=True))

    def _batches(self, ids: Sequence[str]) -> list[Sequence[str]]:
        size = self.request.batch_size
        return [ids[start : start + size] for start in range(0, len(ids), size)]

    def run(self, spec: ArmSpec) -> ArmRun:
        """Make, embed and measure the pictures of one arm."""
        templates: dict[str, Templates | None] = {}
        fallbacks: dict[str, bool] = {}
        qualities: dict[str, Quality] = {}
        ids = [image_id for image_id in self.plan.probes if image_id in self.faces]
        for batch in self._batches(ids):
            faces = [self.faces[image_id] for image_id in batch]
            painted = self.painter.paint(spec, faces)
            self._embed(templates, batch, painted.pictures, [f.crop.landmarks for f in faces])
            fallbacks.update(zip(batch, painted.fallbacks, strict=True))
            with self.ledger.timed("measure", len(batch)):
                for face, picture in zip(faces, painted.pictures, strict=True):
                    qualities[face.sample.image_id] = self._quality(spec, face, picture)
            self.ledger.report(spec.name, len(templates), len(ids))
        length = self.gallery_templates.shape[1]
        return ArmRun(stacked(templates, self.plan.probes, length), fallbacks, qualities)

    def _quality(self, spec: ArmSpec, face: ProbeFace, picture: NDArray[np.uint8]) -> Quality:
        """Return how like its twin a picture is, where that says something."""
        if spec.arm in ("clean", "upper-half"):
            return Quality()
        if spec.arm == "restored-clean":
            return measure(picture, face.clean, None, None)
        detected = spec.arm == "restored" and self.detectors[spec.restorer or ""] is not None
        used = self.painter.maps(spec, face) if detected else None
        return measure(picture, face.clean, face.crop.mask, used)


def mean_face(pictures: Sequence[Pixels]) -> Pixels:
    """Return the mean of crops of one size."""
    total = np.zeros(pictures[0].shape, np.float64)
    for picture in pictures:
        total += picture
    mean: Pixels = np.rint(total / len(pictures)).astype(np.uint8)
    return mean


def _named(restorers: Sequence[Restorer]) -> dict[str, Restorer]:
    """Return the restorers by name; a second one of a name becomes ``name-2``."""
    found: dict[str, Restorer] = {}
    for restorer in restorers:
        number = sum(other.name == restorer.name for other in found.values()) + 1
        found[restorer.name if number == 1 else f"{restorer.name}-{number}"] = restorer
    return found
