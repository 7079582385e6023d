"""The verdict on a restorer by its images alone: closer to the ground truth or farther."""

from __future__ import annotations

import math

from restore_recog.evaluation.results import ArmReport, Verdict
from restore_recog.evaluation.words.verdict import CANNOT_TELL, interval_text

GROUNDS = (("psnr_mask", "inside the covering"), ("psnr", "over the whole image"))
"""What a verdict is based on: the first metric that was measured, and where."""


def verdict(arm: ArmReport, floor: ArmReport, where: str = "") -> Verdict:
    """Return how much closer to the clean counterparts a restorer came, in a few sentences.

    Args:
        arm: A restored arm.
        floor: The occluded arm.
        where: What the probes were, for the sentence.
    """
    known = arm.figures
    name = next((name for name, _ in GROUNDS if {name, f"{name}_gain"} <= known.keys()), None)
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
        f"Restoring with '{arm.restorer}' {words}{where}: PSNR {dict(GROUNDS)[name]} goes from "
        f"{before:.1f} dB to {after:.1f} dB, a difference of {gain.value:+.1f} dB "
        f"({interval_text(gain, 1)}; {gain.n} images of {gain.n_subjects} subjects)."
    )
    sentences = (text, _beside_fill(arm, name), _identity(arm))
    return Verdict(arm.name, answer, " ".join(sentence for sentence in sentences if sentence))


def _beside_fill(arm: ArmReport, name: str) -> str:
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
