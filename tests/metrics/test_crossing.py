"""The equal error rate of many scores is that of the whole curve, to the last bit."""

from __future__ import annotations

import numpy as np
import pytest

from restore_recog.metrics.crossing import SAMPLE, rates_around_crossing
from restore_recog.metrics.verification import det_curve, equal_error_rate, fnmr_at_fmr

COUNT = 4 * SAMPLE + 17
RNG = np.random.default_rng(11)
NORMAL = RNG.normal(0.0, 0.15, COUNT)
GENUINE = RNG.normal(0.4, 0.2, 3000)

CASES = {
    "normal": (GENUINE, NORMAL),
    "sorted": (GENUINE, np.sort(NORMAL)),
    "falling": (np.sort(GENUINE)[::-1], np.sort(NORMAL)[::-1]),
    "ties": (GENUINE.round(2), NORMAL.round(2)),
    "nearly constant": (GENUINE.round(0), NORMAL.round(0)),
    "equal constants": (np.full(50, 0.1), np.full(COUNT, 0.1)),
    "apart": (GENUINE + 9, NORMAL),
    "reversed": (GENUINE - 9, NORMAL),
    "few genuine": (GENUINE[:3], NORMAL),
    "many failed": (np.where(GENUINE > 0.4, -np.inf, GENUINE), NORMAL),
    "failed impostors": (GENUINE, np.where(np.arange(COUNT) % 3 == 0, -np.inf, NORMAL)),
    "all failed": (np.full(20, -np.inf), np.full(COUNT, -np.inf)),
    "a sample that misleads": (GENUINE, np.where(np.arange(COUNT) % 4 == 0, -5.0, NORMAL)),
}


@pytest.mark.parametrize("case", CASES)
def test_it_is_that_of_the_curve(case: str) -> None:
    genuine, impostor = CASES[case]
    curve = det_curve(genuine, impostor)
    after = int(np.argmax(curve.fnmr >= curve.fmr))
    fmr, fnmr = rates_around_crossing(np.sort(genuine), impostor)
    place = int(np.argmax(fnmr >= fmr))
    assert (fmr[place], fnmr[place]) == (curve.fmr[after], curve.fnmr[after])
    assert (place > 0) == (after > 0)
    if after:
        before = curve.fmr[after - 1], curve.fnmr[after - 1]
        assert (fmr[place - 1], fnmr[place - 1]) == before
    small = equal_error_rate(genuine, impostor)
    assert small.low <= small.high


@pytest.mark.parametrize("target", [0.0, 1e-5, 0.001, 0.1, 0.999, 1.0])
@pytest.mark.parametrize("case", ["normal", "ties", "failed impostors", "equal constants"])
def test_the_operating_point_is_one_of_the_curve(case: str, target: float) -> None:
    genuine, impostor = CASES[case]
    curve, point = det_curve(genuine, impostor), fnmr_at_fmr(genuine, impostor, target)
    place = int(np.argmax(curve.fmr <= target))
    assert (point.achieved_fmr, point.fnmr) == (curve.fmr[place], curve.fnmr[place])
