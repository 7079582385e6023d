"""One block of probes through one arm: painted, embedded, measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from restore_recog.api import Recognizer
from restore_recog.evaluation.arms import ArmSpec, Painter, Pixels
from restore_recog.evaluation.detectors import Detector
from restore_recog.evaluation.embedding import Face, Templates, embed
from restore_recog.evaluation.faces import ProbeFace
from restore_recog.evaluation.judges import Judged, Judges
from restore_recog.evaluation.ledger import Ledger
from restore_recog.evaluation.packed_maps import pack
from restore_recog.likeness import Quality, measure


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What an arm made of one probe.

    Attributes:
        template: (D,) of unit length, or None where there is none.
        fallback: The restorer failed and the probe was used as it came.
        quality: Likeness to the clean twin.
        found: The map that it was restored with, packed; None where nothing looked for one.
        features: (F,) of the picture for FID, or None.
    """

    template: Templates | None
    fallback: bool
    quality: Quality
    found: bytes | None = None
    features: NDArray[np.float32] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class ArmRun:
    """What an arm produced.

    Attributes:
        templates: (P, D) in the plan's order; NaN rows where there is none.
        fallbacks, qualities: By image_id, of the probes that got this far.
        maps: The packed maps that a segmenter found, by image_id, where one looked.
        features: (P, F) for FID, or None.
    """

    templates: Templates
    fallbacks: Mapping[str, bool]
    qualities: Mapping[str, Quality]
    maps: Mapping[str, bytes]
    features: NDArray[np.float32] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class ArmWorker:
    """Takes blocks of probes through arms.

    Attributes:
        recognizer: Of the run.
        detectors: Restorer name -> its detector.
        acquire_failed: Whether a probe that the restorer failed on has no template (failure
            to acquire) instead of the one of the picture as it came.
        judges: Of how good the pictures look.
    """

    recognizer: Recognizer
    detectors: Mapping[str, Detector | None]
    acquire_failed: bool
    judges: Judges = field(default_factory=Judges)

    def work(
        self, spec: ArmSpec, faces: Sequence[ProbeFace], painter: Painter
    ) -> dict[str, Outcome]:
        """Return image_id -> outcome of every probe of a block."""
        painted = painter.paint(spec, faces)
        lost = [self.acquire_failed and fallback for fallback in painted.fallbacks]
        rows = self._embed(faces, painted.pictures, lost, painter.ledger)
        with painter.ledger.timed("measure", len(faces)):
            qualities = [
                Quality() if gone else self._quality(spec, face, picture, painter)
                for face, picture, gone in zip(faces, painted.pictures, lost, strict=True)
            ]
        judged = self._judge(spec, faces, painted.pictures, lost, painter.ledger)
        maps = [self._map(spec, face, painter) for face in faces]
        return {
            face.sample.image_id: Outcome(
                row, fallback and not gone, replace(quality, **said.scores), found, said.features
            )
            for face, row, fallback, gone, quality, found, said in zip(
                faces, rows, painted.fallbacks, lost, qualities, maps, judged, strict=True
            )
        }

    def _judge(
        self,
        spec: ArmSpec,
        faces: Sequence[ProbeFace],
        pictures: Sequence[Pixels],
        lost: Sequence[bool],
        ledger: Ledger,
    ) -> list[Judged]:
        """Return what the judges say of every picture; nothing of those that are lost."""
        kept = [i for i, gone in enumerate(lost) if not gone]
        said = self.judges.judge(
            spec, [faces[i] for i in kept], [pictures[i] for i in kept], ledger
        )
        by_row = dict(zip(kept, said, strict=True))
        return [by_row.get(i, Judged()) for i in range(len(faces))]

    def _map(self, spec: ArmSpec, face: ProbeFace, painter: Painter) -> bytes | None:
        """Return the map that the segmenter under test found, packed."""
        if spec.arm not in ("restored", "restored-clean") or not self._reads(spec, painter):
            return None
        found = painter.maps(spec, face)
        return None if found is None else pack(found)

    def _reads(self, spec: ArmSpec, painter: Painter) -> bool:
        return "masks" in painter.restorers[spec.restorer or ""].needs

    def _embed(
        self,
        faces: Sequence[ProbeFace],
        pictures: Sequence[Pixels],
        lost: Sequence[bool],
        ledger: Ledger,
    ) -> list[Templates | None]:
        kept = [i for i, gone in enumerate(lost) if not gone]
        rows: list[Templates | None] = [None] * len(faces)
        if kept:
            cut = [Face(faces[i].sample, pictures[i], faces[i].crop.landmarks) for i in kept]
            for i, row in zip(kept, embed(self.recognizer, cut, ledger), strict=True):
                rows[i] = row
        return rows

    def _quality(
        self, spec: ArmSpec, face: ProbeFace, picture: Pixels, painter: Painter
    ) -> Quality:
        """Return how like its twin a picture is, where that says something."""
        if spec.arm in ("clean", "upper-half"):
            return Quality()
        if spec.arm == "restored-clean":
            return measure(picture, face.clean, None, None)
        detected = spec.arm == "restored" and self.detectors[spec.restorer or ""] is not None
        used = painter.maps(spec, face) if detected and self._reads(spec, painter) else None
        return measure(picture, face.clean, face.crop.mask, used)
