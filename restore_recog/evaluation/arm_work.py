"""One block of probes through one arm: painted, embedded, measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from restore_recog.api import Recognizer
from restore_recog.evaluation.arms import ArmSpec, Painter, Pixels
from restore_recog.evaluation.detectors import Detector
from restore_recog.evaluation.embedding import Face, Templates, embed
from restore_recog.evaluation.faces import ProbeFace
from restore_recog.evaluation.ledger import Ledger
from restore_recog.likeness import Quality, measure


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What an arm made of one probe.

    Attributes:
        template: (D,) of unit length, or None where there is none.
        fallback: The restorer failed and the probe was used as it came.
        quality: Likeness to the clean twin.
    """

    template: Templates | None
    fallback: bool
    quality: Quality


@dataclass(frozen=True, slots=True, eq=False)
class ArmWorker:
    """Takes blocks of probes through arms.

    Attributes:
        recognizer: Of the run.
        detectors: Restorer name -> its detector.
        acquire_failed: Whether a probe that the restorer failed on has no template (failure
            to acquire) instead of the one of the picture as it came.
    """

    recognizer: Recognizer
    detectors: Mapping[str, Detector | None]
    acquire_failed: bool

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
        return {
            face.sample.image_id: Outcome(row, fallback and not gone, quality)
            for face, row, fallback, gone, quality in zip(
                faces, rows, painted.fallbacks, lost, qualities, strict=True
            )
        }

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
        used = painter.maps(spec, face) if detected else None
        return measure(picture, face.clean, face.crop.mask, used)
