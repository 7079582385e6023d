"""The first screen of a report: the answer in plain words, a picture of it, and what it costs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from restore_recog.evaluation.arms import Clean, Fused, Occluded, RestoredClean
from restore_recog.evaluation.figure import Figure
from restore_recog.evaluation.results import (
    HARMED,
    RESCUED,
    ArmReport,
    EvaluationReport,
    Example,
    Verdict,
)
from restore_recog.evaluation.words.grounds import Ground, grounds
from restore_recog.labels import KINDS
from restore_recog.reporting.columns import NOTHING, column_of, known
from restore_recog.reporting.pages.elements import Photograph, photograph
from restore_recog.reporting.strips import GUESS

WIDTH = 480
"""Of the picture beside an answer, in pixels."""

HEADLINES: Mapping[str, str] = {
    "helps": "Yes: restoring with {restorer} first helps {who}.",
    "hurts": "No: restoring with {restorer} first makes {who} do worse.",
    "cannot tell": "Not shown: these probes cannot tell whether restoring with {restorer} first "
    "helps {who}.",
    "helps the image": "Yes: {restorer} brings the images closer to the unoccluded ones.",
    "hurts the image": "No: {restorer} takes the images further from the unoccluded ones.",
}
"""By a verdict's answer."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that a decision rests on.

    Attributes:
        title: In plain words.
        term: What the field calls it, explained in the glossary; empty for none.
        value: The number, or why there is none.
        note: Its interval, or what must be known with it.
    """

    title: str
    value: str
    note: str = ""
    term: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the first screen says of one restorer.

    Attributes:
        verdict: As it is stored.
        headline: The answer in one plain sentence.
        facts: What it rests on, and what it costs.
        pictures: Probes before and after, with their truth where that is known: one that was
            rescued and one that was harmed, where there are such; else any one, or none.
    """

    verdict: Verdict
    headline: str
    facts: tuple[Fact, ...]
    pictures: tuple[Photograph, ...]


def answers(report: EvaluationReport) -> list[Answer]:
    """Return an answer for every verdict of a report."""
    arms = {arm.name: arm for arm in report.arms}
    return [_answer(report, verdict, arms) for verdict in report.verdicts]


def _answer(report: EvaluationReport, verdict: Verdict, arms: Mapping[str, ArmReport]) -> Answer:
    arm = arms[verdict.arm]
    kind = report.setup.get("asks", "")
    who = f"'{report.setup.get('recognizer', {}).get('name', 'the recogniser')}'"
    if kind in KINDS:
        who = f"a classifier to tell the {kind}"
    restorer = f"'{arm.restorer}'"
    headline = HEADLINES[verdict.answer].format(restorer=restorer, who=who)
    found_by = [_changed(arms, arm, ground) for ground in grounds(arm)]
    facts = (*found_by, _bare(report, arms, arm), *_cost(report, arm), *_instead(arms, arm))
    return Answer(verdict, headline, facts, _pictures(report, arm.name))


def _changed(arms: Mapping[str, ArmReport], arm: ArmReport, ground: Ground) -> Fact:
    """Return a rate before and after restoring."""
    title, term = _plain(ground)
    before = arms.get(Occluded.name)
    shown = [
        _percent(one.figures[ground.rate])
        for one in (before, arm)
        if one is not None and ground.rate in one.figures
    ]
    return Fact(title, " → ".join(shown), _points(arm.figures[ground.gain]), term)


def _plain(ground: Ground) -> tuple[str, str]:
    """Return what a rate is called in plain words, and its term."""
    return _PLAIN.get(ground.rate.kind, (ground.words, ""))


_PLAIN = {
    "rank1": ("Right person found first", "rank-1"),
    "accuracy": ("Pairs told rightly", "accuracy"),
    "fnmr_frozen": ("Own people refused", "FNMR"),
    "dir": ("Known people found, strangers refused", "DIR"),
    **{kind: (f"{kind.capitalize()} told rightly", "accuracy") for kind in KINDS},
}
"""Rate of a verdict -> what it is in plain words, and its term."""

