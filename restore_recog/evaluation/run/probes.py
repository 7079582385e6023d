"""Probes on their way through all arms, one block at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from restore_recog.api import Recognizer, Restorer
from restore_recog.evaluation.arm_choice import ArmChoice, ArmSpec
from restore_recog.evaluation.cache.entries import FinishedWork, Tile
from restore_recog.evaluation.image_quality import ImageQuality, measure
from restore_recog.evaluation.run.faces import CoveringSpec, FoundProbe, ProbeFace, Studio
from restore_recog.evaluation.run.ledger import Ledger
from restore_recog.evaluation.run.masks import BlockMasks, pack
from restore_recog.evaluation.run.outcomes import Outcome
from restore_recog.evaluation.run.painting import Painter
from restore_recog.evaluation.run.quality_models import Judged, Judges
from restore_recog.evaluation.run.templates import Face, embed
from restore_recog.segmenters.names import ChosenSegmenter
from restore_recog.types import Failure, Pixels, Templates


@dataclass(slots=True, eq=False)
class ProbeBlock:
    """What is kept of one block of probes.

    Attributes:
        found: image_id -> what is kept of the probes whose face was found.
        true_masks: How many of them have a true mask.
        outcomes: Arm name -> image_id -> what the arm made of it.
        failures: Arm name -> what failed in it; what failed before any arm stands under "".
        dropped: Arm -> why it cannot be measured, as far as is known.
    """

    found: dict[str, FoundProbe]
    true_masks: int
    outcomes: dict[str, dict[str, Outcome]] = field(default_factory=dict)
    failures: dict[str, list[Failure]] = field(default_factory=dict)
    dropped: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class ProbePass:
    """Reads, crops, covers, paints, embeds and measures blocks of probes.

    Attributes:
        studio: Where faces come from.
        coverings: What to cover them with, or None to take them as they are found.
        restorers: By their names in this run.
        choice: The arms; the blocks may narrow it.
        true_masks: By how many pixels the true masks are widened that the restorers are given;
            None where they are given what the detectors find.
        mean_face: (S, S, 3) uint8, for the arm ``fill``.
        work: Where results made before come from, or None.
    """

    studio: Studio
    coverings: CoveringSpec | None
    restorers: Mapping[str, Restorer]
    choice: ArmChoice
    worker: ArmWorker
    true_masks: int | None
    mean_face: Pixels
    work: FinishedWork | None

    def block(self, ids: Sequence[str]) -> ProbeBlock:
        """Take a block of probes through all arms.

        Raises:
            DataError: An arm that was asked for cannot be measured on one of them.
            PluginError: A plug-in's answer has the wrong shape.
        """
        ledger = self.studio.ledger.scratch()
        found = list(faces(ids, replace(self.studio, ledger=ledger), self.coverings).values())
        self.choice.check_faces(found)
        block = ProbeBlock(
            {face.sample.image_id: FoundProbe.of(face) for face in found},
            sum(face.crop.mask is not None for face in found),
            failures={"": ledger.failures},
            dropped=dict(self.choice.dropped),
        )
        painter = self._painter(found, ledger)
        for spec in self.choice.specs():
            ledger.failures = []
            block.outcomes[spec.name] = self._outcomes(spec, found, painter) if found else {}
            block.failures[spec.name] = ledger.failures
        return block

    def tile(self, spec: ArmSpec, face: ProbeFace) -> Tile:
        """Return the image of one probe in an arm and its mask; nothing is recorded or timed."""

        def make() -> Tile:
            painter = self._painter([face], Ledger())
            return painter.paint(spec, [face]).images[0], painter.mask(spec, face)

        if self.work is None:
            return make()
        keys = self.work.probe_keys(spec, [face], self.mean_face, "tile")
        return self.work.tile(keys[face.sample.image_id], make)

    def _painter(self, found: Sequence[ProbeFace], ledger: Ledger) -> Painter:
        masks = BlockMasks(found, self.worker.detectors, ledger, true=self.true_masks)
        return Painter(self.restorers, masks, self.mean_face, ledger)

    def _outcomes(
        self, spec: ArmSpec, found: Sequence[ProbeFace], painter: Painter
    ) -> dict[str, Outcome]:
        """Take a block through one arm, or remember what came of it."""
        if self.work is None:
            return self.worker.work(spec, found, painter)
        return self.work.block(
            self.work.probe_keys(spec, found, self.mean_face),
            self.studio.source.samples,
            painter.ledger,
            lambda: self.worker.work(spec, found, painter),
        )


def faces(
    ids: Sequence[str], studio: Studio, coverings: CoveringSpec | None
) -> dict[str, ProbeFace]:
    """Return image_id -> probe of those whose face was found."""
    return studio.as_found(ids) if coverings is None else studio.covered(ids, coverings)


@dataclass(frozen=True, slots=True, eq=False)
class ArmWorker:
    """Takes blocks of probes through arms.

    Attributes:
        recognizer: Of the run.
        detectors: Restorer name -> its detector.
        acquire_failed: Whether a probe that the restorer failed on has no template (failure
            to acquire) instead of the one of the image as it came.
        judges: Of how good the images look.
    """

    recognizer: Recognizer
    detectors: Mapping[str, ChosenSegmenter | None]
    acquire_failed: bool
    judges: Judges = field(default_factory=Judges)

    def work(
        self, spec: ArmSpec, faces: Sequence[ProbeFace], painter: Painter
    ) -> dict[str, Outcome]:
        """Return image_id -> outcome of every probe of a block."""
        painted = painter.paint(spec, faces)
        lost = [self.acquire_failed and fallback for fallback in painted.fallbacks]
        rows = self._embed(faces, painted.images, lost, painter.ledger)
        with painter.ledger.timed("measure", len(faces)):
            qualities = [
                ImageQuality() if gone else self._quality(spec, face, image, painter)
                for face, image, gone in zip(faces, painted.images, lost, strict=True)
            ]
        judged = self._judge(spec, faces, painted.images, lost, painter.ledger)
        masks = [self._mask(spec, face, painter) for face in faces]
        return {
            face.sample.image_id: Outcome(
                row, fallback and not gone, replace(quality, **said.scores), found, said.features
            )
            for face, row, fallback, gone, quality, found, said in zip(
                faces, rows, painted.fallbacks, lost, qualities, masks, judged, strict=True
            )
        }

    def _judge(
        self,
        spec: ArmSpec,
        faces: Sequence[ProbeFace],
        images: Sequence[Pixels],
        lost: Sequence[bool],
        ledger: Ledger,
    ) -> list[Judged]:
        """Return what the judges say of every image; nothing of those that are lost."""
        kept = [i for i, gone in enumerate(lost) if not gone]
        said = self.judges.judge(spec, [faces[i] for i in kept], [images[i] for i in kept], ledger)
        by_row = dict(zip(kept, said, strict=True))
        return [by_row.get(i, Judged()) for i in range(len(faces))]

    def _mask(self, spec: ArmSpec, face: ProbeFace, painter: Painter) -> bytes | None:
        """Return the mask that the segmenter under test found, packed."""
        if not spec.arm.keeps_mask or not self._reads(spec, painter):
            return None
        found = painter.mask(spec, face)
        return None if found is None else pack(found)

    def _reads(self, spec: ArmSpec, painter: Painter) -> bool:
        return "masks" in painter.restorers[spec.restorer or ""].needs

    def _embed(
        self,
        faces: Sequence[ProbeFace],
        images: Sequence[Pixels],
        lost: Sequence[bool],
        ledger: Ledger,
    ) -> list[Templates | None]:
        kept = [i for i, gone in enumerate(lost) if not gone]
        rows: list[Templates | None] = [None] * len(faces)
        if kept:
            cut = [Face(faces[i].sample, images[i], faces[i].crop.landmarks) for i in kept]
            for i, row in zip(kept, embed(self.recognizer, cut, ledger), strict=True):
                rows[i] = row
        return rows

    def _quality(
        self, spec: ArmSpec, face: ProbeFace, image: Pixels, painter: Painter
    ) -> ImageQuality:
        """Return how like its twin an image is, where that says something."""
        if not spec.arm.quality:
            return ImageQuality()
        if spec.arm.quality == "whole":
            return measure(image, face.clean, None, None)
        detected = spec.arm.keeps_mask and self.detectors[spec.restorer or ""] is not None
        used = painter.mask(spec, face) if detected and self._reads(spec, painter) else None
        return measure(image, face.clean, face.crop.mask, used)
