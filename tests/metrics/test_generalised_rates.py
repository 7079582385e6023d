"""GFAR and GFRR of an evaluation, against plain counting where that gives the same."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from numpy.typing import NDArray
from scoring_fakes import board_of, findings, near, people, run, simple_plan

from restore_recog.api import Plan
from restore_recog.types import Trial

Templates = NDArray[np.float64]

PEOPLE, SHOTS = 12, 3


def every_pair() -> tuple[Plan, Templates, Templates]:
    """Return (plan, probes, references): every probe is compared with every reference."""
    plan, centres = simple_plan(PEOPLE, SHOTS), people(PEOPLE, 16)
    pairs = tuple(Trial(r, p, r[:3] == p[:3]) for r, p in product(plan.references, plan.probes))
    plan = replace(plan, pairs=pairs)
    own = [int(i[:3]) for i in board_of(plan).columns]
    probes = near(np.repeat(centres, SHOTS, axis=0), 1.2, 1)
    return plan, probes, near(centres[own], 1.2, 2)


@pytest.mark.parametrize("side", ["probes", "references"])
def test_failures_are_folded_in_as_counting_them_as_refusals_does(side: str) -> None:
    plan, probes, references = every_pair()
    lost = probes if side == "probes" else references
    lost[[0, 1, 7]] = np.nan
    results = findings(plan, {"occluded": probes}, references)
    figures = results.arm("occluded", run()).figures
    scores = results.measured["occluded"].scores.trials
    genuine = np.array([pair.genuine for pair in plan.pairs])
    for target in ("0.01", "0.001"):
        threshold = figures[f"fnmr@fmr={target}"]["threshold"]
        gfrr, gfar = figures[f"gfrr@fmr={target}"], figures[f"gfar@fmr={target}"]
        assert gfrr["value"] == pytest.approx((scores[genuine] < threshold).mean())
        assert gfar["value"] == pytest.approx((scores[~genuine] >= threshold).mean())
        assert gfrr["n_genuine"] == genuine.sum() and gfar["threshold"] == threshold
        kept = gfrr["frr"] if side == "references" else gfrr["value"]
        assert kept <= gfrr["value"]


def test_without_failures_they_are_the_pairs_own_rates() -> None:
    plan, probes, references = every_pair()
    figures = findings(plan, {"occluded": probes}, references).arm("occluded", run()).figures
    point = figures["fnmr@fmr=0.01"]
    assert figures["gfrr@fmr=0.01"]["value"] == pytest.approx(point["value"])
    assert figures["gfar@fmr=0.01"]["value"] == pytest.approx(point["achieved_fmr"])


def test_without_pairs_there_are_none() -> None:
    plan, probes, references = every_pair()
    plan = replace(plan, pairs=())
    figures = findings(plan, {"occluded": probes}, references).arm("occluded", run()).figures
    assert not [name for name in figures if name.startswith("gf")]
