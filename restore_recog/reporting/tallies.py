"""What can be counted off a report: flips, failures by stage, what was lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from restore_recog.reporting.report import ArmReport, ProbeRow, Report
from restore_recog.types import Failure

OUTCOMES = ("rescued", "harmed", "both right", "both wrong")
"""What restoring did to a probe at rank 1, in order of display."""


@dataclass(frozen=True, slots=True)
class Flip:
    """One probe before and after an arm.

    Attributes:
        arm: Whose rank *after* is.
        against: The arm whose rank *before* is.
        before, after: Pessimistic ranks of the own subject, 1 = found first.
        outcome: One of :data:`OUTCOMES`.
    """

    arm: str
    against: str
    probe_id: str
    subject: str
    before: int
    after: int
    outcome: str


def flips(report: Report) -> list[Flip]:
    """Return what became of every searched probe in every arm that a restorer painted.

    Probes whose subject is not in the gallery have no right answer (rank below 1) and are
    left out.
    """
    rows: dict[str, dict[str, ProbeRow]] = {}
    for row in report.probes:
        rows.setdefault(row.arm, {})[row.probe_id] = row
    found = []
    for arm in report.arms:
        against = base(arm)
        before = rows.get(against, {})
        if arm.restorer is None or not before:
            continue
        found += [
            _flip(before[probe_id], row, against)
            for probe_id, row in rows.get(arm.name, {}).items()
            if probe_id in before and min(row.rank, before[probe_id].rank) >= 1
        ]
    return found


def base(arm: ArmReport) -> str:
    """Return the name of the arm that an arm's gain is measured against."""
    return str(arm.figures.get("rank1_gain", {}).get("against", "occluded"))


def _flip(before: ProbeRow, after: ProbeRow, against: str) -> Flip:
    outcome = {
        (False, True): "rescued",
        (True, False): "harmed",
        (True, True): "both right",
        (False, False): "both wrong",
    }[before.rank == 1, after.rank == 1]
    return Flip(after.arm, against, after.probe_id, after.subject, before.rank, after.rank, outcome)


def counted(found: Iterable[Flip]) -> dict[str, Counter[str]]:
    """Return arm name -> how many probes had which outcome."""
    table: dict[str, Counter[str]] = {}
    for flip in found:
        table.setdefault(flip.arm, Counter())[flip.outcome] += 1
    return table


def failures_by_stage(failures: Iterable[Failure]) -> dict[str, dict[str, int]]:
    """Return stage -> {"images", "subjects", "events"}: distinct pictures and people, and entries.

    One picture can fail in several arms, so there can be more events than pictures.
    """
    by_stage: dict[str, list[Failure]] = {}
    for failure in failures:
        by_stage.setdefault(failure.stage, []).append(failure)
    return {
        stage: {
            "images": len({failure.image_id for failure in entries}),
            "subjects": len({failure.subject for failure in entries}),
            "events": len(entries),
        }
        for stage, entries in sorted(by_stage.items())
    }


def losses(arms: Iterable[ArmReport]) -> list[str]:
    """Return one line for all arms that lost as many probes, or used as many unrestored."""
    found: dict[str, list[str]] = {}
    for arm in arms:
        if arm.misses:
            line = f"{arm.misses} probes without a template: misses at every rank"
            found.setdefault(line, []).append(arm.name)
        if arm.fallbacks:
            line = f"{arm.fallbacks} probes used unrestored because the restorer failed"
            found.setdefault(line, []).append(arm.name)
    return [f"{', '.join(names)}: {line}" for line, names in found.items()]


def stage_lines(stages: Mapping[str, Mapping[str, int]]) -> list[str]:
    """Return one line for every stage that something failed at."""
    return [
        f"at the stage '{stage}': {count['images']} pictures of {count['subjects']} people"
        + (f", {count['events']} times" if count["events"] != count["images"] else "")
        for stage, count in stages.items()
    ]
