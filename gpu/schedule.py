"""How long a training may be: from measured rates and the seconds that are left."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from restore_recog.errors import TrainingError

SPARE = 0.93
"""Share of the time that is planned; the rest goes to validations and an unsteady machine."""

Points = Sequence[tuple[int, float]]
"""(images seen in all phases, seconds on the clock), in order."""


def rates(points: Mapping[str, Points]) -> dict[str, float]:
    """Return images a second of every phase.

    The last point of a phase may come after its validation and is left out. A phase that is too
    short to be measured gets the slowest of the other rates.

    Args:
        points: By phase.

    Raises:
        TrainingError: No phase was long enough.
    """
    measured = {}
    for phase, given in points.items():
        if len(given) >= 3:
            (first, begun), (last, ended) = given[0], given[-2]
            measured[phase] = (last - first) / max(ended - begun, 1e-6)
    if not measured:
        raise TrainingError(
            "The trial was too short to measure a rate: some phase must take more than 40 "
            "steps. Give a larger --trial-scale."
        )
    return {phase: measured.get(phase, min(measured.values())) for phase in points}


def useful(left: float, a_slice: float, lost: float) -> float:
    """Return the seconds of training in what is left, when every slice loses some.

    Args:
        left: Seconds of all slices together.
        a_slice: Seconds of one slice.
        lost: Seconds that a slice spends on starting and on ending.
    """
    return max(0.0, left - lost * math.ceil(left / a_slice))


def scale(images: Mapping[str, int], rates: Mapping[str, float], seconds: float) -> float:
    """Return the factor on every phase with which the whole schedule takes *seconds*.

    Args:
        images: Of every phase at factor 1.
        rates: Images a second of every phase.
        seconds: Of training, without starting and ending.

    Raises:
        TrainingError: There is no time.
    """
    whole = sum(count / rates[phase] for phase, count in images.items())
    factor = SPARE * seconds / whole
    if factor <= 0:
        raise TrainingError("Nothing is left of the time after the trial; give more --seconds.")
    return float(f"{factor:.3g}")
