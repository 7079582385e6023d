"""One evaluation under way: its faces, its arms, and what the recogniser makes of them.

The images pass once, block by block: first the references, then the probes. Each block is
read, cropped, covered, restored for every arm, embedded and measured; then its pixels are
dropped, so that memory does not grow with them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from restore_recog.errors import DataError
from restore_recog.evaluation.arms.arm import WHOLE
from restore_recog.evaluation.arms.choice import ArmSpec
from restore_recog.evaluation.cache import entries
from restore_recog.evaluation.cache.packing import Tile
from restore_recog.evaluation.request import EvalRequest
from restore_recog.evaluation.run import cohort, quality_models
from restore_recog.evaluation.run.faces import FoundProbe, ProbeFace, Source
from restore_recog.evaluation.run.ledger import Ledger
from restore_recog.evaluation.run.planned import Planned
from restore_recog.evaluation.run.probes import ArmRun, ProbeBlock, ProbePass, fused
from restore_recog.evaluation.run.sharing import Once, in_step, merged
from restore_recog.evaluation.run.templates import (
    GalleryBlock,
    enrol,
    mean_crop,
    mean_occluded,
    stacked,
)
from restore_recog.evaluation.scores.normalisation import ScoreNorm
from restore_recog.system.processes import Processes
from restore_recog.types import Templates, Vector

Rows = dict[str, Templates | None]


class Session(Planned):
    """An evaluation under way, one recogniser's.

    Attributes:
        specs: The arms; after :meth:`run` those that this data supports.
        gallery: image_id -> digest of the references (and cosine images) that were found.
        found_probes: image_id -> what is kept of the probes that were found.
        cohort: The images that scores are normalised with, or None.
        quality_models: Those that score how good the images look.
        notes: Sentences for the report.
        fill_mask: Which masks the arm ``fill`` fills: ``true``, ``predicted`` or both.
    """

    def __init__(self, request: EvalRequest, ledger: Ledger, beside: Session | None = None) -> None:
        """Plan the run; no image is read yet.

        Args:
            request: What to evaluate.
            ledger: Takes failures and costs.
            beside: The first session of a run with several recognisers, all else the same:
                this one is shown its images.

        Raises:
            DataError: The data does not support the protocol, the coverings or an arm.
            PluginError: No segmenter for a restorer that needs one.
        """
        super().__init__(request, ledger, beside)
        self._once: Once = beside._once if beside else Once()
        self._once.users += beside is not None
        self.notes = [note for dataset in request.datasets for note in dataset.notes]
        self.notes += request.recognizer.notes
        self.cohort: Source | None = beside.cohort if beside else cohort.drawn(request, self.plan)
        self._norms: dict[str, ScoreNorm] = {}
        self.specs = self.choice.specs()
        self._parts = sorted({spec.arm.part for spec in self.specs})  # the occluded arm: whole
        sides = request, self.plan, self.asks_quality, self.size
        self.quality_models = quality_models.of_run(*sides)
        self._work = self._finished_work()
        self._processes = Processes.current()
        self.gallery: dict[str, str] = {}
        self.found_probes: dict[str, FoundProbe] = {}
        self.fill_mask = "predicted"

    def _finished_work(self) -> entries.FinishedWork | None:
        """Return where results made before come from; None without a cache."""
        request = self.request
        if self._cache is None:
            return None
        return entries.FinishedWork(
            self._cache,
            recognizer=request.recognizer,
            restorers=self.restorers,
            segmenters=self.segmenters,
            quality_models=self.quality_models,
            policies={n: [request.restorer_failure, m] for n, m in self.margins.items()},
            weighed=request.weighs,
        )

    def run(self) -> dict[str, ArmRun]:
        """Make, embed and measure the images of all arms; return arm name -> its run.

        Raises:
            DataError: No reference or no probe could be used, or an arm that was asked for
                cannot be measured.
            PluginError: A plug-in's answer has the wrong shape.
        """
        return run_together([self])[0]

    def _collect(self, blocks: Sequence[ProbeBlock]) -> dict[str, ArmRun]:
        """Return arm name -> its run, out of what the blocks of probes gave."""
        for block in blocks:
            self.choice.dropped |= block.dropped
        self.specs = self.choice.specs()
        self.notes += self.choice.notes()
        shown = [spec.name for spec in self.specs if not spec.arm.fuses]
        self._outcomes = {name: merged(b.outcomes[name] for b in blocks) for name in shown}
        for name in ("", *self._outcomes):
            self.ledger.take(f for block in blocks for f in block.failures[name])
        everything = merged(block.probes for block in blocks)
        self._share_accounts()
        self._note_masks(sum(block.true_masks for block in blocks), len(everything))
        self.found_probes = {i: everything[i] for i in self.plan.probes if i in everything}
        occluded = set(self.design.columns) - set(self.clean)
        self.gallery |= {i: f.digest for i, f in everything.items() if i in occluded}
        self.ledger.check_any("references", self.gallery, self.design.columns)
        self.ledger.check_any("probes", self.found_probes, self.plan.probes)
        first = {i: o.template for i, o in self._outcomes["occluded"].items()}
        self._length = stacked(self._whole | first, [*self.clean, *first]).shape[1]
        return {spec.name: self._arm_run(spec) for spec in self.specs}

    def references(self, spec: ArmSpec) -> Templates:
        """Return the (R, D) templates that an arm is searched in, NaN rows for failed ones.

        Clean references are as they are in every arm that shows whole faces; occluded ones have
        passed through the arm as the probes have.
        """
        if spec.parts:
            return spec.arm.join([self.references(part) for part in spec.parts])
        templates = dict(self._templates[spec.arm.part])
        outcomes = self._outcomes[spec.name]
        clean = set(self.clean)
        templates |= {i: o.template for i, o in outcomes.items() if i not in clean}
        return stacked(templates, self.design.columns, self._length)

    def weights(self) -> Vector:
        """Return (R,) weights of the references as given, in every arm; NaN where nobody asked."""
        given = {i: o.weight for i, o in self._outcomes["occluded"].items()} | self._weights
        return np.array([given.get(image_id, np.nan) for image_id in self.design.columns])

    def faces(self, ids: Sequence[str]) -> dict[str, ProbeFace]:
        """Return probes with their pixels, made anew; nothing is recorded or timed."""
        with self.ledger.paused():
            return self.studio.probes(ids)

    def tile(self, spec: ArmSpec, face: ProbeFace) -> Tile:
        """Return the image of one probe in an arm, and the mask that it was made with."""
        return self._probes.tile(spec, face)

    def norm(self, spec: ArmSpec) -> ScoreNorm | None:
        """Return how the scores of an arm are normalised, or None where they are not."""
        return self._norms.get(spec.arm.part)

    def _enrol_block(self, ids: Sequence[str], source: Source) -> GalleryBlock:
        request, studio = self.request, replace(self.studio, source=source)
        with self.ledger.collect() as failures:
            crops = self._once.of("crops", ids, self.ledger, lambda: studio.crops(ids))
        sides = crops, studio, request.recognizer, self._work
        block = enrol(*sides, parts=self._parts, weigh=request.weighs)
        block.failures[:0] = failures
        return block

    def _take_cohort(self, blocks: Sequence[GalleryBlock]) -> None:
        """Make ready to normalise scores with the templates of the cohort."""
        self.ledger.take(failure for block in blocks for failure in block.failures)
        kind = self.request.score_norm or ""
        self._norms = {part: cohort.norm_of(kind, blocks, part) for part in self._parts}

    def _enrol(self, blocks: Sequence[GalleryBlock]) -> None:
        """Keep the clean references' templates, and make ready for the probes."""
        self.ledger.take(failure for block in blocks for failure in block.failures)
        self.gallery = merged(block.digests for block in blocks)
        self._templates = {p: merged(b.templates[p] for b in blocks) for p in self._parts}
        self._whole: Rows = self._templates[WHOLE]
        self._weights = merged(block.weights for block in blocks)
        if self.clean:
            self.ledger.check_any("references", self.gallery, self.clean)
            mean = mean_crop(np.sum([b.total for b in blocks], axis=0), len(self.gallery))
            stacked(self._whole, self.clean)  # where there is nothing to search in, stop now
        else:
            mean, note = mean_occluded(self.studio, self.design.columns, self.request.batch_size)
            self.notes.append(note)
        self._probes = ProbePass(
            self.request,
            self.studio,
            self.restorers,
            self.segmenters,
            self.margins,
            self.choice,
            self.quality_models,
            mean,
            self._work,
            self._once,
        )

    def _share_accounts(self) -> None:
        """Learn the costs of the other processes, and how much all of them took from the cache."""
        tally = None if self._work is None else self._work.tally()
        accounts = self._processes.gather((self.ledger.laps, tally))
        self.ledger.other_laps = [a[0] for i, a in enumerate(accounts) if i != self._processes.rank]
        self.notes += entries.notes([a[1] for a in accounts if a[1] is not None])

    def _note_masks(self, known: int, count: int) -> None:
        if any(one is not None for one in self.margins.values()) and count and not known:
            raise DataError(
                "--segmenter true needs data with masks, and none of these probes has one."
            )
        if known == count or not any(self.segmenters.values()):
            self.fill_mask = "true"
        elif known:
            self.fill_mask = "true (where it is known, else the predicted)"

    def _arm_run(self, spec: ArmSpec) -> ArmRun:
        if spec.parts:
            return fused(spec.arm, [self._arm_run(part) for part in spec.parts])
        mine = {i: o for i, o in self._outcomes[spec.name].items() if i in self.found_probes}
        return ArmRun.of(mine, self.plan.probes, self._length)


def run_together(sessions: Sequence[Session]) -> list[dict[str, ArmRun]]:
    """Run sessions that differ in their recognisers only: every image is made once.

    Returns:
        Of each session what :meth:`Session.run` returns, the same bit for bit as it alone.
    """
    lead = sessions[0]
    common: dict[str, Any] = {
        "size": lead.request.batch_size,
        "ledger": lead.ledger,
        "processes": lead._processes,
    }
    works = [partial(session._enrol_block, source=session.source) for session in sessions]
    galleries = in_step("gallery", lead.clean, works, **common)
    for session, blocks in zip(sessions, galleries, strict=True):
        session._enrol(blocks)
    if lead.cohort is not None:
        works = [partial(session._enrol_block, source=lead.cohort) for session in sessions]
        strangers = in_step("cohort", list(lead.cohort.samples), works, **common)
        for session, blocks in zip(sessions, strangers, strict=True):
            session._take_cohort(blocks)
    made = in_step(
        "probes", lead.passing, [session._probes.block for session in sessions], **common
    )
    for session in sessions[1:]:  # what was made once cost all of them the same
        session.ledger.laps = {**lead.ledger.laps, **session.ledger.laps}
    return [session._collect(blocks) for session, blocks in zip(sessions, made, strict=True)]
