"""One evaluation before its first image is read: its faces, its arms, and where both come from."""

from __future__ import annotations

from typing import Any

from restore_recog.alignment import TEMPLATE
from restore_recog.evaluation.arms.choice import ArmChoice
from restore_recog.evaluation.cache.entries import RememberingLocator
from restore_recog.evaluation.cache.rendering import kept
from restore_recog.evaluation.request import EvalRequest, planner
from restore_recog.evaluation.run import quality_models
from restore_recog.evaluation.run.faces import CoveringSpec, Source, Studio
from restore_recog.evaluation.run.ledger import Ledger
from restore_recog.evaluation.run.locator import Locator
from restore_recog.evaluation.scores.design import Design
from restore_recog.face_detection import FaceFinder
from restore_recog.segmenters.names import choose_each, margin

DEFAULT_SIZE = 128
"""Side of the crops in pixels where there is no restorer to say."""


class Planned:
    """The faces and arms of one evaluation, of which nothing has been made.

    Attributes:
        request: What to evaluate.
        ledger: Takes failures and costs.
        restorers: By their names in this run.
        segmenters: Restorer name -> its segmenter, or None.
        margins: Restorer name -> by how many pixels its true masks are widened; None without them.
        source: Where the images come from.
        plan: Who is compared with whom.
        passing: image_ids of what passes through the arms: the probes, and occluded references.
        choice: The arms; images may narrow it.
        size: Side of the crops in pixels.
        studio: Makes faces of images.
    """

    def __init__(self, request: EvalRequest, ledger: Ledger, beside: Planned | None = None) -> None:
        """Plan the run; no image is read yet.

        Args:
            request: What to evaluate.
            ledger: Takes failures and costs.
            beside: An evaluation with another recogniser, all else the same: its images are used.

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
        samples = self.source.samples
        protocol, every = planner(request.protocol, request.datasets), list(samples.values())
        self.plan = protocol.plan(every, seed=request.seed, limit=request.limit)
        asked: dict[str, Any] = {"seed": request.seed, **request.covered()}
        drawn = CoveringSpec(**asked) if self.plan.synthetic else None
        self.design = Design.of(self.plan, {i: sample.subject for i, sample in samples.items()})
        self.segmenters = choose_each(restorings, request.device)
        sizes = (side for r in self.restorers.values() for side in r.image_size)
        self.size = request.crop_size or max(sizes, default=DEFAULT_SIZE)
        self.clean = [i for i in self.design.columns if samples[i].condition == "clean"]
        known = {*self.clean, *(() if self.plan.synthetic else self.plan.probes)}
        extra = (i for i in self.design.columns if i not in known)
        self.passing = (*self.plan.probes, *extra)
        sides = self.restorers, self.segmenters, self.margins
        self.choice = ArmChoice(request, *sides, label=self.plan.label)
        passing = [samples[i] for i in self.passing]
        self.choice.check_samples(passing, samples, self.plan.synthetic)
        self.asks_quality = quality_models.asks_quality(self.plan, samples)
        self.choice.check_question(asks_quality=self.asks_quality)
        template = TEMPLATE if request.template is None else request.template
        self.studio = Studio(self.source, self._locator(), self.size, ledger, template, drawn)

    def _locator(self) -> Locator:
        finder = FaceFinder(self.request.faces_policy, self.request.device)  # type: ignore[arg-type]
        return Locator(finder) if self._cache is None else RememberingLocator(finder, self._cache)
