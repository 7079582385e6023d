"""The verdict on a restorer in plain words, by recognition or by its images alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from restore_recog.evaluation.arms import Fill
from restore_recog.evaluation.figure import Figure, FigureName
from restore_recog.evaluation.figures.fixed_threshold import TOO_FEW
from restore_recog.evaluation.figures.pairs import UNBALANCED
from restore_recog.evaluation.results import ArmReport, Cohort, Verdict

ALPHA = 0.05
"""A difference counts only where the p-value of the sign-flip test, if any, is lower."""

CANNOT_TELL = "cannot tell"

NAMED = 3
"""Most groups that one sentence names."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What a verdict is based on.

    Attributes:
        rate, gain: Figures of the arm: the rate, and its difference against the occluded probes.
        over: What the kind of a difference against another arm begins with.
        words: What the rate is called.
        sign: 1 where a higher rate is better, -1 for error rates.
    """

    rate: FigureName
    gain: FigureName
    over: str
    words: str
    sign: int = 1

    def against(self, arm: str) -> FigureName:
        """Return the figure that holds an arm against another than the occluded one."""
        return FigureName(f"{self.over}_{arm}", self.rate.target)

    def limits(self, figure: Figure) -> tuple[float, float]:
        """Return the interval of a difference, signed so that above 0 is better."""
        low, high = self.sign * figure.low, self.sign * figure.high
        return (low, high) if self.sign > 0 else (high, low)

    def direction(self, figure: Figure) -> int:
        """Return 1 where a difference is for the better, -1 for the worse, 0 where none can tell.

        The whole interval must lie on one side of 0, and the sign-flip test, if any, agree.
        """
        low, high = self.limits(figure)
        if figure.get("p_sign_flip", math.nan) >= ALPHA:
            return 0
        return int(low > 0) - int(high < 0)


def _rate(kind: str, words: str) -> Ground:
    return Ground(FigureName(kind), FigureName(f"{kind}_gain"), f"{kind}_gain_over", words)


def _fixed(target: float) -> Ground:
    rate, gain = FigureName("fnmr_frozen", target), FigureName("fnmr_frozen_change", target)
    words = f"the FNMR at the threshold for an FMR of {target:g} on bare faces"
    return Ground(rate, gain, "fnmr_frozen_over", words, sign=-1)


GROUNDS = (
    _rate("rank1", "rank-1"),
    _rate("accuracy", "the accuracy on pairs"),
    _fixed(0.001),
    _fixed(0.01),
)


def ground(arm: ArmReport) -> Ground | None:
    """Return the first ground that the arm has figures for and that is supported."""
    offered = [g for g in GROUNDS if g.gain in arm.figures and g.rate in arm.figures]
    return next((g for g in offered if _sound(arm.figures[g.rate])), None)


def _sound(rate: Figure) -> bool:
    """Return whether a rate supports a verdict."""
    return rate.flag != TOO_FEW and rate.get("chance", 0.0) <= UNBALANCED


def verdict(
    arm: ArmReport,
    floor: ArmReport,
    recognizer: str,
    where: str = "",
    cohorts: Sequence[Cohort] = (),
) -> Verdict:
    """Return the verdict on one restorer, with what must be known with it.

    It is based on the paired difference in rank-1 or, where nobody is searched, in the accuracy
    on pairs or in the FNMR at the fixed threshold. It helps where the whole interval is above 0
    and the sign-flip test agrees, hurts where both say the opposite; else it cannot be told,
    for with few flips a percentile interval alone is too narrow.

    Args:
        arm: A restored arm.
        floor: The occluded arm.
        recognizer: Its name.
        where: What the probes were, to follow the recogniser's name.
        cohorts: All groups that were measured.
    """
    base = ground(arm)
    if base is None:
        return Verdict(
            arm.name,
            CANNOT_TELL,
            f"Whether restoring with '{arm.restorer}' first helps '{recognizer}'{where} cannot be "
            "told: there is neither a search, nor a balanced list of pairs, nor a supported "
            "threshold for these probes.",
        )
    answer, words = _answer(arm, base, recognizer, where)
    sentences = [
        f"{words}: {_numbers(arm, floor, base)}.",
        _beside_fill(arm, base),
        _drift(arm),
        _harmed(arm, base, cohorts),
    ]
    return Verdict(arm.name, answer, " ".join(sentence for sentence in sentences if sentence))


def _answer(arm: ArmReport, base: Ground, recognizer: str, where: str) -> tuple[str, str]:
    """Return the answer, and the clause that gives it."""
    gain = arm.figures[base.gain]
    low, high = base.limits(gain)
    direction = base.direction(gain)
    if direction > 0:
        return "helps", f"Restoring with '{arm.restorer}' first helps '{recognizer}'{where}"
    if direction < 0:
        return "hurts", f"Restoring with '{arm.restorer}' first hurts '{recognizer}'{where}"
    overruled = low > 0 or high < 0
    return CANNOT_TELL, (
        f"Whether restoring with '{arm.restorer}' first helps '{recognizer}'{where} "
        "cannot be told from these probes"
        + (f" (sign-flip test: p = {gain['p_sign_flip']:.2g})" if overruled else "")
    )


def _numbers(arm: ArmReport, floor: ArmReport, base: Ground) -> str:
    gain = arm.figures[base.gain]
    before, after = floor.figures[base.rate].value, arm.figures[base.rate].value
    kind = "probes" if base.rate == "rank1" else "comparisons"
    return (
        f"{base.words} goes from {100 * before:.1f} % to {100 * after:.1f} %, a difference of "
        f"{points(gain)} ({interval_text(gain)}; {gain.n} {kind} of {gain.n_subjects} "
        f"subjects, {gain['rescued']} rescued, {gain['harmed']} harmed)"
    )


def points(figure: Figure) -> str:
    """Return a difference in points, with its sign."""
    return f"{100 * figure.value:+.1f} points"


def interval_text(figure: Figure, scale: float = 100) -> str:
    """Return the interval of a difference in words, times *scale* (100 for points)."""
    if math.isnan(figure.low):
        return "no interval: one subject only"
    return f"95 % interval {scale * figure.low:+.1f} to {scale * figure.high:+.1f}"


def _beside_fill(arm: ArmReport, base: Ground) -> str:
    """Say so where the restorer is no better than the mean face in the same place."""
    figure = arm.figures.get(base.against(Fill.name))
    if figure is None:
        return ""
    low, high = base.limits(figure)
    numbers = f"{points(figure)} ({interval_text(figure)})"
    if high < 0:
        return f"It does worse than the mean face put in the same place ('fill'): {numbers}."
    if not low > 0:
        return (
            "It does not beat the mean face put in the same place ('fill'), as far as can be "
            f"told: {numbers}."
        )
    return ""


def _drift(arm: ArmReport) -> str:
    """Say so where more impostors pass at a fixed threshold, for the strictest of them."""
    rises = [
        figure
        for figure in arm.figures.values()
        if figure.name.kind == "fmr_frozen_change" and figure.low > 0
    ]
    if not rises:
        return ""
    figure = min(rises, key=lambda rise: rise.name.target)
    before, after = figure["before"] / (figure.n or 1), figure["accepted"] / (figure.n or 1)
    return (
        "It makes people more alike: at the threshold that accepts "
        f"{100 * figure.name.target:g} % of impostors on bare faces, the FMR rises from "
        f"{100 * before:.3g} % to {100 * after:.3g} %."
    )


def _harmed(arm: ArmReport, base: Ground, cohorts: Sequence[Cohort]) -> str:
    """Name the groups in which more probes are harmed than rescued."""
    gains = [(cohort, cohort.arms.get(arm.name, {}).get(base.gain)) for cohort in cohorts]
    measured = [(cohort, gain) for cohort, gain in gains if gain is not None]
    harmed = [
        (gain["rescued"] - gain["harmed"], f"{cohort.column} = {cohort.value}", gain)
        for cohort, gain in measured
        if gain["harmed"] > gain["rescued"]
    ]
    if not harmed:
        return ""
    harmed.sort(key=lambda item: item[:2])
    named = "; ".join(
        f"{name} ({gain['rescued']} rescued, {gain['harmed']} harmed)"
        for _, name, gain in harmed[:NAMED]
    )
    rest = f"; and {len(harmed) - NAMED} more" if len(harmed) > NAMED else ""
    return (
        f"It harms more than it rescues in {len(harmed)} of the {len(measured)} groups "
        f"of probes: {named}{rest}."
    )


REGIONS = {"psnr_mask": "inside the covering", "psnr": "over the whole image"}
"""What a verdict on images alone is based on: the first metric that was measured, and where."""


def quality_verdict(arm: ArmReport, floor: ArmReport, where: str = "") -> Verdict:
    """Return the verdict on a restorer by its images alone, for plans that compare no people.

    Args:
        arm: A restored arm.
        floor: The occluded arm.
        where: What the probes were, for the sentence.
    """
    known = arm.figures
    name = next((name for name in REGIONS if {name, f"{name}_gain"} <= known.keys()), None)
    if name is None or name not in floor.figures:
        return Verdict(
            arm.name,
            CANNOT_TELL,
            f"How close the images of '{arm.restorer}' come{where} is not a number of decibels: "
            "none has a clean counterpart, or all are the same as theirs.",
        )
    gain, before, after = known[f"{name}_gain"], floor.figures[name].value, known[name].value
    answer, words = CANNOT_TELL, "may or may not bring images nearer to the unoccluded ones"
    if gain.low > 0:
        answer, words = "helps the image", "brings images nearer to the unoccluded ones"
    elif gain.high < 0:
        answer, words = "hurts the image", "takes images farther from the unoccluded ones"
    text = (
        f"Restoring with '{arm.restorer}' {words}{where}: PSNR {REGIONS[name]} goes from "
        f"{before:.1f} dB to {after:.1f} dB, a difference of {gain.value:+.1f} dB "
        f"({interval_text(gain, 1)}; {gain.n} images of {gain.n_subjects} subjects)."
    )
    sentences = (text, _quality_beside_fill(arm, name), _identity(arm))
    return Verdict(arm.name, answer, " ".join(sentence for sentence in sentences if sentence))


def _quality_beside_fill(arm: ArmReport, name: str) -> str:
    """Compare with the mean face in the same place."""
    figure = arm.figures.get(f"{name}_gain_over_fill")
    if figure is None:
        return ""
    numbers = f"{figure.value:+.1f} dB ({interval_text(figure, 1)})"
    if figure.low > 0:
        return f"It beats the mean face put in the same place ('fill') by {numbers}."
    if figure.high < 0:
        return f"It does worse than the mean face put in the same place ('fill'): {numbers}."
    return f"It cannot be told from the mean face put in the same place ('fill'): {numbers}."


def _identity(arm: ArmReport) -> str:
    """Say whether the template came closer to that of the unoccluded image."""
    figure = arm.figures.get("cosine_gain")
    if figure is None or "cosine" not in arm.figures:
        return ""
    value, gain = arm.figures["cosine"].value, figure.value
    low, high = figure.low, figure.high
    limits = "" if math.isnan(low) else f", 95 % interval {low:+.3f} to {high:+.3f}"
    return (
        f"The cosine to the template of the unoccluded image is {value:.3f} ({gain:+.3f} against "
        f"the occluded one{limits})."
    )
