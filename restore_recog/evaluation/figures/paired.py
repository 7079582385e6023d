"""What an arm gained over another on the same probes: every difference is paired."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import numpy as np
from numpy.typing import NDArray

from restore_recog.evaluation.figures.single import Figure, Figures, People, flagged
from restore_recog.evaluation.image_quality import Quality
from restore_recog.evaluation.scores.board import ArmScores, Measured
from restore_recog.metrics.frechet import frechet_distance
from restore_recog.metrics.uncertainty import (
    bootstrap_difference,
    bootstrap_ratio,
    mcnemar_exact,
    sign_flip_test,
    spearman,
)
from restore_recog.types import Mask, Vector


def gains(
    arm: ArmScores, floor: ArmScores, ceiling: ArmScores | None, people: People, seed: int
) -> Figures:
    """Return what an arm gained in rank-1, cosine and against other people.

    Args:
        arm, floor: The arm, and what it is held against.
        ceiling: The clean arm, for the share of the covering's cost that is recovered.
        people: (P,) the probes' subjects as numbers.
    """
    found: Figures = {}
    mated = arm.mated
    if mated.any():
        mine, theirs, owners = arm.hit()[mated], floor.hit()[mated], people[mated]
        found["rank1_gain"] = flips(mine > 0, theirs > 0, owners, seed)
        if ceiling is not None:
            top = ceiling.hit()[mated]
            found["recovered"] = asdict(bootstrap_ratio(mine, theirs, top, owners, seed=seed))
    for name, now, before in (
        ("cosine_gain", arm.cosine, floor.cosine),
        ("impostor_shift", arm.impostor, floor.impostor),
        ("margin_gain", _margin(arm), _margin(floor)),
    ):
        figure = difference(now, before, people, seed)
        if figure is not None:
            found[name] = figure
    return found


def _margin(scores: ArmScores) -> Vector:
    return scores.cosine - scores.best_impostor


def difference(now: Vector, before: Vector, people: People, seed: int) -> Figure | None:
    """Return the mean difference over the probes that have both, or None without any."""
    both = np.isfinite(now) & np.isfinite(before)
    if not both.any():
        return None
    interval = bootstrap_difference(now[both], before[both], people[both], seed=seed)
    return asdict(interval) | {"left_out": int((~both).sum())}


def flips(mine: Mask, theirs: Mask, people: People, seed: int) -> Figure:
    """Return the difference of two success rates with its flip table and tests.

    McNemar's exact test takes probes as independent, so it is given only where every
    subject has one; the sign-flip test flips whole subjects.
    """
    rescued, harmed = int((mine & ~theirs).sum()), int((theirs & ~mine).sum())
    figure = asdict(bootstrap_difference(mine, theirs, people, seed=seed)) | {
        "rescued": rescued,
        "harmed": harmed,
        "both_right": int((mine & theirs).sum()),
        "both_wrong": int((~mine & ~theirs).sum()),
        "p_sign_flip": sign_flip_test(mine.astype(float) - theirs, people, seed),
    }
    if figure["n"] == figure["n_subjects"]:
        figure["p_mcnemar"] = mcnemar_exact(rescued, harmed)
    return figure


def over_fill(arm: ArmScores, fill: ArmScores, people: People, seed: int) -> Figures:
    """Return what a restorer gained over the mean face inside the mask, in rank-1."""
    mated = arm.mated
    if not mated.any():
        return {}
    mine, theirs = arm.hit()[mated] > 0, fill.hit()[mated] > 0
    return {"rank1_gain_over_fill": flips(mine, theirs, people[mated], seed)}


def quality_vs_recognition(
    arm: tuple[ArmScores, Sequence[Quality]],
    floor: tuple[ArmScores, Sequence[Quality]],
    people: People,
    seed: int,
) -> Figures:
    """Return how the gain in PSNR goes with the gain in cosine, probe by probe.

    PSNR inside the covering; rank correlation, so that decibels need not be proportional
    to anything. Probes without both differences, or painted without any error, are left
    out and counted. Absent under three probes.
    """
    image = _psnr(arm[1]) - _psnr(floor[1])
    cosine = arm[0].cosine - floor[0].cosine
    both = np.isfinite(image) & np.isfinite(cosine)
    if both.sum() < 3 or not (np.ptp(image[both]) and np.ptp(cosine[both])):
        return {}
    interval = spearman(image[both], cosine[both], people[both], seed=seed)
    return {"quality_vs_recognition": asdict(interval) | {"left_out": int((~both).sum())}}


def _psnr(qualities: Sequence[Quality]) -> Vector:
    return np.array([quality.psnr_mask for quality in qualities], dtype=float)


GAINS = ("psnr", "psnr_mask", "ssim", "ssim_mask", "lpips")
"""Likenesses whose paired change is a figure of its own, under the name with ``_gain``."""


def of_sets(arm: Measured, clean: Measured | None) -> Figures:
    """Return ``fid`` and ``frechet_embedding`` of an arm's images to the clean arm's.

    The second is the Frechet distance in the templates of the run's own recogniser: it is no
    FID and compares with nothing but arms of the same recogniser and number of images.
    """
    if clean is None or arm is clean:
        return {}
    found = {"frechet_embedding": _distance(arm.probes, clean.probes)}
    if arm.features is not None and clean.features is not None and arm.name != "upper-half":
        found["fid"] = _distance(arm.features, clean.features)
    return {name: figure for name, figure in found.items() if figure is not None}


def _distance(ours: NDArray[np.floating], theirs: NDArray[np.floating]) -> Figure | None:
    """Return the distance over the probes that have both, flagged where they are too few."""
    both = np.isfinite(ours).all(axis=1) & np.isfinite(theirs).all(axis=1)
    n, width = int(both.sum()), ours.shape[1]
    if n < 2:
        return None
    figure = {
        "value": frechet_distance(ours[both], theirs[both]),
        "low": np.nan,
        "high": np.nan,
        "n": n,
        "dimensions": width,
        "left_out": int((~both).sum()),
    }
    few = f"fewer images than the {width} dimensions of the features: much too high"
    return flagged(figure, few if n <= width else None)


def quality_gains(
    arm: Sequence[Quality],
    floor: Sequence[Quality],
    people: People,
    seed: int,
    ending: str = "gain",
) -> Figures:
    """Return the paired changes of likeness, arm less floor, over the probes that have both."""
    found: Figures = {}
    for name in GAINS:
        columns = [np.array([getattr(q, name) for q in qs], dtype=float) for qs in (arm, floor)]
        figure = difference(columns[0], columns[1], people, seed)
        if figure is not None:
            found[f"{name}_{ending}"] = figure
    return found
