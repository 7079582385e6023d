"""What it does when a restorer goes by the wrong gender, and what pooling the genders costs.

A restorer with one generator for each gender can paint the wrong face. Three contrasts on the same
probes say how bad that is, each for everybody and for every group:

===========  ===============================================================================
``wrong``    told the other gender, against told the true one: what every mistake would do
``decided``  by its own decision, against told the true one: what its mistakes did do
``pooled``   by the generator of all genders, against told the true one: what splitting gains
===========  ===============================================================================
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from restore_recog.evaluation.arms import Clean, Occluded
from restore_recog.evaluation.arms.arm import Restored
from restore_recog.evaluation.arms.oracle import OracleGender, WrongGender
from restore_recog.evaluation.figure import Figure, FigureName, collected
from restore_recog.evaluation.figures import paired
from restore_recog.evaluation.figures.group_labels import Labels
from restore_recog.evaluation.figures.single import mean_figure
from restore_recog.evaluation.results import Harm
from restore_recog.evaluation.scores.design import Measured
from restore_recog.evaluation.scores.labelled import Decisions
from restore_recog.labels import GENDER, GENDERS
from restore_recog.metrics.flips import flip_interval
from restore_recog.metrics.multiplicity import holm
from restore_recog.metrics.uncertainty import sign_flip_test
from restore_recog.types import Mask

if TYPE_CHECKING:
    from restore_recog.api import Restorer
    from restore_recog.evaluation.figures.findings import Findings
    from restore_recog.evaluation.run.session import Session

POOLED = "pooled"
"""Argument of a restorer that makes it use one generator for everybody."""

DECISION = "decision"
EVERYBODY = "everybody"

QUALITIES = ("psnr_mask", "ssim_mask")
"""Metrics of the image that are contrasted."""


def harms(session: Session, findings: Findings, labels: Labels) -> tuple[Harm, ...]:
    """Return every contrast that the arms of the run allow, for everybody and by group.

    The p of each figure is corrected by Holm's method over all contrasts and groups.
    """
    unit, made = _distance(findings), []
    for contrast, restorer, mine, other in _contrasts(session, findings.measured):
        taken = findings.measured[mine].decisions.get(GENDER)
        groups = {"": np.full(len(taken.true), EVERYBODY)} if taken is not None else {}
        if contrast == "decided" and taken is not None:
            groups |= {DECISION: _outcomes(taken)}
        for column, values in {**groups, **labels}.items():
            for value in np.unique(values).tolist():
                mask = values == value
                people = int(np.unique(findings.design.people[mask]).size)
                figures = {}
                if people >= session.request.min_subjects:
                    figures = collected(*_figures(findings, (mine, other), mask, unit))
                sides = contrast, restorer, mine, other
                made.append(Harm(*sides, column, value, int(mask.sum()), people, figures))
    return tuple(_corrected(made))


def _contrasts(
    session: Session, measured: Mapping[str, Measured]
) -> Iterator[tuple[str, str, str, str]]:
    """Yield (contrast, restorer, arm, arm that it is held against)."""
    for name, restorer in session.restorers.items():
        right = f"{OracleGender.name}:{name}"
        if right not in measured or _fixed(restorer):
            continue
        peers = {
            "wrong": [f"{WrongGender.name}:{name}"],
            "decided": [f"{Restored.name}:{name}"],
            POOLED: [f"{Restored.name}:{peer}" for peer in _pooled(session, name)],
        }
        for contrast, arms in peers.items():
            yield from ((contrast, name, arm, right) for arm in arms if arm in measured)


def _fixed(restorer: Restorer) -> bool:
    """Return whether a restorer goes by one gender, or by none, whatever the face."""
    return restorer.argument in (*GENDERS, POOLED)


def _pooled(session: Session, name: str) -> list[str]:
    """Return the runs of the same restorer, with the same segmenter, that go by no gender."""
    restorings = session.request.restorings()
    mine = restorings[name]
    return [
        other
        for other, one in restorings.items()
        if (one.restorer.name, one.restorer.argument) == (mine.restorer.name, POOLED)
        and one.choice == mine.choice
    ]


def _outcomes(taken: Decisions) -> np.ndarray:
    """Return (P,) ``right``, ``wrong`` or ``unsure``."""
    return np.select([taken.right == 1, taken.wrong == 1], ["right", "wrong"], "unsure")


def _distance(findings: Findings) -> float:
    """Return how far apart genuine and impostor cosines are on bare faces, or on covered ones."""
    scores = findings.measured.get(Clean.name, findings.measured[Occluded.name]).scores
    if not (np.isfinite(scores.cosine).any() and np.isfinite(scores.impostor).any()):
        return math.nan
    return float(np.nanmean(scores.cosine) - np.nanmean(scores.impostor))


def _figures(
    findings: Findings, arms: tuple[str, str], mask: Mask, unit: float
) -> Iterator[Figure | None]:
    """Yield the paired differences of two arms over some probes."""
    mine, other = (findings.measured[name] for name in arms)
    people, seed = findings.design.people, findings.seed
    mated = mine.scores.mated & mask
    if mated.any():
        now, before = (one.scores.hit()[mated] > 0 for one in (mine, other))
        yield paired.flips("rank1_gain", now, before, people[mated], seed)
    yield _fnmr(findings, mine, other, mask)
    sides = people[mask], seed
    pairs = {"cosine": (mine.scores.cosine, other.scores.cosine)}
    pairs |= {name: (mine.quality(name), other.quality(name)) for name in QUALITIES}
    for name, (values, others) in pairs.items():
        yield paired.difference(f"{name}_gain", values[mask], others[mask], *sides)
    if unit > 0:
        away = 1 - (mine.probes * other.probes).sum(axis=1)  # (P,), NaN without both templates
        yield mean_figure("moved", away[mask] / unit, *sides)


def _fnmr(findings: Findings, mine: Measured, other: Measured, mask: Mask) -> Figure | None:
    """Return the change of the FNMR at the threshold that groups are compared at."""
    target, calibration = findings.group_target, findings.calibration
    genuine = mine.scores.genuine
    inside = mask[genuine.probe]
    if target is None or calibration is None or not inside.any():
        return None
    threshold = calibration.thresholds[target]
    now, before = (one.scores.genuine.scores[inside] < threshold for one in (mine, other))
    change = now.astype(float) - before
    owners = findings.design.people[genuine.probe[inside]]
    return Figure.of(
        FigureName("fnmr_frozen_change", target),
        flip_interval(change, owners),
        p_sign_flip=sign_flip_test(change, owners, findings.seed),
        rescued=int((before & ~now).sum()),
        harmed=int((now & ~before).sum()),
    )


def _corrected(made: Sequence[Harm]) -> Iterator[Harm]:
    """Yield the contrasts with the p of each figure corrected over all of them."""
    tested: dict[str, list[tuple[int, float]]] = {}
    for i, one in enumerate(made):
        for name, figure in one.figures.items():
            if "p_sign_flip" in figure:
                tested.setdefault(name, []).append((i, figure["p_sign_flip"]))
    known = {
        (i, name): float(p)
        for name, tests in tested.items()
        for (i, _), p in zip(tests, holm([p for _, p in tests]), strict=True)
    }
    for i, one in enumerate(made):
        figures = {
            name: f.with_details(p_corrected=known[i, name]) if (i, name) in known else f
            for name, f in one.figures.items()
        }
        yield replace(one, figures=figures)
