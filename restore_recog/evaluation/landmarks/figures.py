"""From the errors of landmarks to figures with intervals from resampling people.

Sources: normalised mean error by the outer eye corners, failure rate at 10 % and area under the
cumulative error curve as in Wu et al., CVPR 2018 (WFLW).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from restore_recog.evaluation.figure import Figure, collected
from restore_recog.evaluation.figures.single import People, mean_figure, rate_figure
from restore_recog.evaluation.landmarks.errors import Errors, mean_known
from restore_recog.landmarks import REGIONS
from restore_recog.metrics.uncertainty import bootstrap_ratio
from restore_recog.types import Failure, Pixels, Vector

FAILED = 0.1
"""Mean error of a face from which its landmarks have failed, and where the area ends."""

BARE, COVERED, AS_FOUND = "bare", "covered", "occluded as found"


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """One face as an example.

    Attributes:
        image_id: Of the face.
        error: Of the covered face.
        images: (S, S, 3) bare and covered.
        found: (98, 2) each, in pixels of the images.
        true: (98, 2) or (5, 2).
    """

    image_id: str
    error: float
    images: tuple[Pixels, Pixels]
    found: tuple[NDArray[np.float32], NDArray[np.float32]]
    true: NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Standing:
    """What one landmarker makes of one data set.

    Attributes:
        landmarker, data: As they were named.
        rendered: Whether the faces are synthetic.
        known: Of how many points the truth is known: 98, 68, or 5.
        errors: Condition -> what was off.
        figures: Condition -> figures.
        worst: The faces with the largest errors under a covering.
    """

    landmarker: str
    data: str
    rendered: bool
    known: int
    errors: Mapping[str, Errors]
    figures: Mapping[str, Mapping[str, Figure]]
    worst: Sequence[Seen]


@dataclass(frozen=True, slots=True, eq=False)
class LandmarkStudy:
    """Landmarkers side by side.

    Attributes:
        standings: One for each landmarker and data set.
        notes: Sentences for the reader.
        setup: What was asked for, and with what.
        failures: Images that could not be used.
    """

    standings: Sequence[Standing]
    notes: Sequence[str]
    setup: Mapping[str, Any]
    failures: Sequence[Failure]


def single(errors: Errors, hidden: NDArray[np.bool_], seed: int) -> dict[str, Figure]:
    """Return the figures of one condition.

    Args:
        errors: What was off.
        hidden: (N, 98) the points that count as under the covering; of bare faces those that
            the covering hides later.
        seed: Of the intervals.
    """
    people = _people(errors)
    each, points = errors.each, errors.points
    asked = np.isfinite(each) | errors.missed
    figures = collected(
        mean_figure("nme", each, people, seed),
        rate_figure("failure", failed(errors)[asked], people[asked], seed, errors=True),
        mean_figure("auc", np.where(asked, area(errors), np.nan), people, seed),
        rate_figure("missed", errors.missed, people, seed, errors=True),
        mean_figure("five", errors.five, people, seed),
    )
    if not errors.known:
        return figures
    regions = {name: mean_known(points[:, list(rows)]) for name, rows in REGIONS.items()}
    parts = {"hidden": hidden, "shown": ~hidden} if hidden.any() else {}
    regions |= {name: mean_known(np.where(rows, points, np.nan)) for name, rows in parts.items()}
    return figures | collected(
        *(mean_figure(f"nme_{name}", values, people, seed) for name, values in regions.items())
    )


def ratios(covered: Errors, bare: Errors, seed: int) -> dict[str, Figure]:
    """Return by what factor errors grow under a covering: means over the same faces and points.

    Args:
        covered, bare: Of the same faces in the same order.
        seed: Of the intervals.
    """
    hidden = [mean_known(np.where(covered.hidden, one.points, np.nan)) for one in (covered, bare)]
    return collected(
        _ratio("ratio", covered.each, bare.each, _people(covered), seed),
        _ratio("ratio_hidden", hidden[0], hidden[1], _people(covered), seed),
        _ratio("ratio_five", covered.five, bare.five, _people(covered), seed),
    )


def failed(errors: Errors) -> NDArray[np.bool_]:
    """Return (N,) on which faces none were found or the mean error is a failure."""
    return np.asarray(errors.missed | (errors.each > FAILED))


def area(errors: Errors) -> Vector:
    """Return (N,) each face's share of the area under the cumulative error curve up to a failure.

    The mean over the faces is the area: a face lies under the curve from its error on.
    """
    each = np.where(errors.missed, np.inf, errors.each)
    return np.asarray(np.clip(1 - each / FAILED, 0, 1))


def _ratio(name: str, above: Vector, below: Vector, people: People, seed: int) -> Figure | None:
    both = np.isfinite(above) & np.isfinite(below)
    if not both.any() or not below[both].any():
        return None
    nothing = np.zeros(int(both.sum()))
    interval = bootstrap_ratio(above[both], nothing, below[both], people[both], seed=seed)
    return Figure.of(name, interval, left_out=int((~both).sum()))


def _people(errors: Errors) -> People:
    return np.unique([sample.subject for sample in errors.samples], return_inverse=True)[1]
