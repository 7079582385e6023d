"""Probes on their way through all arms, one block at a time."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from restore_recog.alignment import on_image
from restore_recog.api import Restorer
from restore_recog.evaluation.arms.arm import WHOLE, Arm
from restore_recog.evaluation.arms.choice import ArmChoice, ArmSpec
from restore_recog.evaluation.cache.entries import FinishedWork
from restore_recog.evaluation.cache.packing import Outcome, Tile
from restore_recog.evaluation.image_quality import ImageQuality, measure
from restore_recog.evaluation.request import EvalRequest
from restore_recog.evaluation.run.arm_images import ImageMaker
from restore_recog.evaluation.run.faces import FoundProbe, ProbeFace, Studio
from restore_recog.evaluation.run.masks import BlockMasks, pack
from restore_recog.evaluation.run.quality_models import QualityModels
from restore_recog.evaluation.run.sharing import Once
from restore_recog.evaluation.run.templates import Face, embed, stacked
from restore_recog.labels import KINDS, UNKNOWN
from restore_recog.segmenters.names import ChosenSegmenter
from restore_recog.types import Failure, Pixels, Templates


@dataclass(slots=True, eq=False)
class ProbeBlock:
    """What is kept of one block of probes.

    Attributes:
        probes: image_id -> what is kept of the probes whose face was found.
        true_masks: How many of them have a true mask.
        outcomes: Arm name -> image_id -> what the arm made of it; not of arms that fuse others.
        failures: Arm name -> what failed in it; what failed before any arm stands under "".
        dropped: Arm -> why it cannot be measured, as far as is known.
    """

    probes: dict[str, FoundProbe]
    true_masks: int
    outcomes: dict[str, dict[str, Outcome]] = field(default_factory=dict)
    failures: dict[str, list[Failure]] = field(default_factory=dict)
    dropped: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class ArmRun:
    """What an arm made of the probes.

    Attributes:
        templates: (P, D) in the plan's order; NaN rows where there is none.
        fallbacks, qualities: By image_id, of the probes that got this far.
        masks: The packed masks that a segmenter found, by image_id, where one looked.
        features: (P, F) for FID, or None.
        told: (P,) codes of what a classifier sees in each image; -1 for none. Empty for arms
            without images.
        confidence: (P,) how likely it takes that to be; NaN for none. Empty likewise.
        went_by: Kind of label -> (P,) codes of what the restorer went by; -1 for none.
        seen: (P, G) features by which the classifier decides, or None.
        vgg: (P, 512) of VGG-19, or None.
    """

    templates: Templates
    fallbacks: Mapping[str, bool]
    qualities: Mapping[str, ImageQuality]
    masks: Mapping[str, bytes]
    features: NDArray[np.float32] | None = None
    told: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    confidence: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    went_by: Mapping[str, NDArray[np.int64]] = field(default_factory=dict)
    seen: NDArray[np.float32] | None = None
    vgg: NDArray[np.float32] | None = None

    @classmethod
    def of(cls, outcomes: Mapping[str, Outcome], ids: Sequence[str], length: int) -> ArmRun:
        """Return the run of what came of the probes *ids*; templates have *length* numbers."""
        templates = {image_id: outcome.template for image_id, outcome in outcomes.items()}
        vectors: dict[str, dict[str, NDArray[np.float32]]] = {
            kind: {i: a for i, o in outcomes.items() if (a := getattr(o, kind)) is not None}
            for kind in ("features", "seen", "vgg")
        }
        told = [outcomes[i].told if i in outcomes else UNKNOWN for i in ids]
        confidence = [outcomes[i].confidence if i in outcomes else math.nan for i in ids]
        taken = [outcomes[i].went_by if i in outcomes else {} for i in ids]
        kinds = [kind for kind in KINDS if any(kind in one for one in taken)]
        return cls(
            stacked(templates, ids, length),
            {image_id: outcome.fallback for image_id, outcome in outcomes.items()},
            {image_id: outcome.quality for image_id, outcome in outcomes.items()},
            {image_id: o.mask for image_id, o in outcomes.items() if o.mask is not None},
            told=np.array(told, np.int64),
            confidence=np.array(confidence),
            went_by={k: np.array([one.get(k, UNKNOWN) for one in taken]) for k in kinds},
            **{kind: stacked(known, ids) for kind, known in vectors.items() if known},
        )


def fused(arm: Arm, parts: Sequence[ArmRun]) -> ArmRun:
    """Return the run of an arm that fuses others: their templates joined, and no images."""
    fallbacks = {
        image_id: any(part.fallbacks.get(image_id, False) for part in parts)
        for image_id in parts[0].fallbacks
    }
    return ArmRun(arm.join([part.templates for part in parts]), fallbacks, {}, {})


@dataclass(frozen=True, slots=True, eq=False)
class ProbePass:
    """Reads, crops, covers, restores, embeds and measures blocks of probes.

    Attributes:
        request: Says what to do with probes that cannot be restored, and which masks to give.
        studio: Where faces come from; its ledger takes failures and costs.
        restorers: By their names in this run.
        segmenters: Restorer name -> its segmenter, or None.
        margins: Restorer name -> by how many pixels its true masks are widened; None without them.
        choice: The arms; the blocks may narrow it.
        quality_models: Those that score how good the images look.
        mean_face: (S, S, 3) uint8, for the arm ``fill``.
        work: Where results made before come from, or None.
        once: What is shared with other recognisers of the run.
    """

    request: EvalRequest
    studio: Studio
    restorers: Mapping[str, Restorer]
    segmenters: Mapping[str, ChosenSegmenter | None]
    margins: Mapping[str, int | None]
    choice: ArmChoice
    quality_models: QualityModels
    mean_face: Pixels
    work: FinishedWork | None
    once: Once

    def block(self, ids: Sequence[str]) -> ProbeBlock:
        """Take a block of probes through all arms.

        Raises:
            DataError: An arm that was asked for cannot be measured on one of them.
            PluginError: A plug-in's answer has the wrong shape.
        """
        ledger = self.studio.ledger
        with ledger.collect() as failures:
            faces = self.once.of("probes", ids, ledger, lambda: self.studio.probes(ids))
        probes = list(faces.values())
        self.choice.check_faces(probes)
        block = ProbeBlock(
            {face.sample.image_id: FoundProbe.of(face) for face in probes},
            sum(face.crop.mask is not None for face in probes),
            failures={"": failures},
            dropped=dict(self.choice.dropped),
        )
        maker = self._maker(probes)
        for spec in self.choice.specs():
            if spec.arm.fuses:
                continue
            with ledger.collect() as failures:
                block.outcomes[spec.name] = self._outcomes(spec, probes, maker) if probes else {}
            block.failures[spec.name] = failures
        return block

    def tile(self, spec: ArmSpec, face: ProbeFace) -> Tile:
        """Return the image of one probe in an arm and its mask; nothing is recorded or timed."""

        def make() -> Tile:
            with self.studio.ledger.paused():
                made = self._maker([face]).make(spec, [face])
            return made.images[0], _counted(face, made.masks[0])

        if self.work is None:
            return make()
        keys = self.work.probe_keys(spec, [face], self.mean_face, "tile")
        return self.work.tile(keys[face.sample.image_id], make)

    def _maker(self, probes: Sequence[ProbeFace]) -> ImageMaker:
        ledger = self.studio.ledger
        masks = BlockMasks(probes, self.segmenters, ledger, true=self.margins)
        return ImageMaker(self.restorers, masks, self.mean_face, ledger)

    def _outcomes(
        self, spec: ArmSpec, probes: Sequence[ProbeFace], maker: ImageMaker
    ) -> dict[str, Outcome]:
        """Take a block through one arm, or remember what came of it."""
        if self.work is None:
            return self._made(spec, probes, maker)
        return self.work.block(
            self.work.probe_keys(spec, probes, self.mean_face),
            self.studio.source.samples,
            maker.ledger,
            lambda: self._made(spec, probes, maker),
        )

    def _made(
        self, spec: ArmSpec, probes: Sequence[ProbeFace], maker: ImageMaker
    ) -> dict[str, Outcome]:
        """Take a block through one arm: restore, embed, measure."""
        ledger, ids = maker.ledger, tuple(face.sample.image_id for face in probes)
        made = self.once.of(spec.name, ids, ledger, lambda: maker.make(spec, probes))
        masks: Sequence[Pixels | None] = [None] * len(probes)
        if spec.arm.keeps_mask and maker.reads_masks(spec):
            masks = [_counted(f, m) for f, m in zip(probes, made.masks, strict=True)]
        packed = [None if mask is None else pack(mask) for mask in masks]
        outcomes = {
            face.sample.image_id: Outcome(None, False, ImageQuality(), mask)
            for face, mask in zip(probes, packed, strict=True)
        }
        acquire_failed = self.request.restorer_failure == "fta"
        kept = [i for i, failed in enumerate(made.fallbacks) if not (failed and acquire_failed)]
        seen, images = [probes[i] for i in kept], [made.images[i] for i in kept]
        shown = [
            Face(f.sample, spec.arm.taken(f), x, beyond=spec.arm.part != WHOLE)
            for f, x in zip(seen, images, strict=True)
        ]
        rows = embed(self.request.recognizer, shown, ledger, weigh=self.request.weighs)

        def measured() -> tuple[list[ImageQuality], Any]:
            with ledger.timed("measure", len(probes)):
                mine = [self._quality(spec, probes[i], made.images[i], masks[i]) for i in kept]
            return mine, self.quality_models.score(spec, seen, images, ledger)

        qualities, scored = self.once.of(f"quality of {spec.name}", ids, ledger, measured)
        for i, row, quality, score in zip(kept, rows, qualities, scored, strict=True):
            outcomes[probes[i].sample.image_id] = Outcome(
                row.template,
                made.fallbacks[i],
                replace(quality, **score.scores),
                packed[i],
                score.features,
                row.weight,
                score.told,
                score.confidence,
                made.went_by[i],
                score.seen,
                score.vgg,
            )
        return outcomes

    def _quality(
        self, spec: ArmSpec, face: ProbeFace, image: Pixels, mask: Pixels | None
    ) -> ImageQuality:
        """Return how like its clean counterpart an image is, where that says something.

        Args:
            spec: The arm.
            face: The probe.
            image: What the arm made of it.
            mask: (S, S) that a restorer was given, or None.
        """
        if not spec.arm.quality:
            return ImageQuality()
        if spec.arm.quality == "whole":
            return measure(image, face.clean, None, None)
        segmented = self.segmenters.get(spec.restorer or "") is not None
        return measure(image, face.clean, face.crop.mask, mask if segmented else None)


def _counted(face: ProbeFace, mask: Pixels | None) -> Pixels | None:
    """Return what counts of a restorer's mask: nothing beyond the photograph."""
    return None if mask is None else on_image(mask, face.crop.valid)
