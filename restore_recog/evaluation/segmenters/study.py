"""Segmenters side by side: how good their masks are, and what their errors cost recognition.

One evaluation per segmenter on the same probes, references and coverings; with the cache of
finished work no network runs twice on anything. Beside them stand reference points that make their
figures readable: the true mask, the true mask widened and narrowed by a few pixels, and one fixed
mask for every face.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from restore_recog.errors import DataError, PluginError
from restore_recog.evaluation.figures.findings import measure
from restore_recog.evaluation.request import EvalRequest
from restore_recog.evaluation.run.ledger import Ledger, Progress
from restore_recog.evaluation.run.masks import unpack
from restore_recog.evaluation.run.session import Session
from restore_recog.evaluation.scores.design import Measured
from restore_recog.evaluation.segmenters.figures import (
    Standing,
    Study,
    Worst,
    agreement,
    cost,
    false_alarms,
    mask_figures,
    mask_score,
    recognition,
)
from restore_recog.evaluation.words import notes
from restore_recog.segmenters import names as segmenter_names
from restore_recog.segmenters.names import OWN, TRUE
from restore_recog.types import Failure, Pixels

MARGINS = (2, 4)
"""By how many pixels the true mask is widened and narrowed, unless something else is asked for."""

AVERAGE = "average"

Packed = Sequence[bytes | None]
"""Masks of all probes, as :mod:`~restore_recog.evaluation.run.masks` keeps them."""


@dataclass(frozen=True, slots=True, eq=False)
class _Run:
    """One evaluation: what of it is needed later."""

    session: Session
    arms: Mapping[str, Measured]
    masks: Mapping[str, Packed]
    failures: Sequence[Failure]


def study(
    request: EvalRequest,
    choices: Sequence[str],
    progress: Progress | None = None,
    *,
    margins: Sequence[int] = MARGINS,
    clean: bool = True,
    worst: int = 6,
) -> Study:
    """Compare segmenters on the same probes.

    Args:
        request: Data, protocol, restorers and recogniser; its segmenter and arms are not used.
        choices: Segmenters, as ``--segmenter`` names them.
        progress: Called with (stage, done, total) as the work goes on.
        margins: Pixels by which the true mask is widened and narrowed.
        clean: Whether the unoccluded counterparts are looked at too, where there are any.
        worst: So many of each segmenter's worst masks are kept with their images.

    Raises:
        DataError: The data does not support the protocol, or a restorer reads no mask.
        PluginError: A segmenter is unknown, breaks its contract, or is not a choice here.
    """
    tested = _checked(request, choices)
    clean = clean and _has_counterparts(Session(_one(request, tested[0]), Ledger()))
    first = _run(request, tested[0], progress, clean=clean)
    lead = f"restored:{next(iter(first.session.restorers))}"
    known = first.session.fill_mask != "predicted"
    references = _references(request, first.session, margins, known=known)
    runs = {c: _run(request, c, progress) for c in references if c != tested[0]}
    runs[tested[0]] = first
    runs |= {choice: _run(request, choice, progress, clean=clean) for choice in tested[1:]}
    order = [*(c for c in references if c not in tested), *tested]
    truth = runs[TRUE].masks[lead] if known else [None] * len(first.session.plan.probes)
    standings = [_standing(runs, c, truth, reference=c not in tested) for c in order]
    people, seed = first.session.design.people, request.seed
    masks = {c: runs[c].masks[lead] for c in order if c in tested or c.startswith(AVERAGE)}
    samples = first.session.source.samples
    floor = first.arms["occluded"]
    return Study(
        standings=tuple(standings),
        floor=recognition(floor, floor, people, seed),
        probes=tuple((i, samples[i].subject) for i in first.session.plan.probes),
        agreement=agreement(_unpacked(masks, first.session.size), people, seed),
        true_masks=sum(one is not None for one in truth),
        worst=_worst(first.session, [s for s in standings if not s.reference], masks, truth, worst),
        labels=tuple(notes.labels(first.session)),
        notes=_notes(first.session, truth),
        setup=_setup(first.session, order),
        failures=tuple(dict.fromkeys(f for run in runs.values() for f in run.failures)),
    )


def _checked(request: EvalRequest, choices: Sequence[str]) -> list[str]:
    """Return the segmenters under test, each once.

    Raises:
        DataError: A restorer reads no mask.
        PluginError: There is no segmenter, or one that cannot be compared.
    """
    for restorer in request.restorers:
        if "masks" not in restorer.needs:
            raise DataError(
                f"The restorer '{restorer.name}' reads no mask, so no segmenter moves its figures; "
                "leave it out of the study."
            )
    tested = [c for c in dict.fromkeys(choices) if segmenter_names.margin(c) is None]
    if not tested:
        raise PluginError("There is no segmenter to compare; name one with --segmenter.")
    if OWN in tested:
        raise PluginError(
            "'own' is another segmenter for every restorer; name the segmenters to compare."
        )
    lent = request.named()
    for choice in tested:
        if choice not in lent:
            segmenter_names.check(choice)
    return tested


def _references(
    request: EvalRequest, session: Session, margins: Sequence[int], *, known: bool
) -> list[str]:
    """Return the reference points that the data supports."""
    kind = request.coverings if session.plan.synthetic else "random"
    average = AVERAGE if kind == "random" else f"{AVERAGE}:{kind}"
    if not known:
        return [average]
    sizes = sorted({size for size in margins if size > 0})
    narrow = [f"{TRUE}-{size}" for size in sizes[::-1]]
    return [*narrow, TRUE, *(f"{TRUE}+{size}" for size in sizes), average]


def _one(request: EvalRequest, choice: str, *, clean: bool = False) -> EvalRequest:
    """Return the evaluation of one segmenter."""
    arms = ("occluded", "restored", *(("clean", "restored-clean") if clean else ()))
    return replace(request, segmenter=choice, arms=arms, output=None)


def _has_counterparts(session: Session) -> bool:
    """Return whether the labels promise a clean counterpart of all that passes through the arms."""
    plan, samples = session.plan, session.source.samples
    occluded = [i for i in plan.references if samples[i].condition != "clean"]
    return plan.synthetic or all(samples[i].clean_id in samples for i in (*plan.probes, *occluded))


def _run(
    request: EvalRequest, choice: str, progress: Progress | None, *, clean: bool = False
) -> _Run:
    """Evaluate with one segmenter."""

    def told(stage: str, done: int, total: int) -> None:
        if progress is not None:
            progress(f"{choice}: {stage}", done, total)

    ledger = Ledger(told)
    session = Session(_one(request, choice, clean=clean), ledger)
    made = session.run()
    design = session.design.enrolled_by(request.enrolment, session.weights())
    probes = session.plan.probes
    arms: dict[str, Measured] = {}
    masks: dict[str, Packed] = {}
    for spec in session.specs:
        run = made[spec.name]
        arms[spec.name] = measure(session, design, spec, run)
        masks[spec.name] = [run.masks.get(image_id) for image_id in probes]
    return _Run(session, arms, masks, tuple(ledger.failures))


def _standing(runs: Mapping[str, _Run], choice: str, truth: Packed, *, reference: bool) -> Standing:
    """Return the figures of one segmenter."""
    run = runs[choice]
    session, seed = run.session, run.session.request.seed
    people, side, names = session.design.people, session.size, list(session.restorers)
    mine = run.masks[f"restored:{names[0]}"]
    scores = [
        mask_score(_mask(one, side), _mask(true, side))
        if image_id in session.found_probes
        else None
        for image_id, one, true in zip(session.plan.probes, mine, truth, strict=True)
    ]
    known = np.array([true is not None for true in truth], dtype=bool)
    restorers = {}
    for name in names:
        arm = run.arms[f"restored:{name}"]
        restorers[name] = recognition(arm, run.arms["occluded"], people, seed)
        if TRUE in runs and choice != TRUE:
            oracle = runs[TRUE].arms[f"restored:{name}"]
            restorers[name] |= cost(arm, oracle, known, people, seed)
    bare = [_mask(one, side) for one in run.masks.get(f"restored-clean:{names[0]}", ())]
    masks = mask_figures(scores, people, seed)
    if bare:
        masks |= false_alarms(bare, people, seed)
    return Standing(choice, reference, masks, restorers, scores)


def _mask(packed: bytes | None, side: int) -> Pixels | None:
    return None if packed is None else unpack(packed, side)


def _unpacked(masks: Mapping[str, Packed], side: int) -> Iterator[dict[str, Pixels | None]]:
    """Yield segmenter -> mask, probe by probe."""
    for row in zip(*masks.values(), strict=True):
        yield {name: _mask(one, side) for name, one in zip(masks, row, strict=True)}


def _worst(
    session: Session,
    tested: Sequence[Standing],
    masks: Mapping[str, Packed],
    truth: Packed,
    count: int,
) -> tuple[Worst, ...]:
    """Return the worst masks of every segmenter under test, the worst first."""
    chosen: list[tuple[Standing, int]] = []
    for one in tested:
        scored = [i for i, s in enumerate(one.scores) if s is not None and np.isfinite(s.dice)]
        scored.sort(key=lambda i: (one.scores[i].dice, i))  # type: ignore[union-attr]
        chosen += [(one, i) for i in scored[:count]]
    probes, side = session.plan.probes, session.size
    faces = session.faces(sorted({probes[i] for _, i in chosen}))
    rows = []
    for one, i in chosen:
        score, true = one.scores[i], _mask(truth[i], side)
        assert score is not None and true is not None
        pixels, mine = faces[probes[i]].crop.pixels, _mask(masks[one.segmenter][i], side)
        mine = np.zeros_like(true) if mine is None else mine
        rows.append(Worst(one.segmenter, probes[i], score.dice, pixels, mine, true))
    return tuple(rows)


def _notes(session: Session, truth: Packed) -> tuple[str, ...]:
    """Return what a reader must know of the figures."""
    sentences = [*session.plan.notes, *session.notes]
    lost = len(session.plan.probes) - len(session.found_probes)
    if lost:
        sentences.append(
            f"{lost} of {len(session.plan.probes)} probes have no usable face: misses in "
            "recognition, and no segmenter saw them."
        )
    known = sum(one is not None for one in truth)
    if not known:
        sentences.append(
            "The data has no true masks: how good a mask is cannot be measured, only how far the "
            "segmenters agree and what the recogniser makes of their restorations."
        )
    elif known < len(session.found_probes):
        sentences.append(
            f"The true mask of {known} of {len(session.found_probes)} probes is known; the masks, "
            "and what their errors cost, are measured on those."
        )
    return tuple(sentences)


def _setup(session: Session, order: Sequence[str]) -> dict[str, Any]:
    """Return what is needed to repeat the study, as plain JSON values."""
    left_out = ("segmenter", "arms", "cohorts", "min_subjects")
    return {
        **{name: value for name, value in notes.basis(session).items() if name not in left_out},
        "segmenters": [segmenter_names.described(choice) for choice in order],
        "probes": len(session.plan.probes),
        "probes_found": len(session.found_probes),
    }
