"""Several finished runs side by side, and paired where their probes are the same.

A paired difference says what changed for the same probes; it is far more certain than the
difference of two tables. Whatever is said of all runs at once is corrected together.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from restore_recog.errors import DataError
from restore_recog.evaluation.words.grounds import ALPHA
from restore_recog.evaluation.words.judging import Case, Judgement, judge
from restore_recog.metrics.multiplicity import holm
from restore_recog.reporting.folder import read as read_report
from restore_recog.reporting.pairing import Difference, Pairing, Run, pair, protocols_differ

IGNORED = ("command", "time", "peak_memory_mib")
"""Settings of a run that cannot move a figure."""


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """Runs side by side.

    Attributes:
        overlay_refusal: Why their curves must not share axes, or None.
        settings: Setting -> its value in every run, where they differ.
        pairings: Every later run against the first.
        judgement: The verdicts of all runs, their tests corrected together.
    """

    runs: tuple[Run, ...]
    overlay_refusal: str | None
    settings: Mapping[str, tuple[str, ...]]
    pairings: tuple[Pairing, ...]
    judgement: Judgement

    @property
    def family(self) -> str:
        """Return how many differences were corrected together, in words."""
        told = [d for p in self.pairings for d in p.differences if not math.isnan(d.p_corrected)]
        if not told:
            return ""
        return (
            f"The paired differences are {len(told)} tests, corrected together by Holm's method: "
            f"better and worse are said only where the corrected p is below {ALPHA:g}."
        )


def load(folders: Sequence[Path]) -> list[Run]:
    """Read results folders; each run is called by the shortest end of its path that tells.

    Raises:
        DataError: A folder is no results folder, or is given twice.
    """
    paths = [Path(folder).resolve() for folder in folders]
    if twice := [path for number, path in enumerate(paths) if path in paths[:number]]:
        raise DataError(f"'{twice[0]}' is given twice; name each run once.")
    depth = 1
    while len({_end(path, depth) for path in paths}) < len(paths):
        depth += 1
    return [Run(_end(path, depth), read_report(path)) for path in paths]


def _end(path: Path, depth: int) -> str:
    return "/".join(path.parts[-depth:])


def compare(runs: Sequence[Run]) -> Comparison:
    """Set runs side by side and pair every later one with the first.

    Raises:
        DataError: There are fewer than two.
    """
    if len(runs) < 2:
        raise DataError("There is nothing to compare; name at least two results folders.")
    return Comparison(
        tuple(runs),
        _overlay_refusal(runs),
        _settings(runs),
        _corrected([pair(runs[0], other) for other in runs[1:]]),
        judge([Case.of(run.report) for run in runs]),
    )


def _corrected(pairings: Sequence[Pairing]) -> tuple[Pairing, ...]:
    """Return the pairings, the tests of all their differences corrected together."""
    everything = [difference for pairing in pairings for difference in pairing.differences]
    ps = iter(holm([_p(difference) for difference in everything]).tolist())
    return tuple(
        replace(
            pairing,
            differences=tuple(replace(d, p_corrected=next(ps)) for d in pairing.differences),
        )
        for pairing in pairings
    )


def _p(difference: Difference) -> float:
    """Return p, NaN where there is nothing to test."""
    unchanged = difference.result["unchanged"]
    return math.nan if unchanged else float(difference.result["p_sign_flip"])


def _overlay_refusal(runs: Sequence[Run]) -> str | None:
    for other in runs[1:]:
        if (reason := protocols_differ(runs[0], other)) is not None:
            return f"Curves are not drawn over each other: {reason}."
    return None


def _settings(runs: Sequence[Run]) -> dict[str, tuple[str, ...]]:
    """Return the settings that differ, as text."""
    flat = [dict(_flat(run.report.setup)) for run in runs]
    names = dict.fromkeys(name for one in flat for name in one)
    table = {name: tuple(one.get(name, "") for one in flat) for name in names}
    return {
        name: values
        for name, values in table.items()
        if len(set(values)) > 1 and name.partition(".")[0] not in IGNORED
    }


def _flat(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _flat(item, f"{name}.{key}" if name else str(key))
    elif isinstance(value, (list, tuple)):
        for number, item in enumerate(value):
            yield from _flat(item, f"{name}.{number}")
    else:
        yield name, str(value)
