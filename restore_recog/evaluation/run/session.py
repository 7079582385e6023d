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

from restore_recog.alignment import TEMPLATE
from restore_recog.errors import DataError
from restore_recog.evaluation.arm import WHOLE
from restore_recog.evaluation.arm_choice import ArmChoice, ArmSpec
from restore_recog.evaluation.cache import entries
from restore_recog.evaluation.cache.packing import Tile
from restore_recog.evaluation.cache.rendering import kept
from restore_recog.evaluation.request import EvalRequest, planner
from restore_recog.evaluation.run import cohort, quality_models
from restore_recog.evaluation.run.faces import (
    CoveringSpec,
    FoundProbe,
    ProbeFace,
    Source,
    Studio,
)
from restore_recog.evaluation.run.ledger import Ledger
from restore_recog.evaluation.run.locator import Locator
from restore_recog.evaluation.run.probes import ArmRun, ProbeBlock, ProbePass, fused
from restore_recog.evaluation.run.sharing import Once, in_step, merged
from restore_recog.evaluation.run.templates import (
    GalleryBlock,
    enrol,
    mean_crop,
    mean_occluded,
    stacked,
)
from restore_recog.evaluation.scores.design import Design
from restore_recog.evaluation.scores.normalisation import ScoreNorm
from restore_recog.face_detection import FaceFinder
from restore_recog.segmenters.names import choose_each, margin
from restore_recog.system.processes import Processes
from restore_recog.types import Templates, Vector

DEFAULT_SIZE = 128
"""Side of the crops in pixels where there is no restorer to say."""

Rows = dict[str, Templates | None]


