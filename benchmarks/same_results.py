"""Check that two results folders of ``restore-recog eval`` hold the same results.

``python benchmarks/same_results.py OLD NEW`` compares scores.csv and probes.csv byte by byte,
and everything of every arm, group and spread in report.json value by value (NaN equals NaN).
Remarks on figures, times and provenance are not results and may differ. The exit code is 1 where
anything else does.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

FORMATS = (2, 3, 4)
"""Formats of report.json that are read."""

BYTES = ("scores.csv", "probes.csv")

NAMED_BY = {
    "arms": ("name",),
    "cohorts": ("column", "value"),
    "spreads": ("column", "arm", "figure"),
}
"""List of report.json -> the keys that name one of its entries."""

REMARKS = ("flag",)
"""Keys of sentences, whose wording is no result."""


def differences(old: Path, new: Path) -> Iterator[str]:
    """Yield a line for each difference between two results folders."""
    for name in BYTES:
        if (old / name).read_bytes() != (new / name).read_bytes():
            yield f"{name}: not the same bytes"
    before, after = values(old), values(new)
    for where in sorted(before.keys() | after.keys()):
        if where not in after:
            yield f"{where}: missing from the new report"
        elif where not in before:
            yield f"{where}: missing from the old report"
        elif before[where] != after[where]:
            yield f"{where}: {before[where]} became {after[where]}"


def values(folder: Path) -> dict[str, Any]:
    """Return every value of a report.json by its place; None stands for NaN.

    Raises:
        ValueError: It has a format that is not read.
    """
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    if report["format"] not in FORMATS:
        raise ValueError(f"'{folder}' has report format {report['format']}, not one of {FORMATS}.")
    places: dict[str, Any] = {}
    for part, keys in NAMED_BY.items():
        for entry in report[part]:
            name = "/".join(str(entry[key]) for key in keys)
            places.update(_leaves(f"{part}/{name}", entry))
    return places


def _leaves(where: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Yield the place and value of everything below *value* but remarks."""
    if isinstance(value, Mapping):
        for key, below in value.items():
            if key not in REMARKS:
                yield from _leaves(f"{where}/{key}", below)
    elif isinstance(value, list):
        for index, below in enumerate(value):
            yield from _leaves(f"{where}/{index}", below)
    else:
        yield where, value


def main(arguments: list[str]) -> int:
    """Print what differs and return the exit code: 0 the same, 1 not, 2 nothing was compared."""
    if len(arguments) != 2:
        print("usage: python benchmarks/same_results.py OLD NEW", file=sys.stderr)
        return 2
    try:
        lines = list(differences(*map(Path, arguments)))
    except (OSError, ValueError, KeyError) as error:
        print(f"These cannot be compared: {error}", file=sys.stderr)
        return 2
    print("\n".join(lines) or "the same results")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
