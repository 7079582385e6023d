"""The verdict on a restorer by its images alone, for plans that compare no people."""

from __future__ import annotations

import math

from restore_recog.evaluation.results import ArmReport, Verdict
from restore_recog.evaluation.words.grounds import CANNOT_TELL, Tests, interval_text

REGIONS = {"psnr_mask": "inside the covering", "psnr": "over the whole image"}
"""What the verdict is based on: the first metric that was measured, and where."""


def region(arm: ArmReport) -> str | None:
    """Return the metric that the verdict on an arm is based on, or None without any."""
    known = arm.figures.keys()
    return next((name for name in REGIONS if {name, f"{name}_gain"} <= known), None)


def quality_verdict(
    arm: ArmReport, floor: ArmReport, where: str = "", tests: Tests | None = None
) -> Verdict:
    """Return the verdict on a restorer by its images alone.

    Args:
        arm: A restored arm.
        floor: The occluded arm.
        where: What the probes were, for the sentence.
        tests: What is told and what is not; nothing is, by default.
    """
    name, told = region(arm), tests or Tests()
    if name is None or name not in floor.figures:
        return Verdict(
            arm.name,
            CANNOT_TELL,
            f"How close the images of '{arm.restorer}' come{where} is not a number of decibels: "
            "none has a clean counterpart, or all are the same as theirs.",
        )
    known, figure = arm.figures, f"{name}_gain"
    gain, before, after = known[figure], floor.figures[name].value, known[name].value
    answer, words = {
        1: ("helps the image", "brings images nearer to the unoccluded ones"),
        -1: ("hurts the image", "takes images farther from the unoccluded ones"),
        0: (CANNOT_TELL, "may or may not bring images nearer to the unoccluded ones"),
    }[told.direction(arm, figure)]
    text = (
        f"Restoring with '{arm.restorer}' {words}{where}: PSNR {REGIONS[name]} goes from "
        f"{before:.1f} dB to {after:.1f} dB, a difference of {gain.value:+.1f} dB "
        f"({interval_text(gain, 1)}; {told.p_words(arm, figure)}; {gain.n} images of "
        f"{gain.n_subjects} subjects)."
    )
    sentences = (text, _beside_fill(arm, name, told), _identity(arm))
    words = " ".join(sentence for sentence in sentences if sentence)
    return Verdict(arm.name, answer, words, tuple(told.of(arm)))


def _beside_fill(arm: ArmReport, name: str, tests: Tests) -> str:
    """Compare with the mean face in the same place."""
    over = f"{name}_gain_over_fill"
    figure = arm.figures.get(over)
    if figure is None:
        return ""
    numbers = f"{figure.value:+.1f} dB ({interval_text(figure, 1)}; {tests.p_words(arm, over)})"
    return {
        1: f"It beats the mean face put in the same place ('fill') by {numbers}.",
        -1: f"It does worse than the mean face put in the same place ('fill'): {numbers}.",
        0: f"It cannot be told from the mean face put in the same place ('fill'): {numbers}.",
    }[tests.direction(arm, over)]


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
