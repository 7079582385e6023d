"""Whether fusing the occluded and the restored face does better than restoring alone, in words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from restore_recog.evaluation.arms import ARMS
from restore_recog.evaluation.results import ArmReport, Verdict
from restore_recog.evaluation.words.verdict import Ground, ground, interval_text, points


def with_fusion(verdict: Verdict, arm: ArmReport, arms: Iterable[ArmReport]) -> Verdict:
    """Return the verdict on a restorer with a sentence on each arm that fuses what it restored.

    Args:
        verdict: On *arm*.
        arm: A restored arm.
        arms: All arms of the run.
    """
    base = ground(arm)
    if base is None:
        return verdict
    fused = [one for one in arms if ARMS[one.arm].fuses and one.restorer == arm.restorer]
    said = [_sentence(one, arm, base) for one in fused if base.against(arm.arm) in one.figures]
    return replace(verdict, sentence=" ".join([verdict.sentence, *said]))


def _sentence(fused: ArmReport, alone: ArmReport, base: Ground) -> str:
    """Say what fusing gains over the occluded face, and over restoring alone."""
    gain, over = fused.figures[base.gain], fused.figures[base.against(alone.arm)]
    answer = {1: "helps", -1: "hurts", 0: "may or may not help"}[base.direction(gain)]
    beside = {1: "does better than", -1: "does worse than", 0: "cannot be told from"}
    return (
        f"Fusing the occluded with the restored face ('{fused.name}') {answer}: {base.words} is "
        f"{100 * fused.figures[base.rate].value:.1f} %, {points(gain)} against the occluded face "
        f"({interval_text(gain)}), and {beside[base.direction(over)]} restoring alone: "
        f"{points(over)} ({interval_text(over)})."
    )
