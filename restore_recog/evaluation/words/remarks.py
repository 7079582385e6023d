"""What must be known with a verdict: the mean face, drift, fusion, and groups that are harmed."""

from __future__ import annotations

from collections.abc import Sequence

from restore_recog.evaluation.arms import Fill
from restore_recog.evaluation.figure import Figure
from restore_recog.evaluation.results import ArmReport, Cohort
from restore_recog.evaluation.words.grounds import ALPHA, Ground, Tests, p_words, points

NAMED = 3
"""Most groups that one sentence names."""


def beside_fill(arm: ArmReport, base: Ground, tests: Tests) -> str:
    """Say so where the restorer is worse than the mean face in the same place, or may be."""
    name = base.against(Fill.name)
    if name not in arm.figures:
        return ""
    numbers = f"{points(arm.figures[name])} ({tests.words(arm, name)})"
    direction = tests.direction(arm, name, base.sign)
    if direction < 0:
        return f"It does worse than the mean face put in the same place ('fill'): {numbers}."
    if not direction:
        return (
            "Whether it beats the mean face put in the same place ('fill') cannot be told: "
            f"{numbers}."
        )
    return ""


def drifts(arm: ArmReport) -> list[Figure]:
    """Return the changes of the FMR at fixed thresholds."""
    return [f for f in arm.figures.values() if f.name.kind == "fmr_frozen_change"]


def drift(arm: ArmReport, tests: Tests) -> str:
    """Say so where more impostors pass at a fixed threshold, for the strictest of them."""
    rises = [f for f in drifts(arm) if f.low > 0 and tests.direction(arm, f.name) > 0]
    if not rises:
        return ""
    figure = min(rises, key=lambda rise: rise.name.target)
    before, after = figure["before"] / (figure.n or 1), figure["accepted"] / (figure.n or 1)
    return (
        "It makes people more alike: at the threshold that accepts "
        f"{100 * figure.name.target:g} % of impostors on bare faces, the FMR rises from "
        f"{100 * before:.3g} % to {100 * after:.3g} % ({tests.p_words(arm, figure.name)})."
    )


def fusion(fused: ArmReport, alone: ArmReport, base: Ground, tests: Tests) -> str:
    """Say what fusing the occluded with the restored face gains, and over restoring alone."""
    gain, over = base.gain, base.against(alone.arm)
    if not {gain, over} <= fused.figures.keys():
        return ""
    answer = {1: "helps", -1: "hurts", 0: "may or may not help"}
    beside = {1: "does better than", -1: "does worse than", 0: "cannot be told from"}
    return (
        f"Fusing the occluded with the restored face ('{fused.name}') "
        f"{answer[tests.direction(fused, gain, base.sign)]}: {base.words} is "
        f"{100 * fused.figures[base.rate].value:.1f} %, {points(fused.figures[gain])} against the "
        f"occluded face ({tests.words(fused, gain)}), and "
        f"{beside[tests.direction(fused, over, base.sign)]} restoring alone: "
        f"{points(fused.figures[over])} ({tests.words(fused, over)})."
    )


def group_gains(arm: ArmReport, base: Ground, cohorts: Sequence[Cohort]) -> dict[str, Figure]:
    """Return group -> what an arm gained in it, where that was measured and tested."""
    gains = {one.title: one.arms.get(arm.name, {}).get(base.gain) for one in cohorts}
    return {name: g for name, g in gains.items() if g is not None and "p_sign_flip" in g}


def harm(arm: ArmReport, base: Ground, cohorts: Sequence[Cohort], tests: Tests) -> str:
    """Name the groups that are harmed, where the test over their people says so."""
    gains = group_gains(arm, base, cohorts)
    harmed = sorted(
        (base.sign * gain.value, name)
        for name, gain in gains.items()
        if tests.groups[arm.name, name] < ALPHA and base.sign * gain.value < 0
    )
    if not gains:
        return ""
    if not harmed:
        return f"Of the {len(gains)} groups of probes none stands out as harmed."
    named = "; ".join(
        f"{name} ({points(gains[name])}, {gains[name]['rescued']} rescued, "
        f"{gains[name]['harmed']} harmed; "
        f"{p_words(gains[name]['p_sign_flip'], tests.groups[arm.name, name])})"
        for _, name in harmed[:NAMED]
    )
    rest = f"; and {len(harmed) - NAMED} more" if len(harmed) > NAMED else ""
    return f"It harms {len(harmed)} of the {len(gains)} groups of probes: {named}{rest}."