class Session:
    """The faces and arms of one evaluation.

    Attributes:
        restorers: By their names in this run.
        specs: The arms; after :meth:`run` those that this data supports.
        gallery: image_id -> digest of the references (and cosine images) that were found.
        found_probes: image_id -> what is kept of the probes that were found.
        cohort: The images that scores are normalised with, or None.
        segmenters: Restorer name -> its segmenter, or None.
        margins: Restorer name -> by how many pixels its true masks are widened; None without them.
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
        self.request = request
        self.ledger = ledger
        restorings = request.restorings()
        self.restorers = {name: one.restorer for name, one in restorings.items()}
        self.margins = {name: margin(one.choice) for name, one in restorings.items()}
        data, self._cache = kept(request.datasets, request.cache)
        self.source: Source = beside.source if beside else Source(data)
        self._once: Once = beside._once if beside else Once()
        self._once.users += beside is not None
        self.notes = [note for dataset in request.datasets for note in dataset.notes]
        self.notes += request.recognizer.notes
        samples = self.source.samples
        protocol, every = planner(request.protocol, request.datasets), list(samples.values())
        self.plan = protocol.plan(every, seed=request.seed, limit=request.limit)
        self.cohort: Source | None = beside.cohort if beside else cohort.drawn(request, self.plan)
        self._norms: dict[str, ScoreNorm] = {}
        asked: dict[str, Any] = {"seed": request.seed, **request.covered()}
        drawn = CoveringSpec(**asked) if self.plan.synthetic else None
        self.design = Design.of(self.plan, {i: sample.subject for i, sample in samples.items()})
        self.segmenters = choose_each(restorings, request.device)
        sizes = (side for r in self.restorers.values() for side in r.image_size)
        self.size = request.crop_size or max(sizes, default=DEFAULT_SIZE)
        self._clean = [i for i in self.design.columns if samples[i].condition == "clean"]
        probes = set() if self.plan.synthetic else set(self.plan.probes)
        self._extra = [i for i in self.design.columns if i not in probes | set(self._clean)]
        sides = self.restorers, self.segmenters, self.margins
        self._choice = ArmChoice(request, *sides, label=self.plan.label)
        passing = [samples[i] for i in (*self.plan.probes, *self._extra)]
        self._choice.check_samples(passing, samples, self.plan.synthetic)
        self.asks_quality = asks = quality_models.asks_quality(self.plan, samples)
        self._choice.check_question(asks_quality=asks)
        self.specs = self._choice.specs()
        self._parts = sorted({spec.arm.part for spec in self.specs})  # the occluded arm: whole
        self.quality_models = quality_models.of_run(request, self.plan, asks, self.size)
        self._studio, self._work = self._workplace(drawn)
        self._processes = Processes.current()
        self.gallery: dict[str, str] = {}
        self.found_probes: dict[str, FoundProbe] = {}
        self.fill_mask = "predicted"

    def _workplace(self, drawn: CoveringSpec | None) -> tuple[Studio, entries.FinishedWork | None]:
        """Return where faces come from, and where results made before do (None: no cache)."""
        request, work = self.request, None
        finder = FaceFinder(request.faces_policy, request.device)  # type: ignore[arg-type]
        locator = Locator(finder)
        if self._cache is not None:
            locator = entries.RememberingLocator(finder, self._cache)
            work = entries.FinishedWork(
                self._cache,
                recognizer=request.recognizer,
                restorers=self.restorers,
                segmenters=self.segmenters,
                quality_models=self.quality_models,
                policies={n: [request.restorer_failure, m] for n, m in self.margins.items()},
                weighed=request.weighs,
            )
        template = TEMPLATE if request.template is None else request.template
        return Studio(self.source, locator, self.size, self.ledger, template, drawn), work

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
            self._choice.dropped |= block.dropped
        self.specs = self._choice.specs()
        self.notes += self._choice.notes()
        shown = [spec.name for spec in self.specs if not spec.arm.fuses]
        self._outcomes = {name: merged(b.outcomes[name] for b in blocks) for name in shown}
        for name in ("", *self._outcomes):
            self.ledger.take(f for block in blocks for f in block.failures[name])
        everything = merged(block.probes for block in blocks)
        self._share_accounts()
        self._note_masks(sum(block.true_masks for block in blocks), len(everything))
        self.found_probes = {i: everything[i] for i in self.plan.probes if i in everything}
        occluded = set(self.design.columns) - set(self._clean)
        self.gallery |= {i: f.digest for i, f in everything.items() if i in occluded}
        self.ledger.check_any("references", self.gallery, self.design.columns)
        self.ledger.check_any("probes", self.found_probes, self.plan.probes)
        first = {i: o.template for i, o in self._outcomes["occluded"].items()}
        self._length = stacked(self._whole | first, [*self._clean, *first]).shape[1]
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
        clean = set(self._clean)
        templates |= {i: o.template for i, o in outcomes.items() if i not in clean}
        return stacked(templates, self.design.columns, self._length)

    def weights(self) -> Vector:
        """Return (R,) weights of the references as given, in every arm; NaN where nobody asked."""
        given = {i: o.weight for i, o in self._outcomes["occluded"].items()} | self._weights
        return np.array([given.get(image_id, np.nan) for image_id in self.design.columns])

    def faces(self, ids: Sequence[str]) -> dict[str, ProbeFace]:
        """Return probes with their pixels, made anew; nothing is recorded or timed."""
        with self.ledger.paused():
            return self._studio.probes(ids)

    def tile(self, spec: ArmSpec, face: ProbeFace) -> Tile:
        """Return the image of one probe in an arm, and the mask that it was made with."""
        return self._probes.tile(spec, face)

    def norm(self, spec: ArmSpec) -> ScoreNorm | None:
        """Return how the scores of an arm are normalised, or None where they are not."""
        return self._norms.get(spec.arm.part)

    def _enrol_block(self, ids: Sequence[str], source: Source) -> GalleryBlock:
        request, studio = self.request, replace(self._studio, source=source)
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
        if self._clean:
            self.ledger.check_any("references", self.gallery, self._clean)
            mean = mean_crop(np.sum([b.total for b in blocks], axis=0), len(self.gallery))
            stacked(self._whole, self._clean)  # where there is nothing to search in, stop now
        else:
            mean, note = mean_occluded(self._studio, self.design.columns, self.request.batch_size)
            self.notes.append(note)
        self._probes = ProbePass(
            self.request,
            self._studio,
            self.restorers,
            self.segmenters,
            self.margins,
            self._choice,
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
    galleries = in_step("gallery", lead._clean, works, **common)
    for session, blocks in zip(sessions, galleries, strict=True):
        session._enrol(blocks)
    if lead.cohort is not None:
        works = [partial(session._enrol_block, source=lead.cohort) for session in sessions]
        strangers = in_step("cohort", list(lead.cohort.samples), works, **common)
        for session, blocks in zip(sessions, strangers, strict=True):
            session._take_cohort(blocks)
    ids = (*lead.plan.probes, *lead._extra)
    made = in_step("probes", ids, [session._probes.block for session in sessions], **common)
    for session in sessions[1:]:  # what was made once cost all of them the same
        session.ledger.laps = {**lead.ledger.laps, **session.ledger.laps}
    return [session._collect(blocks) for session, blocks in zip(sessions, made, strict=True)]