GLOSSARY: Mapping[str, str] = {
    "rank-1": "the share of probes whose most similar face in the gallery is the right person's",
    "accuracy": "the share of answers that are right",
    "FNMR": "false non-match rate: the share of comparisons of one person with themselves that a "
    "fixed threshold refuses; the threshold is set on bare faces",
    "DIR": "detection and identification rate: the share of known people who are found first and "
    "above a threshold that strangers seldom reach",
    "fused": "the mean of the templates of the face as it came and of the restored one",
    "95 % interval": "where the figure would lie in 95 of 100 such samples of people",
}
"""Terms of the first screen."""


def _bare(report: EvaluationReport, arms: Mapping[str, ArmReport], arm: ArmReport) -> Fact:
    """Return what restoring does to faces that wear nothing."""
    own = arms.get(f"{RestoredClean.name}:{arm.restorer}")
    if own is None:
        begins = f"The arm '{RestoredClean.name}' is left out: "
        why = (note.removeprefix(begins) for note in report.notes if note.startswith(begins))
        asked = f"--arms ...,{RestoredClean.name}"
        return Fact("Harm on bare faces", "not measured", next(why, asked).rstrip("."))
    if 0 < len(report.rows().get(own.name, ())) <= own.fallbacks:
        return Fact("Harm on bare faces", "not measured", "all of them failed in the restorer")
    title = "Bare faces, restored needlessly"
    ground = next(iter(grounds(own)), None)
    if ground is not None:
        gain, term = own.figures[ground.gain], _plain(ground)[1]
        return Fact(title, _difference(gain), _interval(gain), term)
    likeness = column_of("psnr").cell(own.figures)
    return Fact(title, f"{likeness.value} dB" if likeness.measured else NOTHING, "PSNR")


def _cost(report: EvaluationReport, arm: ArmReport) -> list[Fact]:
    """Return how long restoring takes."""
    alone = report.timing.get("restore", {})  # of a run with one restorer
    cost = report.timing.get(f"restore:{arm.restorer}", alone).get("ms_median")
    if not known(cost):
        return []
    return [Fact("Takes", f"{cost:.0f} ms an image", f"on {report.setup.get('device', 'cpu')}")]


def _instead(arms: Mapping[str, ArmReport], arm: ArmReport) -> list[Fact]:
    """Return what using both faces does in place of the restored one alone."""
    both = arms.get(f"{Fused.name}:{arm.restorer}")
    if both is None:
        return []
    ground = next((one for one in grounds(both)), None)
    if ground is None:
        return []
    gain = both.figures[ground.gain]
    return [Fact("Instead: both faces together", _difference(gain), _interval(gain), "fused")]


def _percent(figure: Figure) -> str:
    return f"{100 * figure.value:.1f} %" if known(figure.value) else NOTHING


def _difference(gain: Figure) -> str:
    return f"{100 * gain.value:+.1f} points".replace("-", "−")


def _points(gain: Figure) -> str:
    return f"{_difference(gain)} {_interval(gain)}".rstrip()


def _interval(gain: Figure) -> str:
    if math.isnan(gain.low):
        return ""
    return f"({100 * gain.low:+.1f} to {100 * gain.high:+.1f})".replace("-", "−")


def _pictures(report: EvaluationReport, arm: str) -> tuple[Photograph, ...]:
    """Return probes as they came, restored and bare: both outcomes, so that none is hidden."""
    shown = [one for one in report.examples if {arm, Occluded.name} <= {*one.titles}]
    told = [one for one in shown if one.about == arm]
    both = [[one for one in told if one.outcome == outcome][:1] for outcome in (RESCUED, HARMED)]
    chosen = sum(both, []) or shown[len(shown) // 2 :][:1]
    return tuple(_picture(one, arm) for one in chosen)


def _picture(example: Example, arm: str) -> Photograph:
    titles = [title for title in (Occluded.name, arm, Clean.name) if title in example.titles]
    side = example.strip.shape[0]
    places = [example.titles.index(title) for title in titles]
    tiles = [example.strip[:, place * side : (place + 1) * side] for place in places]
    cut: Example = replace(example, titles=tuple(titles), strip=np.concatenate(tiles, axis=1))
    # What the caption tells is of one restorer; beside the answer on another it would be wrong.
    outcome = f"{example.caption}; " if example.about in ("", arm) else ""
    caption = f"{outcome}what was restored is {GUESS}"
    scale = 2 if cut.strip.shape[1] < WIDTH else 1
    return photograph(cut, ", ".join(titles), caption, width=WIDTH, scale=scale)
