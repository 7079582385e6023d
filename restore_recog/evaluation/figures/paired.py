"""What an arm gained over another on the same probes; every difference is paired."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from restore_recog.evaluation.figure import Figure, FigureName
from restore_recog.evaluation.figures.single import People
from restore_recog.evaluation.scores.design import ArmScores, Measured
from restore_recog.metrics.flips import flip_interval
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
) -> Iterator[Figure | None]:
    """Return what an arm gained in rank-1, in cosine and in its margin over other people.

    Args:
        arm, floor: The arm, and the one it is compared with.
        ceiling: The clean arm, for the share of the covering's harm that is recovered.
        people: (P,) the probes' subjects as numbers.
        seed: Of the draws.
    """
    mated = arm.mated
    yield rank1_gain("rank1_gain", arm, floor, people, seed)
    if mated.any() and ceiling is not None:
        mine, theirs, best = (scores.hit()[mated] for scores in (arm, floor, ceiling))
        ratio = bootstrap_ratio(mine, theirs, best, people[mated], seed=seed)
        yield Figure.of("recovered", ratio, straddles_zero=ratio.straddles_zero)
    yield difference("cosine_gain", arm.cosine, floor.cosine, people, seed)
    yield difference("impostor_shift", arm.impostor, floor.impostor, people, seed)
    yield difference("margin_gain", arm.margin, floor.margin, people, seed)


def difference(name: str, now: Vector, before: Vector, people: People, seed: int) -> Figure | None:
    """Return the mean difference over the probes that have both, or None without any."""
    both = np.isfinite(now) & np.isfinite(before)
    if not both.any():
        return None
    interval = bootstrap_difference(now[both], before[both], people[both], seed=seed)
    p = sign_flip_test(now[both] - before[both], people[both], seed)
    return Figure.of(name, interval, left_out=int((~both).sum()), p_sign_flip=p)


def flips(name: str, mine: Mask, theirs: Mask, people: People, seed: int) -> Figure:
    """Return the difference of two success rates with its flip table and tests.

    The interval is made for few flips (:mod:`restore_recog.metrics.flips`). McNemar's exact
    test takes probes as independent, so it is left out unless every subject has one probe; the
    sign-flip test flips whole subjects.
    """
    counts = flip_table(mine, theirs)
    figure = Figure.of(
        name,
        flip_interval(mine.astype(float) - theirs, people),
        **counts,
        p_sign_flip=sign_flip_test(mine.astype(float) - theirs, people, seed),
    )
    if figure.n == figure.n_subjects:
        return figure.with_details(p_mcnemar=mcnemar_exact(counts["rescued"], counts["harmed"]))
    return figure


def flip_table(mine: Mask, theirs: Mask) -> dict[str, Any]:
    """Return how many are right in one of two arms only, in both, and in neither."""
    return {
        "rescued": int((mine & ~theirs).sum()),
        "harmed": int((theirs & ~mine).sum()),
        "both_right": int((mine & theirs).sum()),
        "both_wrong": int((~mine & ~theirs).sum()),
    }


def rank1_gain(
    name: str, arm: ArmScores, floor: ArmScores, people: People, seed: int
) -> Figure | None:
    """Return what an arm gained in rank-1 over another, or None without a mated probe."""
    mated = arm.mated
    if not mated.any():
        return None
    mine, theirs = arm.hit()[mated] > 0, floor.hit()[mated] > 0
    return flips(name, mine, theirs, people[mated], seed)


def quality_vs_recognition(
    arm: Measured, floor: Measured, people: People, seed: int
) -> Figure | None:
    """Return how the gain in PSNR correlates with the gain in cosine over the probes.

    PSNR inside the covering; rank correlation, so that decibels need not be proportional
    to anything. Probes without both differences, or restored without any error, are left
    out and counted. None for fewer than three probes.
    """
    image = arm.quality("psnr_mask") - floor.quality("psnr_mask")
    cosine = arm.scores.cosine - floor.scores.cosine
    both = np.isfinite(image) & np.isfinite(cosine)
    if both.sum() < 3 or not (np.ptp(image[both]) and np.ptp(cosine[both])):
        return None
    interval = spearman(image[both], cosine[both], people[both], seed=seed)
    return Figure.of("quality_vs_recognition", interval, left_out=int((~both).sum()))


GAINS = ("psnr", "psnr_mask", "ssim", "ssim_mask", "lpips")
"""Image-quality metrics whose paired change is a figure of its own, named with ``_gain``."""


def of_sets(
    arm: Measured,
    clean: Measured | None,
    chosen: Collection[str] | None = None,
    probes: Mask | None = None,
) -> Iterator[Figure | None]:
    """Return the Frechet distances of an arm's images to the clean ones.

    ``fid`` apart, they are in the templates of the run's own recogniser (``frechet_embedding``),
    in the features of its classifier (``frechet_classifier``) and of VGG-19 (``frechet_vgg``): no
    FID, and comparable only between arms of the same networks and number of images.

    Args:
        arm: Whose images.
        clean: The arm of the clean ones, or None where there is none.
        chosen: Names of the figures; None for all.
        probes: (P,) which probes; None for all.
    """
    if clean is None or arm is clean:
        return
    mine, theirs = _by_network(arm), _by_network(clean)
    rows: slice | Mask = slice(None) if probes is None else probes
    for name in mine:
        if name in theirs and (chosen is None or name in chosen):
            yield _distance(name, mine[name][rows], theirs[name][rows])


def _by_network(arm: Measured) -> dict[str, NDArray[np.floating]]:
    """Return the (P, D) features of an arm's images, by the figure that is made of them."""
    told = None if arm.labelled is None else arm.labelled.features
    every: dict[str, NDArray[np.floating] | None] = {
        "frechet_embedding": arm.probes,
        "fid": arm.features,
        "frechet_classifier": told,
        "frechet_vgg": arm.vgg,
    }
    return {name: rows for name, rows in every.items() if rows is not None}


def _distance(name: str, ours: NDArray[np.floating], theirs: NDArray[np.floating]) -> Figure | None:
    """Return the distance over the probes that have both, flagged where they are too few."""
    both = np.isfinite(ours).all(axis=1) & np.isfinite(theirs).all(axis=1)
    n, width = int(both.sum()), ours.shape[1]
    if n < 2:
        return None
    few = f"fewer images than the {width} dimensions of the features: much too high"
    return Figure(
        FigureName(name),
        frechet_distance(ours[both], theirs[both]),
        n=n,
        flag=few if n <= width else "",
        details={"dimensions": width, "left_out": int((~both).sum())},
    )


def quality_gains(
    arm: Measured,
    floor: Measured,
    people: People,
    seed: int,
    ending: str = "gain",
) -> Iterator[Figure | None]:
    """Return the paired changes of image quality, over the probes that have both."""
    for name in GAINS:
        changed = arm.quality(name), floor.quality(name)
        yield difference(f"{name}_{ending}", *changed, people, seed)
