"""How far the pictures of an arm lie, as a set, from their unoccluded twins; and paired gains."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from restore_recog.evaluation.figures import Figure, Figures, People, flagged
from restore_recog.evaluation.gains import difference
from restore_recog.evaluation.scoring import Measured
from restore_recog.likeness import Quality
from restore_recog.metrics.frechet import frechet_distance

GAINS = ("psnr", "psnr_mask", "ssim", "ssim_mask", "lpips")
"""Likenesses whose paired change is a figure of its own, under the name with ``_gain``."""


def of_sets(arm: Measured, clean: Measured | None) -> Figures:
    """Return ``fid`` and ``frechet_embedding`` of an arm's pictures to the clean arm's.

    The second is the Frechet distance in the templates of the run's own recogniser: it is no
    FID and compares with nothing but arms of the same recogniser and number of pictures.
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
    few = f"fewer pictures than the {width} dimensions of the features: much too high"
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
