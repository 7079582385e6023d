"""Two finished runs paired: what the second has over the first on the same probes.

It is given only where protocol, data, gallery and probes of both runs are the same, and refused
with a reason elsewhere.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from restore_recog.evaluation.figure import Figure
from restore_recog.evaluation.figures.paired import flips
from restore_recog.evaluation.results import ArmReport, EvaluationReport, ProbeRow
from restore_recog.evaluation.words.grounds import ALPHA
from restore_recog.metrics.uncertainty import bootstrap_difference, sign_flip_test

NO_COMPARISONS = {"plan.json", "for_training.csv"}
"""Files of a protocol that say nothing about who is compared with whom."""


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """One finished run under a name of its own."""

    name: str
    report: EvaluationReport


@dataclass(frozen=True, slots=True)
class Difference:
    """What the second run has over the first, on the same probes.

    Attributes:
        first, second: Names of the two arms.
        figure: ``rank1`` or ``cosine``.
        result: {"value", "low", "high", "n", "n_subjects", "p_sign_flip", "seed", ...} and
            ``unchanged``: not one probe differs. For ``rank1`` also what was ``rescued`` and
            ``harmed`` by going to the second.
        p_corrected: For all differences of the comparison; NaN where not one probe differs, and
            before they are set side by side.
    """

    first: str
    second: str
    figure: str
    result: Figure
    p_corrected: float = math.nan

    @property
    def answer(self) -> str:
        """Return ``better``, ``worse``, ``the same`` or ``cannot tell``.

        Better and worse only where the corrected p says so.
        """
        if self.result["unchanged"]:
            return "the same"
        if self.p_corrected < ALPHA:
            return "better" if self.result.value > 0 else "worse"
        return "cannot tell"


@dataclass(frozen=True, slots=True)
class Pairing:
    """The first run against another.

    Attributes:
        first, second: Names of the runs.
        refusal: Why they cannot be paired, or None.
        notes: What else the differences may be due to.
        differences: Empty where refused.
    """

    first: str
    second: str
    refusal: str | None
    notes: tuple[str, ...] = ()
    differences: tuple[Difference, ...] = ()


def pair(first: Run, second: Run) -> Pairing:
    """Return what the second run has over the first on the same probes, or why not."""
    refusal = _refusal(first, second)
    if refusal is not None:
        text = f"'{second.name}' cannot be paired with '{first.name}': {refusal}."
        return Pairing(first.name, second.name, text)
    a, b = first.report, second.report
    seed = int(a.setup.get("seed") or 0)
    same_recognizer = a.setup.get("recognizer") == b.setup.get("recognizer")
    rows = [report.rows() for report in (a, b)]
    differences: list[Difference] = []
    for one, other in _arm_pairs(a.arms, b.arms):
        mine, theirs = rows[1].get(other, {}), rows[0].get(one, {})
        probes = [(theirs[name], mine[name]) for name in theirs if name in mine]
        differences += _differences(one, other, probes, seed, same_recognizer)
    notes = tuple(_notes(first, second))
    return Pairing(first.name, second.name, None, notes, tuple(differences))


def protocols_differ(first: Run, second: Run) -> str | None:
    """Return how the protocols of two runs differ, or None."""
    a, b = (_protocol(run.report) for run in (first, second))
    if a == b:
        return None
    return f"'{first.name}' follows the protocol {a}, '{second.name}' {b}"


def _protocol(report: EvaluationReport) -> str:
    protocol = report.setup.get("protocol", {})
    parts = [str(protocol[key]) for key in ("name", "argument") if protocol.get(key)]
    return f"{':'.join(parts) or 'unknown'} version {protocol.get('version', 'unknown')}"


def _refusal(first: Run, second: Run) -> str | None:
    """Return why two runs do not have the same probes and gallery, or None."""
    if (reason := protocols_differ(first, second)) is not None:
        return reason
    a, b = first.report, second.report
    if a.setup.get("data_sha256") != b.setup.get("data_sha256"):
        return "their data differ (other images, people or conditions)"
    if _people(a) != _people(b):
        return "their probes differ (another --limit, seed or --protocol file)"
    names = sorted({*a.protocol, *b.protocol} - NO_COMPARISONS)
    if differ := [name for name in names if a.protocol.get(name) != b.protocol.get(name)]:
        return f"their galleries or comparisons differ (see protocol/{differ[0]} of both)"
    if not a.probes:
        return "they have no probes"
    return None


def _people(report: EvaluationReport) -> set[tuple[str, str]]:
    return {(row.probe_id, row.subject) for row in report.probes}


def _arm_pairs(first: Sequence[ArmReport], second: Sequence[ArmReport]) -> list[tuple[str, str]]:
    """Return which arms answer each other: of one name, else the only ones left of a kind."""
    names = {arm.name for arm in first} & {arm.name for arm in second}
    pairs = []
    for arm in first:
        if arm.name in names:
            pairs.append((arm.name, arm.name))
            continue
        mine = [one.name for one in first if one.arm == arm.arm and one.name not in names]
        theirs = [one.name for one in second if one.arm == arm.arm and one.name not in names]
        if len(mine) == len(theirs) == 1:
            pairs.append((mine[0], theirs[0]))
    return pairs


def _differences(
    first: str,
    second: str,
    probes: Sequence[tuple[ProbeRow, ProbeRow]],
    seed: int,
    same_recognizer: bool,
) -> Iterator[Difference]:
    searched = [(a, b) for a, b in probes if min(a.rank, b.rank) >= 1]
    if searched:
        was = np.array([a.rank == 1 for a, _ in searched])
        now = np.array([b.rank == 1 for _, b in searched])
        people = np.array([a.subject for a, _ in searched])
        result = flips("rank1", now, was, people, seed)
        result = result.with_details(seed=seed, unchanged=not (now != was).any())
        yield Difference(first, second, "rank1", result)
    known = [(a, b) for a, b in probes if math.isfinite(a.cosine) and math.isfinite(b.cosine)]
    if known and same_recognizer:
        was, now = np.array([(a.cosine, b.cosine) for a, b in known]).T  # (2, P) -> 2 x (P,)
        people = np.array([a.subject for a, _ in known])
        interval = bootstrap_difference(now, was, people, seed=seed)
        p = sign_flip_test(now - was, people, seed)
        result = Figure.of("cosine", interval, p_sign_flip=p)
        result = result.with_details(seed=seed, unchanged=not (now != was).any())
        yield Difference(first, second, "cosine", result)


def _notes(first: Run, second: Run) -> Iterator[str]:
    a, b = first.report.setup, second.report.setup
    if a.get("coverings") and (a["coverings"], a.get("seed")) != (
        b.get("coverings"),
        b.get("seed"),
    ):
        yield (
            "Different synthetic coverings were drawn (another kind, colour or seed), so part of "
            "the differences may come from them."
        )
    if a.get("recognizer") != b.get("recognizer"):
        yield "The recognisers differ, so cosines are not compared: each has a scale of its own."
