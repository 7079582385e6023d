"""DET curves over all comparisons of probes with references, thinned for the results folder.

A protocol has few pairs, as in the papers, so their curve ends near an FMR of 0.001. The search
compares every probe with every reference, so its curve reaches far lower.
"""

from __future__ import annotations

import numpy as np
from scipy.stats import norm

from restore_recog.evaluation.scores.search import SearchResult
from restore_recog.metrics.streaming_det import streaming_det
from restore_recog.metrics.verification import DetCurve

STEP = 0.005
"""Least distance, in normal deviates, between two points that are both kept."""


def of_search(result: SearchResult) -> DetCurve | None:
    """Return the curve of all comparisons, or None without genuine or impostor ones."""
    if not result.genuine.count or not result.impostor.count:
        return None
    return thinned(streaming_det(result.genuine, result.impostor).curve)


def thinned(curve: DetCurve, step: float = STEP) -> DetCurve:
    """Return a curve with fewer points, each of them a point of the given one.

    A point is dropped where both its rates lie closer than *step* normal deviates to those of
    a point that is kept; no rate is changed and none invented. The end points stay.
    """
    x, y = (
        norm.ppf(np.clip(rate, 0.5 / n, 1 - 0.5 / n)) / step
        for rate, n in ((curve.fmr, curve.n_impostor), (curve.fnmr, curve.n_genuine))
    )
    cell = np.stack([np.floor(x), np.floor(y)], axis=1)
    keep = np.ones(len(cell), dtype=bool)
    keep[1:] = (cell[1:] != cell[:-1]).any(axis=1)
    keep[-1] = True
    return DetCurve(
        curve.thresholds[keep], curve.fmr[keep], curve.fnmr[keep], curve.n_genuine, curve.n_impostor
    )
