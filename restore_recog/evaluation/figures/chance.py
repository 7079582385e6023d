"""Marks on the figures of recognisers that only guess."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from restore_recog.evaluation.figure import NO_FIGURE, Figure
from restore_recog.evaluation.results import ArmReport
from restore_recog.labels import KINDS
from restore_recog.metrics.chance import no_better_than_chance

RATES = {rate: f"{rate}_gain" for rate in ("rank1", "accuracy", *KINDS)}
"""Rates that guessing can reach, and what an arm gains in them."""

NO_GAIN = "no better than chance, with or without: measures nothing"


def judged(rate: Figure, chance: float) -> Figure:
    """Return a rate that knows of chance, flagged where it is no better.

    Args:
        rate: Of right answers.
        chance: Share that guessing gets right.
    """
    n = rate.n or 0
    guessed = no_better_than_chance(round(rate.value * n), n, chance, rate.low)
    flag = f"no better than chance ({100 * chance:.2g} %): measures nothing"
    known = rate.with_details(chance=chance, at_chance=guessed)
    return replace(known, flag=flag) if guessed else known


def at_chance(arm: ArmReport | None, rate: str) -> bool:
    """Return whether a rate of an arm is no better than chance."""
    figures = {} if arm is None else arm.figures
    return bool(figures.get(rate, NO_FIGURE).get("at_chance", False))


def marked(arms: Sequence[ArmReport]) -> tuple[ArmReport, ...]:
    """Return arms, what they gained flagged where both sides of the difference only guess."""
    by_name = {arm.name: arm for arm in arms}
    return tuple(
        replace(arm, figures={**arm.figures, **_flagged_gains(arm, by_name)}) for arm in arms
    )


def _flagged_gains(arm: ArmReport, by_name: dict[str, ArmReport]) -> dict[str, Figure]:
    gains = {rate: arm.figures[gain] for rate, gain in RATES.items() if gain in arm.figures}
    return {
        figure.name: replace(figure, flag=NO_GAIN)
        for rate, figure in gains.items()
        if at_chance(arm, rate) and at_chance(by_name.get(figure.get("against", "")), rate)
    }


def label(arms: Sequence[ArmReport]) -> tuple[str, ...]:
    """Return what a reader must know first where every arm only guesses, bare faces included."""
    known = [arm.figures[rate] for arm in arms for rate in RATES if rate in arm.figures]
    if known and all(rate.get("at_chance", False) for rate in known):
        asked = (
            "classifier"
            if any(kind in arm.figures for arm in arms for kind in KINDS)
            else "recogniser"
        )
        return (f"the {asked} does no better than chance here: nothing is measured",)
    return ()
